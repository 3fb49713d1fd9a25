import itertools

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from deskbound_server.database import Database
from deskbound_server.enroll import (
    ANCHOR_COMMENT,
    enroll,
    read_anchor,
    read_public_key,
    revoke,
)
from deskbound_strategies.errors import ConfigError, NotFoundError


class FakeControl:
    """A SuperLink's register: keys get node ids, each once."""

    def __init__(self):
        self.keys = {}
        self.nodes = itertools.count(2**63)

    def register(self, public_key, label):
        assert public_key not in self.keys.values()
        self.keys[node := next(self.nodes)] = public_key
        return node

    def unregister(self, node):
        del self.keys[node]


@pytest.fixture
def database(tmp_path):
    opened = Database.open(tmp_path / "deskbound.db")
    yield opened
    opened.close()


def anchor(number):
    return f"{number:064x}"


def new_key(path, encoding=Encoding.OpenSSH, form=PublicFormat.OpenSSH):
    key = ec.generate_private_key(ec.SECP384R1()).public_key()
    path.write_bytes(key.public_bytes(encoding, form))
    return key


@pytest.mark.parametrize(
    ("encoding", "form"),
    [
        (Encoding.OpenSSH, PublicFormat.OpenSSH),
        (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    ],
)
def test_both_spellings_of_a_key_are_the_same_key(tmp_path, encoding, form):
    key = new_key(tmp_path / "node.pub", encoding, form)
    pem = read_public_key(tmp_path / "node.pub")
    assert load_pem_public_key(pem).public_numbers() == key.public_numbers()


def test_what_is_no_key_of_a_laptop_is_refused(tmp_path):
    with pytest.raises(NotFoundError):
        read_public_key(tmp_path / "none.pub")
    path = tmp_path / "node.pub"
    other = ed25519.Ed25519PrivateKey.generate().public_key()
    for content in (
        b"",
        b"ssh-rsa nonsense",
        other.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH),
    ):
        path.write_bytes(content)
        with pytest.raises(ConfigError):
            read_public_key(path)


def test_a_laptop_is_enrolled_once_and_revoked_for_good(tmp_path, database):
    control = FakeControl()
    new_key(tmp_path / "node.pub")
    pem = read_public_key(tmp_path / "node.pub")
    row = enroll(control, database, pem, anchor(1), "desk-1")
    assert database.laptops() == [row]
    assert database.anchors() == {int(row.node): anchor(1)}
    with pytest.raises(ConfigError):
        enroll(control, database, pem, anchor(2), "desk-2")
    revoke(control, database, "desk-1")
    assert control.keys == {}
    assert [laptop.revoked for laptop in database.laptops()] == [True]
    with pytest.raises(ConfigError):
        enroll(control, database, pem, anchor(1), "desk-1")
    with pytest.raises(NotFoundError):
        revoke(control, database, "desk-1")


def test_a_name_must_mean_one_laptop(tmp_path, database):
    control = FakeControl()
    label = "desk"
    for number in range(
        2
    ):  # the second one's label is the beginning of the first one's fingerprint
        new_key(tmp_path / "node.pub")
        pem = read_public_key(tmp_path / "node.pub")
        row = enroll(control, database, pem, anchor(number), label)
        label = row.fingerprint[:12]
    first, second = database.laptops()
    for name in ("", second.label, "nobody"):
        with pytest.raises(NotFoundError):
            revoke(control, database, name)
    revoke(control, database, first.fingerprint[:20])
    revoke(control, database, second.label)
    assert control.keys == {}


def test_two_laptops_that_may_connect_never_share_a_label(tmp_path, database):
    control = FakeControl()
    new_key(tmp_path / "first.pub")
    new_key(tmp_path / "second.pub")
    first, second = (read_public_key(tmp_path / f"{name}.pub") for name in ("first", "second"))
    enroll(control, database, first, anchor(1), "desk-1")
    with pytest.raises(ConfigError):
        enroll(control, database, second, anchor(2), "desk-1")
    assert len(control.keys) == 1
    revoke(control, database, "desk-1")
    assert enroll(control, database, second, anchor(2), "desk-1").label == "desk-1"


def test_one_vault_is_one_laptop_whatever_its_node_key(tmp_path, database):
    control = FakeControl()
    new_key(tmp_path / "first.pub")
    new_key(tmp_path / "second.pub")
    first, second = (read_public_key(tmp_path / f"{name}.pub") for name in ("first", "second"))
    old = enroll(control, database, first, anchor(1), "desk-1")
    with pytest.raises(ConfigError, match="anchor"):
        enroll(control, database, second, anchor(1), "desk-2")
    assert len(control.keys) == 1
    revoke(control, database, "desk-1")
    new = enroll(control, database, second, anchor(1), "desk-2")
    assert old.node != new.node
    assert set(database.anchors().values()) == {anchor(1)}


def test_the_anchor_stands_beside_the_key(tmp_path):
    path = tmp_path / "node.pub"
    new_key(path)
    bare = path.read_bytes()
    path.write_bytes(bare + f" {ANCHOR_COMMENT}{anchor(7)}\n".encode())
    assert read_anchor(path) == anchor(7)
    assert read_public_key(path)
    short, capitals = anchor(7)[1:], "A" * 64
    anchors = (f"{ANCHOR_COMMENT}{one}" for one in (short, capitals, f"{anchor(7)} me"))
    for comment in ("", " me@desk", f" {anchor(7)}", *(f" {one}" for one in anchors)):
        path.write_bytes(bare + comment.encode())
        with pytest.raises(ConfigError):
            read_anchor(path)
    new_key(path, Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(ConfigError):
        read_anchor(path)
