"""Weekly hours: what a line means, and what the two odd nights of a year make of it."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbound_client.capture.schedule import ALWAYS, DAYS, Schedule
from deskbound_strategies.errors import ConfigError

BERLIN = ZoneInfo("Europe/Berlin")
FRIDAY = datetime(2026, 11, 20, tzinfo=BERLIN)
WORK = Schedule.parse(["mon-fri 09:00-17:00"])


def at(days: int = 0, hour: int = 0, minute: int = 0) -> datetime:
    return FRIDAY + timedelta(days=days, hours=hour, minutes=minute)


def test_no_line_means_always():
    assert Schedule.parse([]) == ALWAYS
    assert ALWAYS.open_at(FRIDAY)
    assert ALWAYS.next_change(FRIDAY, BERLIN) is None


def test_the_first_minute_is_in_and_the_last_is_not():
    assert not WORK.open_at(at(0, 8, 59))
    assert WORK.open_at(at(0, 9))
    assert WORK.open_at(at(0, 16, 59))
    assert not WORK.open_at(at(0, 17))
    assert not WORK.open_at(at(1, 12)), "Saturday"


def test_a_span_past_midnight_belongs_to_the_day_on_which_it_begins():
    night = Schedule.parse(["fri 22:00-02:00"])
    assert [night.open_at(at(0, h)) for h in (0, 1, 21, 22, 23)] == [False] * 3 + [True] * 2
    assert [night.open_at(at(1, h)) for h in (0, 1, 2, 22)] == [True, True, False, False]


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("mon 00:00-24:00", "mon"),
        ("sat,sun 10:00-12:00", "sat sun"),
        ("fri-mon 10:00-12:00", "fri sat sun mon"),
        ("mon-wed, fri 9:00-12:00", "mon tue wed fri"),
        ("  Mon-Fri   09:00 - 17:00 ", "mon tue wed thu fri"),
        ("10:00-12:00", "mon tue wed thu fri sat sun"),
    ],
)
def test_days(line, names):
    (span,) = Schedule.parse([line]).spans
    assert span.days == {DAYS.index(name) for name in names.split()}


@pytest.mark.parametrize(
    "line",
    [
        "", "mon", "mon-fri", "9-17", "mon 09:00", "mon 09:00-25:00", "mon 09:60-10:00",
        "mon 09:00-09:00", "mon 24:00-24:00", "mon 24:00-02:00", "funday 09:00-10:00",
        "mon-tue-wed 09:00-10:00", "mon, 09:00-10:00", "mon 09:00-10:00 tue",
        "mon 0900-1000", "mon 09:00-10:00\nfri", "-5:00-10:00", "mon-fri 09:00-24:01",
    ],
)  # fmt: skip
def test_what_is_no_span_is_an_error_that_names_its_line(line):
    with pytest.raises(ConfigError, match="Line 2 of the setting schedule"):
        Schedule.parse(["mon 09:00-10:00", line])


def test_the_next_change():
    assert WORK.next_change(at(0, 8), BERLIN) == at(0, 9)
    assert WORK.next_change(at(0, 9), BERLIN) == at(0, 17)
    assert WORK.next_change(at(0, 17), BERLIN) == at(3, 9), "Monday"
    assert Schedule.parse(["00:00-24:00"]).next_change(FRIDAY, BERLIN) is None
    assert Schedule.parse(["00:00-12:00", "12:00-24:00"]).next_change(FRIDAY, BERLIN) is None


def test_an_hour_that_never_comes_is_passed_over():
    """On 28 March 2027 the clock goes from 2:00 to 3:00."""
    night = datetime(2027, 3, 28, 1, 30, tzinfo=BERLIN)
    missing = Schedule.parse(["02:00-03:00"])
    assert missing.next_change(night, BERLIN) == datetime(2027, 3, 29, 2, tzinfo=BERLIN)
    half = Schedule.parse(["02:30-04:00"])
    opens = half.next_change(night, BERLIN)
    assert opens == datetime(2027, 3, 28, 3, tzinfo=BERLIN)
    assert opens.astimezone(UTC) - night.astimezone(UTC) == timedelta(minutes=30)


def test_an_hour_that_comes_twice_counts_twice():
    """On 25 October 2026 the clock goes from 3:00 back to 2:00."""
    twice = Schedule.parse(["02:30-03:00"])
    moment = datetime(2026, 10, 25, 1, tzinfo=BERLIN)
    changes = []
    for _ in range(4):
        moment = twice.next_change(moment, BERLIN)
        changes.append(moment.astimezone(UTC).strftime("%H:%M"))
    assert changes == ["00:30", "01:00", "01:30", "02:00"]


spans = st.builds(
    lambda first, last, start, length: (
        f"{DAYS[first]}-{DAYS[last]} {_clock(start)}-{_clock((start + length) % 1440)}"
    ),
    st.integers(0, 6),
    st.integers(0, 6),
    st.integers(0, 1439),
    st.integers(1, 1439),
)


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


moments = st.integers(1_767_225_600, 1_830_000_000).map(lambda t: datetime.fromtimestamp(t, BERLIN))
odd_nights = st.builds(
    lambda night, minutes: night + timedelta(minutes=minutes),
    st.sampled_from(
        [datetime(2026, 10, 24, 12, tzinfo=UTC), datetime(2027, 3, 27, 12, tzinfo=UTC)]
    ),
    st.integers(0, 1440),
)


@given(st.lists(spans, min_size=1, max_size=4), moments | odd_nights)
def test_nothing_changes_before_the_next_change_and_then_it_does(lines, moment):
    schedule = Schedule.parse(lines)
    moment = moment.astimezone(BERLIN).replace(second=0, microsecond=0)
    found = schedule.next_change(moment, BERLIN)
    end = found.timestamp() if found else moment.timestamp() + 7 * 86400
    before = schedule.open_at(moment)
    walk = range(int(moment.timestamp()), int(end), 60)
    assert all(schedule.open_at(datetime.fromtimestamp(t, BERLIN)) == before for t in walk)
    assert found is None or schedule.open_at(found) != before


@given(st.lists(spans, min_size=1, max_size=4), st.integers(0, 6), st.integers(0, 1439))
def test_it_is_open_exactly_in_the_minutes_that_the_lines_count_out(lines, weekday, minute):
    """Against counting: every span painted, minute by minute, on a week that is a ring."""
    schedule = Schedule.parse(lines)
    painted = set()
    for span in schedule.spans:
        length = (span.end - span.start) % 1440 or 1440
        for day in span.days:
            begin = day * 1440 + span.start
            painted |= {(begin + i) % (7 * 1440) for i in range(length)}
    monday = datetime(2026, 11, 16, tzinfo=BERLIN)
    moment = monday + timedelta(days=weekday, minutes=minute)
    assert schedule.open_at(moment) == (weekday * 1440 + minute in painted)
