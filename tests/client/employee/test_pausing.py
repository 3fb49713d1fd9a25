"""The lengths that people type, also in the two odd nights of a year; and what a pause leaves."""

import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbound_client.capture.control import Control
from deskbound_client.employee.pausing import CHOICES, parse_pause, pause, resume, state
from deskbound_client.paths import HomePaths
from deskbound_strategies.errors import ConfigError, VaultDamagedError

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 20, 14, 30, tzinfo=timezone(timedelta(hours=1)))


@pytest.fixture
def paths(tmp_path):
    found = HomePaths(tmp_path / "home")
    found.prepare()
    Control.create(found.control)
    return found


@pytest.fixture
def in_berlin(monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("30m", 0.5), ("2h", 2), ("1d", 24), ("90 min", 1.5), ("1 hour", 1), (" 2  Days ", 48),
        ("until 15:00", 0.5), ("14:00", 23.5), ("until 14:30", 24), ("today", 9.5), ("TODAY", 9.5),
    ],
)  # fmt: skip
def test_lengths(text, hours):
    assert parse_pause(text, NOW, NOW.tzinfo) == NOW.timestamp() + hours * 3600


def test_forever_has_no_end():
    assert parse_pause("forever", NOW) is None


def test_every_choice_that_is_offered_is_understood():
    assert [parse_pause(choice, NOW, NOW.tzinfo) for choice in CHOICES[:3]] == [
        NOW.timestamp() + minutes * 60 for minutes in (5, 30, 60)
    ]
    assert parse_pause(CHOICES[4], NOW) is None


@pytest.mark.parametrize(
    "text", ["", "soon", "25:00", "30", "-5m", "0m", "12:60", "1.5h", "until", "until 3", "999999m"]
)
def test_anything_else_is_an_error(text):
    with pytest.raises(ConfigError):
        parse_pause(text, NOW)


def berlin(*when: int, fold: int = 0) -> datetime:
    return datetime(*when, tzinfo=BERLIN, fold=fold)


@pytest.mark.parametrize(
    ("now", "text", "end"),
    [
        # 28 March 2027: the clock goes from 2:00 to 3:00.
        (berlin(2027, 3, 27, 23, 0), "until 3:30", berlin(2027, 3, 28, 3, 30)),
        (berlin(2027, 3, 28, 1, 30), "until 2:30", berlin(2027, 3, 28, 3, 30)),
        (berlin(2027, 3, 28, 1, 30), "until 3:00", berlin(2027, 3, 28, 3, 0)),
        (berlin(2027, 3, 28, 1, 0), "today", berlin(2027, 3, 29)),
        (berlin(2027, 3, 27, 15, 0), "until 14:59", berlin(2027, 3, 28, 14, 59)),
        # 25 October 2026: the clock goes from 3:00 back to 2:00; the later hour counts.
        (berlin(2026, 10, 25, 1, 0), "until 2:30", berlin(2026, 10, 25, 2, 30, fold=1)),
        (berlin(2026, 10, 25, 2, 40), "until 2:30", berlin(2026, 10, 25, 2, 30, fold=1)),
        (berlin(2026, 10, 25, 2, 40, fold=1), "until 2:30", berlin(2026, 10, 26, 2, 30)),
        (berlin(2026, 10, 25, 1, 0), "today", berlin(2026, 10, 26)),
        (berlin(2026, 10, 24, 15, 0), "until 14:59", berlin(2026, 10, 25, 14, 59)),
    ],
)
@pytest.mark.usefixtures("in_berlin")
def test_the_two_odd_nights_of_a_year(now, text, end):
    """By a zone that is named, and by the system's own, as the commands use it."""
    assert parse_pause(text, now, BERLIN) == end.timestamp()
    assert parse_pause(text, now.astimezone(timezone(now.utcoffset()))) == end.timestamp()


@pytest.mark.parametrize("night", [berlin(2027, 3, 28, 1, 45), berlin(2026, 10, 25, 1, 45)])
@pytest.mark.usefixtures("in_berlin")
def test_a_length_of_time_is_that_long_in_every_night(night):
    start = night.astimezone(UTC)
    assert parse_pause("30m", start) == start.timestamp() + 1_800
    assert parse_pause("2h", start) == start.timestamp() + 7_200


@given(
    now=st.integers(1_767_225_600, 1_830_000_000).map(lambda t: datetime.fromtimestamp(t, BERLIN)),
    hour=st.integers(0, 23),
    minute=st.integers(0, 59),
)
def test_until_ends_within_a_day_and_when_the_clock_says_so_or_never_says_so(now, hour, minute):
    end = parse_pause(f"until {hour}:{minute:02d}", now, BERLIN)
    assert 0 < end - now.timestamp() <= 25 * 3600
    shown = datetime.fromtimestamp(end, BERLIN)
    skipped = shown.date() in {berlin(2026, 3, 29).date(), berlin(2027, 3, 28).date()} and hour == 2
    assert (shown.hour, shown.minute) == (hour + skipped, minute)


def test_a_pause_and_its_end_reach_every_process(paths):
    other = Control.open(paths.control)
    found = pause(paths, "30m")
    assert found.paused
    assert found.until == pytest.approx(time.time() + 1_800, abs=30)
    assert (other.paused, other.paused_until) == (True, found.until)
    assert state(paths) == found
    assert not resume(paths).paused
    assert other.is_open
    assert pause(paths).until is None
    assert other.paused_until is None


def test_what_is_no_length_pauses_nothing(paths):
    with pytest.raises(ConfigError):
        pause(paths, "soonish")
    assert not state(paths).paused


def test_without_a_sound_file_it_is_paused_and_says_so(paths):
    paths.control.write_bytes(b"rubbish")
    assert state(paths).paused
    for deed in (pause, resume):
        with pytest.raises(VaultDamagedError):
            deed(paths)


def test_no_descriptor_is_left_open(paths):
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        pause(paths, "5m")
        state(paths)
        resume(paths)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
