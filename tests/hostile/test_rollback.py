"""Budget cannot be reset: older copies, second copies and cut ledgers, with real processes.

Each laptop here is real, and so are SuperLink and log. Whatever was put back, nothing is reserved
and nothing leaves, and the employee finds the code in the ledger that was put back.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from deskbound_client.employee.alarm import ALARMS, alarm_of
from deskbound_client.federation.join import leave
from deskbound_client.paths import HomePaths
from deskbound_client.privacy.ledger_store import LedgerStore
from deskbound_strategies import wire
from deskbound_strategies.errors import RefusalCode
from deskbound_strategies.ledger_bodies import LedgerKind
from tests.helpers.federation import Desk, Fleet, Server, fleet, new_desk
from tests.helpers.patience import until

pytestmark = pytest.mark.federation


@dataclass(frozen=True)
class Past:
    """One laptop, and its home as it was after the first update and after the second.

    Attributes:
        desk: the laptop.
        old: a copy of its home, when the log knew of one update.
        new: when it knew of two.
    """

    desk: Desk
    old: Path
    new: Path

    def put_back(self, home: Path) -> Desk:
        """Return the laptop with a home of another time."""
        copy(home, self.desk.paths.home)
        return self.desk


@dataclass(frozen=True)
class Besieged:
    """A fleet whose one laptop each test brings along, and a run of its server."""

    fleet: Fleet
    server: Server


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with fleet(tmp_path_factory.mktemp("besieged") / "server") as made:
        server = made.run()
        yield Besieged(made, server)
        server.close()


@pytest.fixture(scope="module")
def past(world, tmp_path_factory):
    folder = tmp_path_factory.mktemp("past")
    desk, old, new = new_desk(folder / "desk"), folder / "old", folder / "new"
    world.fleet.enroll(desk)
    for kept in (old, new):
        online(world, desk)
        release(world, desk)
        desk.stop()
        copy(desk.paths.home, kept)
        (kept / "run" / "agent.log").unlink()
    yield Past(desk, old, new)
    desk.stop()


def online(world, desk: Desk) -> None:
    # A SuperLink may count a laptop that was ended as online for a minute more.
    until(lambda: desk.node not in world.fleet.online(), "it is gone", patience=180.0)
    desk.start()
    until(lambda: desk.node in world.fleet.online(), "it is online", patience=180.0)


def release(world, desk: Desk) -> None:
    server = world.server
    assert isinstance(server.ask(desk, server.request(server.contract())), wire.Reply)


def copy(source: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, symlinks=True)


def refuses(world, desk: Desk) -> None:
    """Ask, and see silence, the code, and no charge."""
    online(world, desk)
    sent = desk.codes().count("supernode reply-sent")
    server = world.server
    server.send(server.request(server.contract()), desk)
    until(lambda: desk.codes()[-1:] and "executor silent" in desk.codes(), "it is silent")
    until(lambda: desk.node not in world.fleet.online(), "it is offline")
    assert desk.codes().count("supernode reply-sent") == sent
    desk.stop()
    with desk.vault() as vault:
        ledger = LedgerStore(vault)
        code = alarm_of(vault.database, ledger)
        assert code is RefusalCode.ROLLED_BACK
        assert ALARMS[code].mend
        last = vault.database.execute("SELECT kind FROM ledger ORDER BY seq DESC LIMIT 1")
        assert last[0][0] == LedgerKind.REFUSE.value, "something was charged after it"


def test_a_home_put_back_to_an_older_state_sends_nothing(world, past):
    refuses(world, past.put_back(past.old))


@pytest.mark.slow
def test_the_vaults_database_alone_put_back_sends_nothing(world, past):
    desk = past.put_back(past.new)
    for name in ("vault.db", "vault.db-wal", "vault.db-shm"):
        (desk.paths.home / name).unlink(missing_ok=True)
        if (past.old / name).exists():
            shutil.copy2(past.old / name, desk.paths.home / name)
    refuses(world, desk)


@pytest.mark.slow
def test_of_two_copies_the_one_that_did_not_send_last_sends_nothing(world, past):
    clone = Desk(HomePaths(past.old.with_name("clone")), past.desk.node, past.desk.anchor)
    copy(past.old, clone.paths.home)
    refuses(world, clone)


def test_a_ledger_that_was_cut_by_somebody_with_the_key_is_missed(world, past):
    desk = past.put_back(past.new)
    with desk.vault() as vault:
        vault.database.execute("DROP TRIGGER ledger_is_never_shortened")
        vault.database.execute("DELETE FROM ledger WHERE kind IN ('reserve', 'release')")
        vault.database.execute("DELETE FROM privacy_blocks")
        vault.database.execute("DELETE FROM privacy_rounds")
    refuses(world, desk)


def test_the_newest_one_goes_on_whatever_was_tried_with_the_others(world, past):
    desk = past.put_back(past.new)
    online(world, desk)
    release(world, desk)
    desk.stop()


def test_an_older_vault_that_joins_the_same_server_anew_sends_nothing(world, past):
    desk = past.put_back(past.old)
    world.fleet.revoke(desk)
    with desk.vault() as vault:
        leave(desk.paths, LedgerStore(vault))
    anchor = desk.anchor
    world.fleet.enroll(desk)
    assert desk.anchor == anchor, "the vault is the same, whatever its node key"
    refuses(world, desk)
