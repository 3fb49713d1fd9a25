"""How a day went, coarsely: actions in ten minutes by sort of program, and where there are holes.

Pauses leave no trace, so none are drawn: a stretch with nothing in it says nothing of why.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from deskbound_client.store.rows import StoredGap
from deskbound_client.store.vault import Vault
from deskbound_strategies.vocabulary import APPS

BIN_SECONDS = 600
_HOUR = 3600
_DESK_HOURS = (8, 18)  # drawn at least, so that a short morning does not fill the whole width

# Which categories are drawn together; what is in none goes to the last.
GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("web", ("browser", "map", "translator", "store")),
    ("mail and talk", ("mail", "chat", "meeting", "calendar")),
    ("documents", ("writer", "notes", "reader", "wiki", "slides", "print", "archive")),
    ("numbers and records", (
        "spreadsheet", "database", "statistics", "calculator", "crm", "finance", "hr", "ticketing",
    )),
    ("code and machines", ("editor", "terminal", "remote", "virtual-machine", "monitoring")),
    ("pictures and sound", ("design", "image", "video", "music", "cad", "screenshot")),
    ("desktop", ("files", "settings", "launcher", "clock")),
    ("other", ()),
)  # fmt: skip
_GROUP_OF = {app: place for place, (_, apps) in enumerate(GROUPS) for app in apps}


@dataclass(frozen=True, slots=True)
class Timeline:
    """A day, from the first hour drawn to the last.

    Attributes:
        day: the day.
        start, end: Unix seconds, whole hours.
        bins: actions of each group, by the second at which their ten minutes begin.
        holes: what was missed, with its cause.
    """

    day: date
    start: int
    end: int
    bins: dict[int, tuple[int, ...]]
    holes: tuple[StoredGap, ...]

    @property
    def actions(self) -> int:
        """How many actions there are in all."""
        return sum(sum(counts) for counts in self.bins.values())

    def of_groups(self) -> tuple[int, ...]:
        """Return how many actions each group has."""
        return tuple(sum(column) for column in zip(*self.bins.values(), strict=True)) or (
            (0,) * len(GROUPS)
        )

    def by_hour(self) -> list[tuple[int, tuple[int, ...]]]:
        """Return the hours in which there is something, with the actions of each group."""
        found: dict[int, tuple[int, ...]] = {}
        for at, counts in self.bins.items():
            hour = at - (at - self.start) % _HOUR
            before = found.get(hour, (0,) * len(GROUPS))
            found[hour] = tuple(a + b for a, b in zip(before, counts, strict=True))
        return sorted(found.items())


def timeline(vault: Vault, day: date) -> Timeline:
    """Return how a day went; an empty one where nothing is stored.

    Raises:
        VaultDamagedError: its file is damaged.
    """
    if day not in vault.days():
        return drawn(day, (), ())
    file = vault.day(day)
    rows = file.connection.execute(
        "SELECT at / ?1 * ?1, app, count(*) FROM actions GROUP BY 1, 2", (BIN_SECONDS,)
    )
    return drawn(day, rows, file.gaps())


def drawn(day: date, rows: Iterable[tuple[int, ...]], holes: Iterable[StoredGap]) -> Timeline:
    """Return the timeline of counted rows; pure but for the time zone.

    Args:
        day: the day.
        rows: second, category and number of actions.
        holes: those of the day.
    """
    bins: dict[int, list[int]] = {}
    for at, app, count in rows:
        counts = bins.setdefault(at, [0] * len(GROUPS))
        counts[_GROUP_OF.get(APPS[app], len(GROUPS) - 1)] += count
    found = tuple(holes)
    first, last = (_at(day, hour) for hour in _DESK_HOURS)
    times = [*bins, *(at + BIN_SECONDS for at in bins)]
    times += [at for hole in found for at in (hole.started, hole.ended)]
    midnight, next_midnight = _at(day, 0), _at(day + timedelta(days=1), 0)
    before, after = min([first, *times]) - midnight, max([last, *times]) - midnight
    start = midnight + max(0, before // _HOUR * _HOUR)
    end = min(next_midnight, midnight - (-after // _HOUR * _HOUR))
    return Timeline(day, start, end, {at: tuple(bins[at]) for at in sorted(bins)}, found)


def _at(day: date, hour: int) -> int:
    return int(datetime.combine(day, time(hour)).astimezone().timestamp())
