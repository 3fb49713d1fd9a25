"""When capture may run at all: weekly hours on the wall clock, as the employee set them. Pure.

A line is days and one span of hours: ``mon-fri 09:00-17:00``, ``sat,sun 10:00-12:00``, or hours
alone for every day. A span that ends before it begins goes on past midnight and belongs to the day
on which it begins. No line at all means always. The wall clock decides: where an hour comes twice
or not at all in a night of the year, so does the schedule.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Self

from deskbound_strategies.errors import ConfigError

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WHOLE_DAY = 24 * 60
_STEP_SECONDS = 1800  # wherever on earth a clock is put forward or back, it is at a half hour
_AHEAD_DAYS = 8
_LINE = re.compile(r"(?:(?P<days>[a-z,\s-]+)\s)?\s*(?P<from>[\d:]+)\s*-\s*(?P<to>[\d:]+)")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})")


@dataclass(frozen=True, slots=True)
class Span:
    """Hours of some days of the week.

    Attributes:
        days: on which it begins, Monday is 0.
        start: minutes after midnight, included.
        end: minutes after midnight, not included; at most ``start`` when it lies on the next day.
    """

    days: frozenset[int]
    start: int
    end: int

    def holds(self, weekday: int, minute: int) -> bool:
        """Return whether a minute of a day of the week is inside."""
        if self.start < self.end:
            return weekday in self.days and self.start <= minute < self.end
        if weekday in self.days and minute >= self.start:
            return True
        return (weekday - 1) % len(DAYS) in self.days and minute < self.end


@dataclass(frozen=True, slots=True)
class Schedule:
    """The spans in which capture may run; none means always."""

    spans: tuple[Span, ...] = ()

    @classmethod
    def parse(cls, lines: Iterable[str]) -> Self:
        """Read the lines of the setting ``schedule``.

        Raises:
            ConfigError: a line is not one.
        """
        return cls(tuple(_span(line, number) for number, line in enumerate(lines, 1)))

    def open_at(self, local: datetime) -> bool:
        """Return whether capture may run at a moment of the wall clock."""
        weekday, minute = local.weekday(), local.hour * 60 + local.minute
        return not self.spans or any(span.holds(weekday, minute) for span in self.spans)

    def next_change(self, local: datetime, zone: tzinfo | None = None) -> datetime | None:
        """Return when it opens or closes next, None if it never does.

        Args:
            local: a moment.
            zone: of the wall clock; None for the system's own.
        """
        now = local.timestamp()
        before = self.open_at(_wall(now, zone))
        for moment in sorted(at for at in self._moments(now, zone) if at > now):
            wall = _wall(moment, zone)
            if self.open_at(wall) != before:
                return wall
        return None

    def _moments(self, now: float, zone: tzinfo | None) -> Iterator[float]:
        """Yield every Unix time of the days ahead at which it might change."""
        if not self.spans:
            return
        today = _wall(now, zone).date()
        edges = {edge % _WHOLE_DAY for span in self.spans for edge in (span.start, span.end)}
        for day in (today + timedelta(days=ahead) for ahead in range(_AHEAD_DAYS + 1)):
            for edge in edges | {0}:
                for fold in (0, 1):
                    yield _moment(day, edge, fold, zone)
        first = now - now % _STEP_SECONDS  # where the clock itself jumps over an edge
        yield from (
            first + step * _STEP_SECONDS
            for step in range(1, _AHEAD_DAYS * 24 * 3600 // _STEP_SECONDS)
        )


ALWAYS = Schedule()


def _wall(at: float, zone: tzinfo | None) -> datetime:
    return datetime.fromtimestamp(at, zone).astimezone(zone)


def _moment(day: date, minute: int, fold: int, zone: tzinfo | None) -> float:
    clock = time(minute // 60, minute % 60, fold=fold)
    return datetime.combine(day, clock, tzinfo=zone).timestamp()


def _span(line: str, number: int) -> Span:
    match = _LINE.fullmatch(line.strip().lower())
    days = _days(match["days"] or "mon-sun") if match else frozenset[int]()
    start, end = (_minute(match["from"]), _minute(match["to"])) if match else (None, None)
    if not days or start is None or end is None or start in (end, _WHOLE_DAY):
        raise ConfigError(
            f"Line {number} of the setting schedule is not a span of hours.",
            "Write lines such as 'mon-fri 09:00-17:00', 'sat,sun 10:00-12:00' or '22:00-02:00'.",
        )
    return Span(days, start, end)


def _minute(text: str) -> int | None:
    match = _CLOCK.fullmatch(text)
    found = int(match[1]) * 60 + int(match[2]) if match and int(match[2]) < 60 else None
    return found if found is not None and found <= _WHOLE_DAY else None


def _days(text: str) -> frozenset[int]:
    """Return the days that ``mon-fri`` or ``sat, mon`` names; none if it names something else."""
    found: set[int] = set()
    for part in text.split(","):
        ends = [end.strip() for end in part.split("-")]
        if len(ends) > 2 or not all(end in DAYS for end in ends):
            return frozenset()
        first, last = DAYS.index(ends[0]), DAYS.index(ends[-1])
        found |= {(first + i) % len(DAYS) for i in range((last - first) % len(DAYS) + 1)}
    return frozenset(found)
