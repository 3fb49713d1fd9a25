"""Joining pins one server; what is malformed or another's is refused."""

import base64
import datetime
import json

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID

from deskbound_client.federation.join import join, leave, load_server, parse_bundle
from deskbound_client.paths import HomePaths
from deskbound_client.privacy.ledger_store import LedgerStore
from deskbound_server.enroll import read_anchor
from deskbound_strategies import dsse
from deskbound_strategies.errors import ConfigError, NotFoundError
from deskbound_strategies.ledger_bodies import LedgerKind
from tests.helpers.log import MemoryLog, witness
from tests.helpers.store import new_vault

KEY = Ed25519PrivateKey.generate().public_key()


def authority(*, ca: bool = True) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(tz=datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


PEM = authority()


def bundle(**changes) -> bytes:
    plain = {
        "superlink": "link.example.org:8000",
        "ca_pem": PEM,
        "contract_public_key": base64.b64encode(KEY.public_bytes_raw()).decode(),
        "log": str(MemoryLog().verifier),
        "fleet": "office",
    }
    return json.dumps({k: v for k, v in (plain | changes).items() if v is not None}).encode()


@pytest.fixture
def ledger(tmp_path):
    vault, _ = new_vault(tmp_path / "home")
    with vault:
        yield LedgerStore(vault)


@pytest.fixture
def paths(tmp_path, ledger):
    return HomePaths(tmp_path / "home")


def given(tmp_path, **changes):
    path = tmp_path / "join.json"
    path.write_bytes(bundle(**changes))
    return path


def test_joining_pins_the_server_and_makes_a_key_that_flower_reads(tmp_path, paths, ledger):
    public = join(paths, given(tmp_path), ledger)
    server = load_server(paths)
    assert (server.host, server.port, server.fleet) == ("link.example.org", 8000, "office")
    assert paths.ca.read_text() == PEM
    private = serialization.load_ssh_private_key(paths.node_key.read_bytes(), None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    assert private.curve.name == "secp384r1"
    loaded = serialization.load_ssh_public_key(public.read_bytes())
    assert loaded == private.public_key()
    for path in (paths.join, paths.ca, paths.node_key, public):
        assert path.stat().st_mode & 0o777 == 0o600
    assert list(ledger.entries())[-1].body == {
        "action": "join", "server_key": dsse.fingerprint(KEY),
    }  # fmt: skip


def test_the_operator_is_told_the_anchor_and_it_outlives_leaving(tmp_path, paths, ledger):
    log, other = MemoryLog().verifier, MemoryLog(origin="other.example/log").verifier
    public = join(paths, given(tmp_path), ledger)
    key = public.read_bytes()
    assert read_anchor(public) == ledger.anchor(log.name)
    leave(paths, ledger)
    join(paths, given(tmp_path), ledger)
    assert public.read_bytes() != key, "another node to the SuperLink"
    assert read_anchor(public) == ledger.anchor(log.name), "and the same laptop to the log"
    leave(paths, ledger)
    join(paths, given(tmp_path, log=str(other)), ledger)
    assert read_anchor(public) == ledger.anchor(other.name) != ledger.anchor(log.name)


def test_joining_the_same_fleet_again_changes_nothing(tmp_path, paths, ledger):
    join(paths, given(tmp_path), ledger)
    key = paths.node_key.read_bytes()
    join(paths, given(tmp_path), ledger)
    assert paths.node_key.read_bytes() == key
    assert [entry.kind for entry in ledger.entries()].count(LedgerKind.JOIN) == 1


def test_another_fleet_needs_an_explicit_leave(tmp_path, paths, ledger):
    join(paths, given(tmp_path), ledger)
    with pytest.raises(ConfigError, match="in the fleet office already"):
        join(paths, given(tmp_path, fleet="other"), ledger)
    leave(paths, ledger)
    assert not paths.node_key.exists()
    with pytest.raises(NotFoundError):
        load_server(paths)
    join(paths, given(tmp_path, fleet="other"), ledger)
    assert load_server(paths).fleet == "other"


@pytest.mark.parametrize(
    "changes",
    [
        {"superlink": "https://link.example.org:8000"},
        {"superlink": "link.example.org"},
        {"superlink": "link.example.org:0"},
        {"superlink": "link.example.org:70000"},
        {"superlink": "--insecure:80"},
        {"ca_pem": "no certificate"},
        {"ca_pem": authority(ca=False)},
        {"ca_pem": PEM + PEM},
        {"contract_public_key": base64.b64encode(b"short").decode()},
        {"contract_public_key": "not base64!"},
        {"log": "nobody"},
        {"log": str(witness(1)[1])},
        {"log": None},
        {"fleet": "a\nb"},
        {"fleet": None},
        {"fleet": 1},
        {"more": "x"},
    ],
)
def test_a_bundle_that_is_not_one_is_refused(changes):
    with pytest.raises(ConfigError):
        parse_bundle(bundle(**changes))


@pytest.mark.parametrize("data", [b"", b"[]", b"\xff", b"{" * 70_000, b"[" * 60_000])
def test_what_is_not_even_json_is_refused(data):
    with pytest.raises(ConfigError):
        parse_bundle(data)


def test_ipv6(tmp_path):
    assert parse_bundle(bundle(superlink="[::1]:8000")).host == "::1"


def test_a_missing_bundle(tmp_path, paths, ledger):
    with pytest.raises(NotFoundError):
        join(paths, tmp_path / "nothing.json", ledger)
