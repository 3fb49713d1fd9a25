"""Which floor holds: signed, chained, named in the ledger; on a real vault."""

from dataclasses import replace

import pytest

from deskbound_client.privacy.floors import Floors, Why
from deskbound_client.privacy.ledger_store import LedgerStore
from deskbound_strategies.errors import DiskFullError, VaultDamagedError
from deskbound_strategies.floor import DEFAULT, PROFILES
from deskbound_strategies.ledger_bodies import LedgerKind
from tests.helpers.store import NOON, new_vault

STRICT, RESEARCH = PROFILES["strict"], PROFILES["research"]


@pytest.fixture
def vault(tmp_path):
    made, _ = new_vault(tmp_path / "home")
    yield made
    made.close()


@pytest.fixture
def floors(vault):
    return Floors(vault, lambda: NOON + 0.5)


def named(vault):
    return [e.body["floor"] for e in LedgerStore(vault).entries(kinds=(LedgerKind.POLICY,))]


def tamper(vault, statement, *values):
    """What somebody with the vault's key, or a fault, could do to the table."""
    for trigger in ("floors_are_never_rewritten", "floors_are_never_removed"):
        vault.database.execute(f"DROP TRIGGER {trigger}")
    vault.database.execute(statement, values)


def test_a_vault_begins_without_one(floors):
    assert floors.held() is None
    assert floors.history() == ()
    assert floors.number == 0
    assert not floors.covers(DEFAULT.digest())


def test_each_floor_that_came_into_force_is_kept_with_its_reason(vault, floors):
    floors.adopt(DEFAULT, Why.FIRST)
    floors.adopt(STRICT, Why.TIGHTER)
    held = floors.adopt(RESEARCH, Why.ACCEPTED)
    assert Floors(vault).held() == held
    assert (held.number, held.at, held.floor) == (3, NOON, RESEARCH)
    assert [one.why for one in floors.history()] == [Why.FIRST, Why.TIGHTER, Why.ACCEPTED]
    assert named(vault) == [one.digest() for one in (DEFAULT, STRICT, RESEARCH)]


def test_the_one_in_force_is_not_written_down_twice(vault, floors):
    first = floors.adopt(DEFAULT, Why.FIRST)
    assert floors.adopt(DEFAULT, Why.ACCEPTED) == first
    assert len(named(vault)) == floors.number == 1


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        (None, DEFAULT, Why.TIGHTER),
        (None, DEFAULT, Why.ACCEPTED),
        (DEFAULT, STRICT, Why.FIRST),
        (STRICT, DEFAULT, Why.TIGHTER),
        (DEFAULT, replace(STRICT, clip_max=2.0), Why.TIGHTER),
    ],
)
def test_a_reason_that_does_not_fit_changes_nothing(vault, floors, before, after, why):
    if before:
        floors.adopt(before, Why.FIRST)
    held, entries = floors.held(), named(vault)
    with pytest.raises(ValueError, match="reason"):
        floors.adopt(after, why)
    assert floors.held() == held
    assert named(vault) == entries


def test_a_full_disk_leaves_record_and_ledger_as_they_were(vault, floors, monkeypatch):
    floors.adopt(DEFAULT, Why.FIRST)

    def full(*_):
        raise DiskFullError("There is no room.", "Make some.")

    monkeypatch.setattr(LedgerStore, "append", full)
    with pytest.raises(DiskFullError):
        floors.adopt(STRICT, Why.TIGHTER)
    assert floors.held().floor == DEFAULT
    assert floors.number == 1


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM policy_floors WHERE number = 2",  # back to the looser one
        "UPDATE policy_floors SET envelope = (SELECT envelope FROM policy_floors LIMIT 1)",
        "UPDATE policy_floors SET envelope = x'7b7d' WHERE number = 2",
        "INSERT INTO policy_floors SELECT 3, digest, envelope FROM policy_floors WHERE number = 1",
        "UPDATE policy_floors SET number = 7 WHERE number = 2",
    ],
)
def test_a_record_that_was_touched_lets_nothing_hold(vault, floors, statement):
    floors.adopt(DEFAULT, Why.FIRST)
    floors.adopt(STRICT, Why.TIGHTER)
    tamper(vault, statement)
    with pytest.raises(VaultDamagedError):
        floors.held()
    with pytest.raises(VaultDamagedError):
        floors.adopt(RESEARCH, Why.ACCEPTED)


def test_a_record_of_another_device_is_none(vault, floors, tmp_path):
    other, _ = new_vault(tmp_path / "other")
    Floors(other).adopt(RESEARCH, Why.FIRST)
    floors.adopt(DEFAULT, Why.FIRST)
    ((envelope,),) = other.database.execute("SELECT envelope FROM policy_floors")
    tamper(vault, "UPDATE policy_floors SET envelope = ?", envelope)
    with pytest.raises(VaultDamagedError):
        floors.held()
    other.close()


def test_a_gap_in_the_past_is_found_in_the_history(vault, floors):
    for floor, why in ((DEFAULT, Why.FIRST), (STRICT, Why.TIGHTER), (RESEARCH, Why.ACCEPTED)):
        floors.adopt(floor, why)
    tamper(vault, "DELETE FROM policy_floors WHERE number = 2")
    assert floors.held().floor == RESEARCH
    with pytest.raises(VaultDamagedError):
        floors.history()


def test_what_was_agreed_to_covers_every_tighter_floor(floors):
    floors.adopt(DEFAULT, Why.FIRST)
    assert floors.covers(DEFAULT.digest())
    floors.adopt(STRICT, Why.TIGHTER)
    assert floors.covers(DEFAULT.digest())
    assert floors.covers(STRICT.digest())
    floors.adopt(RESEARCH, Why.ACCEPTED)
    assert not floors.covers(DEFAULT.digest())
    assert not floors.covers("00" * 32)
    assert not floors.covers("")
