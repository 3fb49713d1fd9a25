import pytest

from deskbound_client.store.rows import Counts
from deskbound_client.store.writer import BATCH_ROWS, BATCH_SECONDS, MOST_WAITING, Writer
from deskbound_strategies.errors import DiskFullError
from tests.helpers.store import DAY_SECONDS, NOON, OpenGate, action, actions, new_vault


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def vault(tmp_path):
    made, _ = new_vault(tmp_path / "home")
    yield made
    made.close()


@pytest.fixture
def gate():
    return OpenGate()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def writer(vault, gate, clock):
    return Writer(vault, gate, clock)


def stored(vault):
    return sum((vault.day(day).counts() for day in vault.days()), Counts()).actions


def test_a_full_group_is_committed_at_once(writer, vault):
    for row in actions(BATCH_ROWS - 1):
        writer.add(row, 1)
    assert (stored(vault), writer.waiting) == (0, BATCH_ROWS - 1)
    writer.add(action(), 1)
    assert (stored(vault), writer.waiting, writer.stored) == (BATCH_ROWS, 0, BATCH_ROWS)


def test_a_lonely_row_waits_no_longer_than_its_time(writer, vault, clock):
    writer.add(action(), 1)
    clock.now += BATCH_SECONDS * 0.9
    writer.tick()
    assert stored(vault) == 0
    clock.now += BATCH_SECONDS * 0.2
    writer.tick()
    assert stored(vault) == 1


def test_closing_commits_the_rest(writer, vault):
    writer.add(action(), 1)
    writer.close()
    assert stored(vault) == 1


def test_rows_of_an_older_generation_are_dropped(writer, vault, gate):
    writer.add(action(), 1)
    gate.generation = 2
    writer.add(action(), 2)
    writer.flush()
    assert (stored(vault), writer.stored, writer.dropped) == (1, 1, 1)


def test_nothing_is_stored_while_paused(writer, vault, gate):
    writer.add(action(), 1)
    gate.paused = True
    writer.flush()
    gate.paused = False
    writer.flush()
    assert (stored(vault), writer.dropped) == (0, 1)


@pytest.mark.parametrize("change", [{"generation": 2}, {"paused": True}])
def test_a_pause_during_the_transaction_undoes_it(writer, vault, gate, monkeypatch, change):
    file = vault.day(
        vault._files.writing_day(__import__("datetime").date(2026, 11, 20)), create=True
    )
    insert = file._insert

    def insert_then_pause(*rows):
        insert(*rows)
        vars(gate).update(change)

    monkeypatch.setattr(file, "_insert", insert_then_pause)
    writer.add(action(), 1)
    writer.flush()
    assert (stored(vault), writer.stored, writer.dropped) == (0, 0, 1)


def test_the_commit_happens_while_the_gate_holds_pauses_off(writer, vault, gate, monkeypatch):
    seen = []
    committing = gate.committing

    def watched():
        seen.append(stored(vault))
        return committing()

    monkeypatch.setattr(gate, "committing", watched)
    writer.add(action(), 1)
    writer.flush()
    assert seen == [0]
    assert stored(vault) == 1


def test_no_row_is_lost_or_stored_twice_when_the_disk_is_full(writer, vault, monkeypatch):
    append, full = vault.append, [False, True, False]  # the second day fails once

    def append_or_fail(rows, **more):
        if full and full.pop(0):
            raise DiskFullError("There is no room left on the disk.", "Free some space.")
        return append(rows, **more)

    monkeypatch.setattr(vault, "append", append_or_fail)
    rows = [*actions(3), *actions(3, NOON + DAY_SECONDS)]
    for row in rows:
        writer.add(row, 1)
    with pytest.raises(DiskFullError):
        writer.flush()
    assert (stored(vault), writer.waiting) == (3, 3)
    writer.flush()
    found = [row for day in vault.days() for row in vault.day(day).actions()]
    assert found == rows
    assert writer.stored == 6


def test_waiting_has_a_bound(writer, vault, monkeypatch):
    monkeypatch.setattr("deskbound_client.store.writer.BATCH_ROWS", MOST_WAITING * 2)
    for row in [action()] * (MOST_WAITING + 7):
        writer.add(row, 1)
    assert (writer.waiting, writer.lost) == (MOST_WAITING, 7)


def test_the_real_control_word_works_too(vault, tmp_path):
    from deskbound_client.capture.control import Control

    control = Control.create(tmp_path / "home" / "control")
    writer = Writer(vault, control)
    writer.add(action(), control.generation)
    writer.flush()
    writer.add(action(), control.generation)
    control.pause()
    writer.flush()
    writer.add(action(), control.generation)
    writer.close()
    assert (stored(vault), writer.dropped) == (1, 2)
    control.close()
