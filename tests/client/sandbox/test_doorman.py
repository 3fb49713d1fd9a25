"""The doorman as a real process: what it hands in, what it does not, and that it never stays."""

import socket

import psutil
import pytest

from deskbound_client.sandbox.doorman import post
from deskbound_strategies.errors import KeystoreError, UnreachableError
from tests.helpers.patience import until
from tests.helpers.processes import alive
from tests.helpers.store import FileKeystore


class Locked:
    kind = "keyring"

    def load(self):
        raise KeystoreError("The keystore is locked.", "Unlock it.")

    def replace(self, new):
        raise RuntimeError("a backend's own words")


@pytest.fixture
def posted():
    doors = []

    def make(keystore=None, address=None):
        doors.append(post(keystore, address))
        return doors[-1]

    yield make
    for door in doors:
        door._line.close()
    for door in doors:  # each was forked with the lines of those before it
        until(lambda door=door: not alive(door.pid), "it ends with its counterpart", 20)


def test_the_key_is_given_and_replaced(posted, tmp_path):
    kept = FileKeystore(tmp_path / "key")
    kept.replace(bytes(range(32)))
    door = posted(lambda: FileKeystore(tmp_path / "key"))
    assert door.load() == bytes(range(32))
    door.replace(b"n" * 32)
    assert door.load() == kept.load() == b"n" * 32


def test_what_the_keystore_says_is_told(posted):
    door = posted(Locked)
    for _ in range(2):
        with pytest.raises(KeystoreError, match="locked") as caught:
            door.load()
        assert caught.value.mend == "Unlock it."
        with pytest.raises(KeystoreError) as caught:
            door.replace(bytes(32))
        assert "own words" not in caught.value.sentence


def test_without_a_keystore_there_is_no_key(posted):
    with pytest.raises(KeystoreError):
        posted().load()


def test_it_connects_to_the_one_address_it_was_born_with(posted):
    with socket.create_server(("127.0.0.1", 0)) as server:
        door = posted(address=server.getsockname())
        with door.dial() as made:
            other, _ = server.accept()
            other.sendall(b"hello")
            assert made.recv(10) == b"hello"
            other.close()
        with door.dial(), server.accept()[0]:
            pass


def test_nobody_there_is_said(posted):
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
    with pytest.raises(UnreachableError):
        posted(address=address).dial()
    with pytest.raises(UnreachableError):
        posted().dial()


def test_a_doorman_that_is_gone_is_said(posted):
    door = posted(Locked)
    psutil.Process(door.pid).kill()
    with pytest.raises(UnreachableError):
        door.dial()
    with pytest.raises(KeystoreError):
        door.load()
