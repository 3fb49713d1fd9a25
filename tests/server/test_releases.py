"""Which releases contracts name: only what is logged, at most eight, until withdrawn."""

import pytest

from deskbound_server import releases
from deskbound_server.database import Database
from deskbound_server.log import Log
from deskbound_server.releases import Listed
from deskbound_strategies.checkpoint import Trust
from deskbound_strategies.contract import MOST_RELEASES
from deskbound_strategies.errors import (
    ConfigError,
    DiskFullError,
    NotFoundError,
    VerificationError,
)
from deskbound_strategies.log_entries import release_leaf
from tests.helpers.agreement import signing_key
from tests.helpers.log import LOG_KEY, REVIEWER_HEX, MemoryLog, Pen, a_manifest

VERIFIER = MemoryLog().verifier


class Server:
    """A database and its log; ``again`` is what a restart finds."""

    def __init__(self, folder):
        self.folder = folder
        self.again()

    def again(self):
        self.database = Database.open(self.folder / "deskbound.db")
        public = signing_key().public_key()
        self.log = Log(self.database, VERIFIER, LOG_KEY, public, self.folder / "log.lock")

    def add(self, envelope=None, reviewer=REVIEWER_HEX):
        return releases.add(self.log, self.database, envelope or a_manifest(), reviewer)

    def listed(self):
        return releases.listed(self.log, self.database)


@pytest.fixture
def server(tmp_path):
    made = Server(tmp_path)
    yield made
    made.database.close()


def test_a_release_is_logged_named_and_still_there_after_a_restart(server):
    found = server.add()
    assert server.database.leaves() == [release_leaf(a_manifest(), REVIEWER_HEX)]
    assert Trust(VERIFIER).open(server.database.checkpoint()).size == 1, "for witnesses to see"
    server.database.close()
    server.again()
    assert server.database.named_releases() == [found.manifest]
    assert server.listed() == [Listed(found, named=True)]


def test_a_withdrawn_release_stays_in_the_log_and_can_be_named_again(server):
    found = server.add()
    assert releases.withdraw(server.database, found.manifest[:6].upper()) == found.manifest
    assert server.database.named_releases() == []
    assert server.listed() == [Listed(found, named=False)]
    assert server.add() == found
    assert server.add() == found, "twice is once"
    assert server.database.named_releases() == [found.manifest]
    assert len(server.database.leaves()) == 1


def test_what_another_key_signed_is_not_logged(server):
    other = Pen(2).key
    with pytest.raises(VerificationError, match="another key"):
        server.add(a_manifest(key=other))
    changed = a_manifest().replace(b"A", b"B", 1)
    for envelope in (b"{}", changed, b"[" * 2_000_000):
        with pytest.raises(VerificationError):
            server.add(envelope)
    assert server.database.leaves() == []
    assert server.database.named_releases() == []


def test_a_contract_has_room_for_eight(server):
    made = [server.add(a_manifest(f"0.1.{number}")) for number in range(MOST_RELEASES)]
    with pytest.raises(ConfigError, match="8 releases already"):
        server.add(a_manifest("0.2.0"))
    assert len(server.database.leaves()) == MOST_RELEASES, "and nothing more was logged"
    assert server.add(a_manifest("0.1.0")) == made[0], "one of them again needs no room"
    releases.withdraw(server.database, made[0].manifest)
    server.add(a_manifest("0.2.0"))
    assert [one.named for one in server.listed()] == [False, *[True] * MOST_RELEASES]


def test_a_release_is_named_and_logged_in_one_transaction(server, monkeypatch):
    def full(*_):
        raise DiskFullError("There is no room.", "Make room.")

    with monkeypatch.context() as patch:
        patch.setattr("deskbound_server.database.append_leaves", full)
        with pytest.raises(DiskFullError):
            server.add()
    assert server.database.named_releases() == []
    assert server.add().manifest in server.log.rules.releases


@pytest.mark.parametrize("name", ["", "zz", "ab" * 32])
def test_only_what_is_named_is_withdrawn(server, name):
    server.add()
    with pytest.raises(NotFoundError):
        releases.withdraw(server.database, name)


def test_a_beginning_that_fits_two_withdraws_none(server):
    twins = ["ab" + digit * 62 for digit in "01"]
    for name in twins:
        server.database.name_release(name, [])
    with pytest.raises(NotFoundError, match="more than one"):
        releases.withdraw(server.database, "ab")
    assert server.database.named_releases() == twins
