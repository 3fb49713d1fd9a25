"""Joining a fleet: pin its server from one bundle, make this laptop's node key, or leave again.

``join.json`` comes from whoever runs the server and is the only thing trusted about it: the
address, the one certificate authority, the one key whose contracts count, and the key of its log.
A laptop is in one fleet at a time, and its budget is one for all fleets it is ever in.
"""

import base64
import binascii
import hmac
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from deskbound_client.paths import HomePaths
from deskbound_client.store.files import read_private, replace_private, sync_folder
from deskbound_strategies import dsse
from deskbound_strategies.errors import ConfigError, NotFoundError
from deskbound_strategies.ledger_bodies import LedgerKind
from deskbound_strategies.note import SIGNATURE, Verifier

MAX_BUNDLE_BYTES = 64 * 1024
_ADDRESS = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9.\-]{0,252})|\[[0-9A-Fa-f:]{2,45}\]):([0-9]{1,5})"
)
_FLEET = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._\-]{0,63}")
_FIELDS = {"superlink", "ca_pem", "contract_public_key", "log", "fleet"}
ANCHOR_COMMENT = "deskbound-anchor:"
_MEND = "Ask whoever runs the server for a new join bundle."


class Ledger(Protocol):
    """The device's ledger, as far as joining needs it."""

    def append(self, kind: LedgerKind, body: dict[str, Any]) -> object:
        """Add an entry that is durable when this returns."""

    def anchor(self, origin: str) -> str:
        """Return the anchor (hex) under which a log is to speak of this laptop."""


@dataclass(frozen=True, slots=True)
class Server:
    """What a laptop knows of the server it joined.

    Attributes:
        superlink: ``host:port`` of the SuperLink's fleet address.
        ca_pem: the one certificate authority that may vouch for it.
        contract_key: the one key whose contracts count.
        log: name and key of the server's log.
        fleet: what the operator calls the fleet.
    """

    superlink: str
    ca_pem: str
    contract_key: Ed25519PublicKey
    log: Verifier
    fleet: str

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of the contract key: the server's name in the ledger."""
        return dsse.fingerprint(self.contract_key)

    @property
    def host(self) -> str:
        """Host of the SuperLink, without brackets."""
        return self.superlink.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """Port of the SuperLink."""
        return int(self.superlink.rpartition(":")[2])


def parse_bundle(data: bytes) -> Server:
    """Read a join bundle strictly.

    Raises:
        ConfigError: naming the field that is wrong.
    """
    try:
        raw = json.loads(data.decode("utf-8")) if len(data) <= MAX_BUNDLE_BYTES else None
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        raw = None
    if not isinstance(raw, dict) or set(raw) != _FIELDS:
        raise ConfigError("This is not a join bundle.", _MEND)
    if not all(isinstance(value, str) for value in raw.values()):
        raise ConfigError("This is not a join bundle.", _MEND)
    address = _ADDRESS.fullmatch(raw["superlink"])
    if address is None or not 0 < int(address[1]) < 65536:
        raise _wrong("superlink")
    if _FLEET.fullmatch(raw["fleet"]) is None:
        raise _wrong("fleet")
    _check_authority(raw["ca_pem"])
    key, log = _key(raw["contract_public_key"]), _log(raw["log"])
    return Server(raw["superlink"], raw["ca_pem"], key, log, raw["fleet"])


def _wrong(field: str) -> ConfigError:
    return ConfigError(f"The join bundle's {field} is not acceptable.", _MEND)


def _check_authority(pem: str) -> None:
    try:
        (certificate,) = x509.load_pem_x509_certificates(pem.encode("ascii"))
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    except (ValueError, x509.ExtensionNotFound):
        raise _wrong("ca_pem") from None
    if not constraints.value.ca:
        raise _wrong("ca_pem")


def _key(text: str) -> Ed25519PublicKey:
    try:
        return Ed25519PublicKey.from_public_bytes(base64.b64decode(text, validate=True))
    except (ValueError, binascii.Error):
        raise _wrong("contract_public_key") from None


def _log(text: str) -> Verifier:
    try:
        found = Verifier.parse(text)
    except ConfigError:
        raise _wrong("log") from None
    if found.kind != SIGNATURE:
        raise _wrong("log")
    return found


def join(paths: HomePaths, bundle: Path, ledger: Ledger) -> Path:
    """Join the fleet of a bundle; repeating it for the same fleet changes nothing.

    Returns:
        The file with this laptop's public key, for the operator to enroll.

    Raises:
        ConfigError: when the bundle is malformed, or this laptop is in another fleet.
        NotFoundError: when there is no such bundle.
    """
    server = parse_bundle(_read(bundle))
    paths.prepare()
    if paths.join.exists():
        _check_same(load_server(paths), server)
        return paths.node_public_key
    _make_node_key(paths, ledger.anchor(server.log.name))
    replace_private(paths.ca, server.ca_pem.encode("ascii"))
    ledger.append(LedgerKind.JOIN, {"action": "join", "server_key": server.fingerprint})
    replace_private(paths.join, _bundle_bytes(server))  # last: from here on it counts
    return paths.node_public_key


def leave(paths: HomePaths, ledger: Ledger) -> None:
    """Leave the fleet; the node key is destroyed, budget and ledger stay.

    Raises:
        NotFoundError: when this laptop is in none.
    """
    server = load_server(paths)
    ledger.append(LedgerKind.JOIN, {"action": "leave", "server_key": server.fingerprint})
    for path in (paths.join, paths.ca, paths.node_key, paths.node_public_key):
        path.unlink(missing_ok=True)
    sync_folder(paths.server)


def load_server(paths: HomePaths) -> Server:
    """Return the server this laptop joined.

    Raises:
        NotFoundError: when it joined none.
        PermissionsError: when others could have written what is known about it.
    """
    try:
        return parse_bundle(read_private(paths.join))
    except NotFoundError:
        raise NotFoundError(
            "This laptop is in no fleet.", "Run `deskbound join` with the operator's join bundle."
        ) from None


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(MAX_BUNDLE_BYTES + 1)
    except OSError:
        raise NotFoundError(f"{path.name} cannot be read.", "Check the path.") from None


def _check_same(present: Server, wanted: Server) -> None:
    if not hmac.compare_digest(_bundle_bytes(present), _bundle_bytes(wanted)):
        raise ConfigError(
            f"This laptop is in the fleet {present.fleet} already.",
            "Run `deskbound leave` first; budget that is spent stays spent.",
        )


def _bundle_bytes(server: Server) -> bytes:
    fields = {
        "superlink": server.superlink,
        "ca_pem": server.ca_pem,
        "contract_public_key": base64.b64encode(server.contract_key.public_bytes_raw()).decode(),
        "log": str(server.log),
        "fleet": server.fleet,
    }
    return json.dumps(fields, indent=2, sort_keys=True).encode("ascii")


def _make_node_key(paths: HomePaths, anchor: str) -> None:
    """Make an EC P-384 pair in OpenSSH format, the one Flower's node authentication reads.

    The public half goes to the operator by hand, and its comment is the laptop's anchor.
    """
    key = ec.generate_private_key(ec.SECP384R1())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    replace_private(paths.node_key, private)
    comment = f" {ANCHOR_COMMENT}{anchor}\n".encode("ascii")
    replace_private(paths.node_public_key, public + comment)
