"""Days go by themselves, and pauses reach the ledger though pausing needs no key."""

from datetime import timedelta

import pytest

from deskbound_client.capture.clocks import Moment
from deskbound_client.capture.control import Control
from deskbound_client.config import Config
from deskbound_client.employee.summary import Summary, read_summary
from deskbound_client.paths import HomePaths
from deskbound_client.privacy.budget import Budget
from deskbound_client.privacy.ledger_store import LedgerStore
from deskbound_client.privacy.state import PrivacyState
from deskbound_client.store.vault import Vault
from deskbound_client.upkeep import AGAIN_SECONDS, RETIRE_SECONDS, SUMMARY_SECONDS, Upkeep
from deskbound_strategies.errors import BusyError, DiskFullError
from deskbound_strategies.ledger_bodies import LedgerKind
from deskbound_strategies.policy import PROFILES
from tests.helpers.floors import put_in_force
from tests.helpers.privacy import Clock, a_lattice, a_round
from tests.helpers.store import DAY, DAY_SECONDS, NOON, actions, new_vault


class World:
    """A vault, its control word, and two clocks that the test moves."""

    def __init__(self, home):
        self.paths = HomePaths(home)
        self.vault, self.keystore = new_vault(home)
        self.clock, self.steady, self.told = Clock(NOON), Clock(1000.0), []
        self.booted, self.boot = Clock(5000.0), 1
        self.control = Control.create(
            self.paths.control, lambda: Moment(self.clock.now, self.steady.now, boot=1)
        )

    def upkeep(self, vault: Vault | None = None, **settings) -> Upkeep:
        return Upkeep(
            vault or self.vault,
            self.paths,
            Config(**settings),
            self.told.append,
            clock=self.clock,
            steady=self.steady,
            booted=self.booted,
            boot=lambda: self.boot,
        )

    def later(self, seconds):
        self.clock.now += seconds
        self.steady.now += seconds
        self.booted.now += seconds

    def sleep(self, seconds):
        self.clock.now += seconds
        self.booted.now += seconds

    def written(self, *kinds):
        return [(e.kind.value, e.body) for e in LedgerStore(self.vault).entries(kinds=kinds)]

    def pauses(self):
        return self.written(LedgerKind.PAUSE, LedgerKind.RESUME)


@pytest.fixture
def world(tmp_path):
    found = World(tmp_path / "home")
    yield found
    found.vault.close()


def fill(vault, *days_back):
    for back in days_back:
        vault.append(actions(3, NOON - back * DAY_SECONDS))


def test_old_days_go_at_the_first_tick_and_the_ledger_names_their_blocks(world):
    fill(world.vault, 8, 7, 6, 0)
    world.upkeep().tick()
    assert world.vault.days() == [DAY - timedelta(days=6), DAY]
    names = PrivacyState(world.vault.database)
    assert world.written(LedgerKind.RETIRE) == [
        ("retire", {"block": names.name_of(DAY - timedelta(days=back)), "reason": "retention"})
        for back in (8, 7)
    ]


def test_a_clock_set_years_ahead_lets_nothing_go(world):
    fill(world.vault, 5, 0)
    upkeep = world.upkeep()
    upkeep.tick()
    world.clock.now += 3650 * DAY_SECONDS
    for _ in range(20):
        world.later(RETIRE_SECONDS)
        upkeep.tick()
    assert len(world.vault.days()) == 2
    world.clock.now -= 3650 * DAY_SECONDS  # set right again
    world.later(RETIRE_SECONDS)
    upkeep.tick()
    assert len(world.vault.days()) == 2
    world.sleep(2 * DAY_SECONDS)
    upkeep.tick()
    assert world.vault.days() == [DAY]  # and days go by it again


def test_a_clock_that_keeps_its_new_time_is_believed_in_the_end(world):
    fill(world.vault, 0)
    upkeep = world.upkeep()
    upkeep.tick()
    world.clock.now += 20 * DAY_SECONDS
    for hours in (23, 3):
        assert world.vault.days() == [DAY]
        for _ in range(hours):
            world.later(RETIRE_SECONDS)
            upkeep.tick()
    assert world.vault.days() == []


def test_a_laptop_that_was_off_for_weeks_waits_a_day_before_it_lets_go(world):
    fill(world.vault, 0)
    world.upkeep().tick()
    world.clock.now += 21 * DAY_SECONDS
    world.boot, world.booted.now = 2, 60.0
    upkeep = world.upkeep()
    upkeep.tick()
    assert world.vault.days() == [DAY]
    for _ in range(26):
        world.later(RETIRE_SECONDS)
        upkeep.tick()
    assert world.vault.days() == []


def test_a_clock_already_wrong_at_the_first_look_is_doubted(world):
    fill(world.vault, 0)
    world.clock.now += 3650 * DAY_SECONDS
    world.upkeep().tick()
    assert world.vault.days() == [DAY]


def test_the_size_counts_whatever_the_clock_says(world, monkeypatch):
    monkeypatch.setattr("deskbound_client.upkeep.MEGABYTE", 1)
    fill(world.vault, 1, 0)
    world.clock.now += 3650 * DAY_SECONDS
    world.upkeep(size_cap_mb=10).tick()
    assert world.vault.days() == [DAY]


def test_what_a_dead_process_was_forgetting_is_finished_and_told(world, monkeypatch):
    fill(world.vault, 1, 0)
    monkeypatch.setattr(world.vault._keys, "change", crash)
    with pytest.raises(ZeroDivisionError):
        world.vault.forget_day(DAY - timedelta(days=1))
    monkeypatch.undo()
    assert world.vault.unfinished
    world.upkeep().tick()
    assert not world.vault.unfinished
    assert [body["scope"] for _, body in world.written(LedgerKind.FORGET)] == ["day"]


def crash(*_, **__):
    raise ZeroDivisionError


def test_the_employees_own_settings_count(world):
    fill(world.vault, 2, 1, 0)
    world.upkeep(retention_days=2).tick()
    assert world.vault.days() == [DAY - timedelta(days=1), DAY]


def test_the_size_cap_counts_too(world, monkeypatch):
    monkeypatch.setattr("deskbound_client.upkeep.MEGABYTE", 1)
    fill(world.vault, 1, 0)
    world.upkeep(size_cap_mb=10).tick()
    assert world.vault.days() == [DAY]
    assert [body["reason"] for _, body in world.written(LedgerKind.RETIRE)] == ["size"]


def test_a_day_that_grows_old_while_the_agent_runs_goes_within_the_hour(world):
    fill(world.vault, 6, 0)
    upkeep = world.upkeep()
    upkeep.tick()
    assert len(world.vault.days()) == 2
    world.sleep(DAY_SECONDS)  # the steady clock stands still
    upkeep.tick()
    assert world.vault.days() == [DAY]


def test_between_two_looks_nothing_is_done(world, monkeypatch):
    upkeep = world.upkeep()
    upkeep.tick()
    looks = []
    monkeypatch.setattr(world.vault, "retire", lambda *_, **__: looks.append(1))
    world.later(RETIRE_SECONDS / 2)
    upkeep.tick()
    assert looks == []
    world.later(RETIRE_SECONDS / 2)
    upkeep.tick()
    assert looks == [1]


def test_a_pause_and_its_end_are_each_written_once(world):
    upkeep = world.upkeep()
    upkeep.tick()
    assert world.pauses() == []
    world.control.pause()
    upkeep.tick()
    upkeep.tick()
    world.control.resume()
    upkeep.tick()
    assert world.pauses() == [("pause", {"timed": False}), ("resume", {"by": "person"})]


def test_who_ended_a_timed_pause_is_told_apart(world):
    upkeep = world.upkeep()
    for end in (world.control.expire, world.control.resume):
        world.control.pause(world.clock.now + 60)
        upkeep.tick()
        world.later(61)
        end()
        upkeep.tick()
    assert world.pauses() == [
        ("pause", {"timed": True}),
        ("resume", {"by": "timer"}),
        ("pause", {"timed": True}),
        ("resume", {"by": "person"}),
    ]


def test_other_changes_of_the_word_are_no_pause(world):
    upkeep = world.upkeep()
    upkeep.tick()
    world.control.bump()
    world.control.set_streams(3)
    upkeep.tick()
    assert world.pauses() == []


def test_a_pause_said_while_nothing_ran_is_written_at_the_next_start(world):
    world.control.pause()
    world.upkeep().tick()
    world.upkeep().tick()  # started again: known already
    assert world.pauses() == [("pause", {"timed": False})]


def test_two_processes_write_one_entry(world):
    with Vault.open(world.vault.home, world.keystore) as other:
        both = world.upkeep(), world.upkeep(other)
        world.control.pause()
        for upkeep in both:
            upkeep.tick()
    assert world.pauses() == [("pause", {"timed": False})]


def test_a_control_file_made_anew_is_followed(world):
    upkeep = world.upkeep()
    upkeep.tick()
    world.paths.control.unlink()
    Control.create(world.paths.control).pause()
    upkeep.tick()
    assert world.pauses() == [("pause", {"timed": False})]


def test_what_fails_is_told_tried_again_and_told_to_work(world, monkeypatch):
    upkeep, full = world.upkeep(), DiskFullError("There is no room.", "Free some.")
    failing = [full]

    def retire(*_, **__):
        if failing:
            raise failing[0]

    monkeypatch.setattr(world.vault, "retire", retire)
    upkeep.tick()
    upkeep.tick()
    assert world.told == [full]
    failing.clear()
    world.later(AGAIN_SECONDS)
    upkeep.tick()
    assert world.told == [full, None]


def test_a_busy_vault_is_nobodys_trouble(world, monkeypatch):
    def busy(*_, **__):
        raise BusyError("Another process.", "Wait.")

    monkeypatch.setattr(world.vault, "retire", busy)
    world.upkeep().tick()
    assert world.told == []


def test_what_left_last_is_told_without_the_vault(world):
    fill(world.vault, 0)
    put_in_force(world.vault, PROFILES["research"])
    upkeep = world.upkeep()
    upkeep.tick()
    assert read_summary(world.paths) == Summary(entry=2)
    asked = a_round()
    budget = Budget(LedgerStore(world.vault, world.clock), PROFILES["research"], world.clock)
    assert budget.reserve(asked, {DAY: "cut"}, a_lattice(asked)) is not None
    entry = budget.release(asked, b"an update")
    upkeep.tick()
    assert read_summary(world.paths) == Summary(entry=2), "it is not looked for at every tick"
    world.later(SUMMARY_SECONDS)
    upkeep.tick()
    found = read_summary(world.paths)
    assert (found.uploads, found.last_round, found.last_bytes, found.last_at) == (
        1, asked.round, len(b"an update"), entry.at,
    )  # fmt: skip
    assert found.last_at % 3600 == 0, "no finer than the ledger"
    assert 0 <= found.budget_left < 1
    path = world.paths.run / "summary.json"
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text("{")
    assert read_summary(world.paths) is None
