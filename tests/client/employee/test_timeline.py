"""A day in columns of ten minutes: every action is in one, whatever the hours."""

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbound_client.employee.timeline import BIN_SECONDS, GROUPS, drawn, timeline
from deskbound_client.store.rows import StoredAction, StoredGap
from deskbound_client.ui.dayline import draw, hole_words
from deskbound_strategies.vocabulary import APPS
from tests.helpers.store import new_vault

DAY = date(2026, 11, 20)
MIDNIGHT = int(datetime(2026, 11, 20).astimezone().timestamp())


def test_no_category_is_in_two_groups_and_each_is_one_that_exists():
    named = [app for _, apps in GROUPS for app in apps]
    assert len(named) == len(set(named))
    assert set(named) <= set(APPS)


@given(
    st.lists(
        st.tuples(st.integers(0, 86_399), st.integers(0, len(APPS) - 1), st.integers(1, 10**6))
    )
)
def test_every_action_is_counted_once_and_lies_inside(rows):
    counted = [(MIDNIGHT + at - at % BIN_SECONDS, app, count) for at, app, count in rows]
    line = drawn(DAY, counted, ())
    total = sum(count for *_, count in rows)
    assert line.actions == total == sum(line.of_groups())
    assert sum(sum(counts) for _, counts in line.by_hour()) == total
    assert all(line.start <= at and at + BIN_SECONDS <= line.end for at in line.bins)
    assert MIDNIGHT <= line.start < line.end <= MIDNIGHT + 86_400


def test_a_vault_is_counted_by_group_and_its_holes_are_named(tmp_path):
    vault, _ = new_vault(tmp_path / "home", today=DAY)
    noon = MIDNIGHT + 12 * 3600
    mail, editor = APPS.index("mail"), APPS.index("editor")
    with vault:
        rows = [StoredAction(1, mail, 3, noon + second) for second in range(30)]
        rows += [StoredAction(1, editor, 3, noon + 700)]
        vault.append([*rows, StoredGap(noon + 1200, noon + 1800, "sleep")])
        line = timeline(vault, DAY)
    assert [sum(counts) for counts in line.bins.values()] == [30, 1]
    assert (
        dict(zip((name for name, _ in GROUPS), line.of_groups(), strict=True))["mail and talk"]
        == 30
    )
    picture = draw(line, noon)
    assert "12:00 to 12:10: mail and talk 30" in picture
    assert hole_words(line.holes[0]) == "12:20 to 12:30: the laptop slept"
    assert picture.count('class="hole"') == 1


@pytest.mark.parametrize("zone", ["Europe/Berlin", "UTC", "Pacific/Apia"])
def test_nights_in_which_the_clock_is_changed_are_drawn_to_their_ends(zone, monkeypatch):
    import time

    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        for day, hours in ((date(2026, 3, 29), 23), (date(2026, 10, 25), 25)):
            first = int(datetime(day.year, day.month, day.day).astimezone().timestamp())
            length = hours if zone == "Europe/Berlin" else 24
            rows = [(first, 0, 1), (first + length * 3600 - BIN_SECONDS, 0, 1)]
            line = drawn(day, rows, ())
            assert line.end - line.start == length * 3600
    finally:
        monkeypatch.undo()
        time.tzset()


def test_an_empty_day_has_a_picture_too(tmp_path):
    vault, _ = new_vault(tmp_path / "home", today=DAY)
    with vault:
        line = timeline(vault, DAY)
    assert line.actions == 0
    assert sum(line.of_groups()) == 0
    assert "0 actions between 08:00 and 18:00" in draw(line, MIDNIGHT)
