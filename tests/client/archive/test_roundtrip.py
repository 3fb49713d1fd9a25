"""What goes out comes back: the same rows, to the byte."""

from dataclasses import replace
from datetime import timedelta

import pyrage
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deskbound_client.archive import age, export_vault, import_archive
from deskbound_client.archive.admission import moved_days
from deskbound_client.archive.rows import (
    action_line,
    gap_line,
    parse_action,
    parse_gap,
    parse_thumb,
    thumb_line,
)
from deskbound_client.capture.signals import STREAMS
from deskbound_client.employee import forgetting
from deskbound_client.employee.forgetting import forget
from deskbound_client.employee.wishes import Wish
from deskbound_client.store.rows import (
    GAP_CAUSES,
    IMPORTED,
    THUMB_BYTES,
    Counts,
    StoredAction,
    StoredGap,
    StoredThumb,
)
from deskbound_strategies.errors import ConfigError, NotFoundError, WrongPassphraseError
from deskbound_strategies.vocabulary import APPS, GAP_UNKNOWN, TOKENS
from tests.helpers.archive import (
    MORNING,
    NOW,
    SECRET,
    TODAY,
    YESTERDAY,
    day_members,
    fresh,
    some_rows,
)

SECONDS = st.integers(MORNING - 3_600, MORNING + 3_600)
CLOCK = {"at": SECONDS, "mono_s": st.integers(0, 1 << 32), "source": st.integers(0, 2)}
BOOT = st.integers(-(1 << 63), (1 << 63) - 1)
ACTIONS = st.builds(
    StoredAction,
    token=st.integers(0, len(TOKENS) - 1),
    app=st.integers(0, len(APPS) - 1),
    gap=st.integers(0, GAP_UNKNOWN),
    stream=st.sampled_from([0, *(stream.bit for stream in STREAMS)]),
    bucket=st.integers(0, 1 << 16),
    fx=st.integers(-1, 15),
    fy=st.integers(-1, 15),
    boot=BOOT,
    **CLOCK,
)
THUMBS = st.builds(
    StoredThumb,
    pixels=st.binary(min_size=3, max_size=3).map(lambda few: few * (THUMB_BYTES // 3)),
    app=st.integers(0, len(APPS) - 1),
    boot=BOOT,
    **CLOCK,
)
GAPS = st.builds(StoredGap, started=SECONDS, ended=SECONDS, cause=st.sampled_from(GAP_CAUSES))
ROWS = st.lists(st.one_of(ACTIONS, THUMBS, GAPS), min_size=1, max_size=12)


@pytest.fixture(autouse=True)
def light_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(age, "WORK_FACTOR", 10)


@settings(deadline=None)
@given(row=ACTIONS)
def test_a_gesture_is_the_same_after_a_line(row):
    assert parse_action(action_line(row)) == row


@settings(deadline=None, max_examples=20)
@given(row=THUMBS, hole=GAPS)
def test_so_are_a_picture_and_a_hole(row, hole):
    assert parse_thumb(thumb_line(row)) == row
    assert parse_gap(gap_line(hole)) == hole


@settings(deadline=None, max_examples=8, suppress_health_check=list(HealthCheck))
@given(rows=ROWS, mine=st.booleans())
def test_a_fresh_vault_gives_the_same_days_byte_for_byte(tmp_path_factory, rows, mine):
    root = tmp_path_factory.mktemp("round")
    paths, vault = fresh(root / "one")
    other_paths, other = fresh(root / "two")
    with vault, other:
        vault.append(rows)
        export_vault(paths, vault, root / "a.zip", now=NOW)
        import_archive(other_paths, other, root / "a.zip", mine=mine, now=NOW)
        export_vault(other_paths, other, root / "b.zip", now=NOW)
        if not mine:  # the same rows, marked as imported
            for day in vault.days():
                held = list(vault.day(day).actions()), list(vault.day(day).thumbs())
                marked = [[replace(row, source=IMPORTED) for row in sort] for sort in held]
                file = other.day(day)
                assert [list(file.actions()), list(file.thumbs())] == marked
                assert list(file.gaps()) == list(vault.day(day).gaps())
            third_paths, third = fresh(root / "three")
            with third:
                import_archive(third_paths, third, root / "b.zip", now=NOW)
                export_vault(third_paths, third, root / "a.zip", force=True, now=NOW)
    assert day_members(root / "a.zip") == day_members(root / "b.zip")


@pytest.fixture
def desk(tmp_path):
    paths, vault = fresh(tmp_path / "home")
    with vault:
        vault.append(some_rows())
        yield paths, vault


def outcomes(receipt):
    return {day.day: day.outcome for day in receipt.days}


def test_forgotten_rows_come_back_only_when_asked_for(desk, tmp_path):
    paths, vault = desk
    export_vault(paths, vault, tmp_path / "a.zip", now=NOW)
    forget(paths, vault, Wish.between("2026-11-19 00:00", "2026-11-19 23:59", NOW.timestamp()))
    refused = import_archive(paths, vault, tmp_path / "a.zip", now=NOW)
    assert outcomes(refused) == {YESTERDAY: "forgotten"}
    assert vault.day(YESTERDAY).counts() == Counts()
    back = import_archive(paths, vault, tmp_path / "a.zip", even_forgotten=True, now=NOW)
    assert (back.own, outcomes(back)) == (True, {YESTERDAY: "imported"})
    export_vault(paths, vault, tmp_path / "b.zip", now=NOW)
    assert day_members(tmp_path / "a.zip") == day_members(tmp_path / "b.zip")


def test_a_forget_that_was_cut_short_counts_as_one(desk, tmp_path, monkeypatch):
    paths, vault = desk
    export_vault(paths, vault, tmp_path / "a.zip", now=NOW)

    def crash(*_):
        raise KeyboardInterrupt

    wish = Wish.between("2026-11-19 00:00", "2026-11-19 23:59", NOW.timestamp())
    with monkeypatch.context() as patched:
        patched.setattr(forgetting, "_note", crash)
        with pytest.raises(KeyboardInterrupt):
            forget(paths, vault, wish)
    assert vault.day(YESTERDAY).counts() == Counts()
    refused = import_archive(paths, vault, tmp_path / "a.zip", now=NOW)
    assert outcomes(refused) == {YESTERDAY: "forgotten"}


def test_a_day_whose_key_is_destroyed_does_not_come_back(desk, tmp_path):
    paths, vault = desk
    vault.append([StoredAction(1, 1, 1, MORNING + 86_400)])
    export_vault(paths, vault, tmp_path / "a.zip", now=NOW)
    vault.forget_day(YESTERDAY)
    back = import_archive(paths, vault, tmp_path / "a.zip", even_forgotten=True, now=NOW)
    assert outcomes(back) == {YESTERDAY: "old", TODAY: "identical"}
    assert YESTERDAY not in vault.days()
    assert vault.day(TODAY).counts().actions == 1, "its rows went to no other day"


def test_a_day_that_is_there_is_left_alone(desk, tmp_path):
    paths, vault = desk
    export_vault(paths, vault, tmp_path / "a.zip", now=NOW)
    assert outcomes(import_archive(paths, vault, tmp_path / "a.zip", now=NOW)) == {
        YESTERDAY: "identical"
    }
    vault.append([StoredAction(1, 1, 1, MORNING)])
    before = list(vault.day(YESTERDAY).actions())
    assert outcomes(import_archive(paths, vault, tmp_path / "a.zip", now=NOW)) == {
        YESTERDAY: "differs"
    }
    assert list(vault.day(YESTERDAY).actions()) == before


def test_days_outside_the_retention_are_said_and_not_stored(desk, tmp_path):
    paths, vault = desk
    export_vault(paths, vault, tmp_path / "a.zip", now=NOW)
    other_paths, other = fresh(tmp_path / "two")
    with other:
        for days, outcome in ((7, "old"), (-3, "future"), (6, "imported")):
            when = NOW + timedelta(days=days - 1)
            receipt = import_archive(other_paths, other, tmp_path / "a.zip", now=when)
            assert outcomes(receipt) == {YESTERDAY: outcome}
        assert receipt.counts == Counts(40, 3, 1)


def test_a_move_to_a_new_laptop_is_remembered_with_its_days(desk, tmp_path):
    paths, vault = desk
    export_vault(paths, vault, tmp_path / "a.zip", now=NOW)
    other_paths, other = fresh(tmp_path / "two")
    with other:
        import_archive(other_paths, other, tmp_path / "a.zip", mine=True, now=NOW)
        assert moved_days(other) == {YESTERDAY}
        assert {row.source for row in other.day(YESTERDAY).actions()} == {0}


def test_decisions_ledger_and_budget_of_another_vault_are_not_taken_over(desk, tmp_path):
    from deskbound_client import consent

    paths, vault = desk
    consent.grant(vault, "keys")
    export_vault(paths, vault, tmp_path / "a.zip", now=NOW)
    other_paths, other = fresh(tmp_path / "two")
    with other:
        import_archive(other_paths, other, tmp_path / "a.zip", mine=True, now=NOW)
        assert consent.receipts(other) == []
        assert other.database.execute("SELECT count(*) FROM ledger") == [(0,)]
        assert other.database.execute("SELECT count(*) FROM privacy_blocks") == [(0,)]


def test_single_days_can_be_chosen(desk, tmp_path):
    paths, vault = desk
    vault.append([StoredAction(1, 1, 1, MORNING + 86_400)])
    receipt = export_vault(paths, vault, tmp_path / "a.zip", days=[TODAY], now=NOW)
    assert receipt.days == (TODAY,)
    with pytest.raises(NotFoundError):
        export_vault(paths, vault, tmp_path / "b.zip", days=[TODAY - timedelta(days=3)])
    other_paths, other = fresh(tmp_path / "two")
    with other, pytest.raises(NotFoundError):
        import_archive(other_paths, other, tmp_path / "a.zip", days=[YESTERDAY], now=NOW)


def test_an_encrypted_archive_opens_with_its_passphrase_alone(desk, tmp_path):
    paths, vault = desk
    receipt = export_vault(paths, vault, tmp_path / "a.age", passphrase=SECRET, now=NOW)
    assert receipt.encrypted
    plain = tmp_path / "plain.zip"
    plain.write_bytes(pyrage.passphrase.decrypt((tmp_path / "a.age").read_bytes(), SECRET))
    export_vault(paths, vault, tmp_path / "b.zip", now=NOW)
    assert day_members(plain) == day_members(tmp_path / "b.zip")
    other_paths, other = fresh(tmp_path / "two")
    with other:
        for wrong, error in ((None, ConfigError), ("not the passphrase", WrongPassphraseError)):
            with pytest.raises(error):
                import_archive(other_paths, other, tmp_path / "a.age", passphrase=wrong, now=NOW)
        import_archive(other_paths, other, tmp_path / "a.age", passphrase=SECRET, now=NOW)
        assert other.day(YESTERDAY).counts() == Counts(40, 3, 1)
