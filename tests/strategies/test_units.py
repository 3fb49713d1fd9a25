"""Units: sessions and days, and that each action is in at most one of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbound_strategies.units import PAUSE_SECONDS, units
from deskbound_strategies.vocabulary import GAP_UNKNOWN, Action

START = 20_778 * 86_400  # a midnight, UTC


def actions(*times: int) -> list[Action]:
    return [Action(token=i % 7, app=i % 3, gap=i % 5, at=START + t) for i, t in enumerate(times)]


def sizes(found) -> list[int]:
    return [len(unit) for unit in found]


def test_a_pause_ends_a_session():
    assert sizes(units(actions(0, PAUSE_SECONDS), "session", 600, 256)) == [2]
    assert sizes(units(actions(0, PAUSE_SECONDS + 1), "session", 600, 256)) == [1, 1]


def test_a_session_is_cut_at_its_longest_time_and_count():
    assert sizes(units(actions(*range(0, 700, 100)), "session", 600, 256)) == [6, 1]
    assert sizes(units(actions(*range(10)), "session", 600, 4)) == [4, 4, 2]


def test_a_session_ends_at_midnight():
    assert sizes(units(actions(86_390, 86_399, 86_400), "session", 600, 256)) == [2, 1]


def test_a_clock_set_back_does_not_end_a_session():
    assert sizes(units(actions(500, 100, 101), "session", 600, 256)) == [3]


def test_a_day_is_one_unit_of_its_last_actions():
    (unit,) = units(actions(0, 4_000, 8_000, 12_000), "day", 600, 3)
    assert unit.tokens.tolist() == [1, 2, 3]
    assert unit.hours.tolist() == [1, 2, 3]
    assert units([], "day", 600, 3) == []


def test_a_unit_keeps_what_an_action_says():
    at = START + 3_600 * 23
    day = [Action(token=8, app=2, gap=1, at=at), Action(token=9, app=3, gap=4, at=at + 1)]
    (unit,) = units(day, "session", 600, 256)
    assert (unit.tokens[1], unit.apps[1], unit.gaps[1], unit.hours[1]) == (9, 3, 4, 23)


def test_a_unit_says_nothing_of_the_pause_before_it():
    found = units(actions(*range(10)), "session", 600, 4)
    assert [unit.gaps[0] for unit in found] == [GAP_UNKNOWN] * 3


@given(st.lists(st.integers(0, 90_000), min_size=1, max_size=60).map(sorted), st.data())
def test_taking_a_unit_out_changes_no_other(times, data):
    day = actions(*times)
    found = units(day, "session", 600, 5)
    gone = data.draw(st.integers(0, len(found) - 1))
    start = sum(sizes(found[:gone]))
    left = units(day[:start] + day[start + len(found[gone]) :], "session", 600, 5)
    expected = found[:gone] + found[gone + 1 :]
    for one, other in zip(left, expected, strict=True):
        assert all(
            (getattr(one, name) == getattr(other, name)).all()
            for name in ("tokens", "apps", "gaps", "hours")
        )


@pytest.mark.parametrize(("seconds", "most"), [(0, 1), (1, 0)])
def test_lengths_must_be_positive(seconds, most):
    with pytest.raises(ValueError, match="at least"):
        units(actions(0), "session", seconds, most)


@given(
    st.lists(st.integers(0, 90_000), max_size=60).map(sorted),
    st.integers(1, 1_000),
    st.integers(1, 20),
)
def test_every_action_is_in_exactly_one_session(times, seconds, most):
    day = actions(*times)
    found = units(day, "session", seconds, most)
    assert [t for unit in found for t in unit.tokens.tolist()] == [a.token for a in day]
    assert all(1 <= len(unit) <= most for unit in found)
