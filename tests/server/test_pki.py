import base64
import json
import stat

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from deskbound_server import pki
from deskbound_server.home import ServerHome, Settings
from deskbound_strategies import dsse
from deskbound_strategies.errors import BusyError, ConfigError, VaultDamagedError


@pytest.fixture
def home(tmp_path):
    made = ServerHome(tmp_path / "home")
    pki.init(made, Settings("learn.example.org", 8642, "Research"), ("10.0.0.5",))
    return made


def test_the_bundle_is_all_a_laptop_needs(home):
    bundle = json.loads(home.join_bundle.read_text())
    assert set(bundle) == {"superlink", "ca_pem", "contract_public_key", "log", "fleet"}
    assert bundle["superlink"] == "learn.example.org:8642"
    raw = base64.b64decode(bundle["contract_public_key"], validate=True)
    envelope = dsse.sign(b"{}", "t", pki.contract_key(home))
    assert dsse.verify(envelope, "t", Ed25519PublicKey.from_public_bytes(raw)) == b"{}"
    for secret in (home.ca_key, home.contract_key, home.tls_key, home.control_token):
        assert secret.read_text(errors="replace").strip() not in home.join_bundle.read_text()


def names_accepted(home, name: x509.verification.Subject) -> bool:
    ca = x509.load_pem_x509_certificate(home.ca_certificate.read_bytes())
    leaf = x509.load_pem_x509_certificate(home.tls_certificate.read_bytes())
    try:
        PolicyBuilder().store(Store([ca])).build_server_verifier(name).verify(leaf, [])
    except VerificationError:
        return False
    return True


def test_the_certificate_holds_for_the_names_that_were_given(home):
    import ipaddress

    assert names_accepted(home, x509.DNSName("learn.example.org"))
    assert names_accepted(home, x509.DNSName("localhost"))
    assert names_accepted(home, x509.IPAddress(ipaddress.ip_address("10.0.0.5")))
    assert names_accepted(home, x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    assert not names_accepted(home, x509.DNSName("elsewhere.example.org"))


def test_another_fleets_authority_does_not_vouch_for_it(home, tmp_path):
    other = ServerHome(tmp_path / "other")
    pki.init(other, Settings("learn.example.org", 8642, "Research"))
    other.tls_certificate.write_bytes(home.tls_certificate.read_bytes())
    assert not names_accepted(other, x509.DNSName("learn.example.org"))


def test_nobody_else_can_read_anything(home):
    for path in home.root.rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path.name


def test_keys_are_never_overwritten(home):
    before = home.contract_key.read_bytes()
    with pytest.raises(BusyError):
        pki.init(home, Settings("127.0.0.1", 8642, "x"))
    assert home.contract_key.read_bytes() == before


@pytest.mark.parametrize(
    "settings",
    [
        Settings("127.0.0.1", 0, "x"),
        Settings("127.0.0.1", 70_000, "x"),
        Settings("", 1, "x"),
        Settings("a b", 1, "x"),
        Settings("https://host", 1, "x"),
        Settings("host", 1, ""),
        Settings("host", 1, "x" * 65),
        Settings("host", 1, "a\nb"),
    ],
)
def test_settings_that_make_no_sense_leave_nothing_behind(tmp_path, settings):
    home = ServerHome(tmp_path / "home")
    with pytest.raises(ConfigError):
        pki.init(home, settings)
    assert not home.root.exists()


@pytest.mark.parametrize("content", [b"", b"nonsense", None])
def test_a_contract_key_that_is_none_is_damage(home, content):
    home.contract_key.unlink()
    if content is not None:
        home.contract_key.write_bytes(content)
    with pytest.raises(VaultDamagedError):
        pki.contract_key(home)


def test_a_key_of_another_sort_is_damage(home):
    home.contract_key.write_bytes(home.tls_key.read_bytes())
    with pytest.raises(VaultDamagedError):
        pki.contract_key(home)
