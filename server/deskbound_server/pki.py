"""Keys and certificates of a fleet, made once, and the bundle with which a laptop joins.

The certificate authority exists for one server; laptops pin it, so no public authority and no
inspecting proxy can stand in between. The contract key is separate from TLS: whoever holds only the
TLS key can interrupt rounds but not ask for one.
"""

import base64
import datetime
import ipaddress
import json
import secrets
from dataclasses import asdict
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from deskbound_server.home import ServerHome, Settings, write_private
from deskbound_strategies.dsse import fingerprint
from deskbound_strategies.errors import BusyError, ConfigError, VaultDamagedError
from deskbound_strategies.note import SIGNATURE, Verifier

_CA_DAYS = 3650
_SERVER_DAYS = 825  # the longest that common TLS libraries accept for a server
_LOCAL = ("localhost", "127.0.0.1")


def init(home: ServerHome, settings: Settings, hosts: tuple[str, ...] = ()) -> Path:
    """Set up a server: keys, certificates, secrets and the join bundle, all 0600.

    Args:
        home: where; must not hold a server yet.
        settings: address of the SuperLink as laptops reach it, and the fleet's name.
        hosts: further names or addresses for the certificate.

    Returns:
        Path of ``join.json``.

    Raises:
        BusyError: a server is there already; its keys are never overwritten.
        ConfigError: host, port or fleet name make no sense.
    """
    if home.settings_file.exists():
        raise BusyError(
            f"There is a Deskbound server in {home.root} already.",
            "Use it, or choose an empty folder with --home; keys are never overwritten.",
        )
    _check(settings)
    home.create()
    names = tuple(dict.fromkeys((settings.host, *_LOCAL, *hosts)))
    contract_key = _write_keys(home, settings.fleet, names)
    write_private(home.superexec_secret, secrets.token_bytes(32))
    for token in (home.control_token, home.witness_token):
        write_private(token, secrets.token_hex(32).encode("ascii"))
    log = Ed25519PrivateKey.generate()
    write_private(home.log_key, _private_pem(log))
    write_private(home.join_bundle, _bundle(home, settings, contract_key, log))
    # Last, because its presence says that the rest is complete.
    write_private(home.settings_file, _json(asdict(settings)))
    return home.join_bundle


def contract_key(home: ServerHome) -> Ed25519PrivateKey:
    """Read the key that signs contracts.

    Raises:
        VaultDamagedError: the file is missing or no such key.
    """
    return _read_key(home.contract_key, "laptops accept contracts from this key only")


def log_key(home: ServerHome) -> Ed25519PrivateKey:
    """Read the key that signs the log's heads.

    Raises:
        VaultDamagedError: the file is missing or no such key.
    """
    return _read_key(home.log_key, "laptops accept the log of this key only")


def log_verifier(home: ServerHome) -> Verifier:
    """Return the log's name and public key, as ``join.json`` hands them to laptops."""
    return _log_verifier(home.settings(), log_key(home))


def _log_verifier(settings: Settings, key: Ed25519PrivateKey) -> Verifier:
    # The key is part of the name: a server set up anew at the same address keeps another log.
    name = f"{_authority(settings)}/deskbound/{fingerprint(key.public_key())[:16]}"
    return Verifier(name.replace("[", "").replace("]", ""), SIGNATURE, key.public_key())


def _read_key(path: Path, why: str) -> Ed25519PrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise VaultDamagedError(
            f"{path} is missing or holds no Ed25519 key.", f"Restore it from your backup; {why}."
        )
    return key


def _check(settings: Settings) -> None:
    if not 0 < settings.port < 2**16:
        raise ConfigError(f"{settings.port} is no port.", "Choose one from 1 to 65535.")
    plain = settings.host.replace(".", "").replace("-", "").replace(":", "").isalnum()
    if not plain or not settings.host.isascii():
        raise ConfigError(
            "The host is neither a host name nor an address.", "Give one, as in --host 10.0.0.5."
        )
    if not (0 < len(settings.fleet) <= 64 and settings.fleet.isprintable()):
        raise ConfigError("The fleet's name has 1 to 64 printable characters.", "Choose another.")


def _write_keys(home: ServerHome, fleet: str, names: tuple[str, ...]) -> Ed25519PrivateKey:
    ca_key = ec.generate_private_key(ec.SECP384R1())
    tls_key = ec.generate_private_key(ec.SECP384R1())
    signing = Ed25519PrivateKey.generate()
    ca = _ca_certificate(fleet, ca_key)
    write_private(home.ca_key, _private_pem(ca_key))
    write_private(home.ca_certificate, ca.public_bytes(serialization.Encoding.PEM))
    write_private(home.tls_key, _private_pem(tls_key))
    certificate = _server_certificate(names, tls_key.public_key(), ca, ca_key)
    write_private(home.tls_certificate, certificate.public_bytes(serialization.Encoding.PEM))
    write_private(home.contract_key, _private_pem(signing))
    return signing


def _ca_certificate(fleet: str, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Deskbound fleet {fleet}"[:64])])
    builder = _builder(name, name, key.public_key(), _CA_DAYS)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(certificates=True), critical=True)
    builder = builder.add_extension(
        x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
    )
    return builder.sign(key, hashes.SHA384())


def _server_certificate(
    names: tuple[str, ...],
    key: ec.EllipticCurvePublicKey,
    ca: x509.Certificate,
    ca_key: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Deskbound SuperLink")])
    builder = _builder(subject, ca.subject, key, _SERVER_DAYS)
    builder = builder.add_extension(
        x509.BasicConstraints(ca=False, path_length=None), critical=True
    )
    builder = builder.add_extension(_usage(certificates=False), critical=True)
    builder = builder.add_extension(
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False
    )
    builder = builder.add_extension(
        x509.SubjectAlternativeName([_name(name) for name in names]), critical=False
    )
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False
    )
    return builder.sign(ca_key, hashes.SHA384())


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    # An hour back, so that a laptop whose clock is a little slow can join at once.
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=days))
    )


def _usage(*, certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not certificates,
        key_cert_sign=certificates,
        crl_sign=certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _private_pem(key: ec.EllipticCurvePrivateKey | Ed25519PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _authority(settings: Settings) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{host}:{settings.port}"


def _bundle(
    home: ServerHome, settings: Settings, key: Ed25519PrivateKey, log: Ed25519PrivateKey
) -> bytes:
    raw = key.public_key().public_bytes_raw()
    return _json(
        {
            "superlink": _authority(settings),
            "ca_pem": home.ca_certificate.read_text("ascii"),
            "contract_public_key": base64.b64encode(raw).decode("ascii"),
            "log": str(_log_verifier(settings, log)),
            "fleet": settings.fleet,
        }
    )


def _json(value: dict[str, object]) -> bytes:
    return json.dumps(value, indent=2, sort_keys=True).encode("utf-8") + b"\n"
