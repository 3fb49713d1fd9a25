"""What is stored, to be found: by day, hour, kind, application, stream, or plain words.

Nothing here reads a whole day: the tally of each day file says where to look (``store/tally.py``),
so that millions of rows answer at once. Pictures are found by ``kind="picture"``.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from itertools import islice

from deskbound_client.capture.signals import STREAMS
from deskbound_client.employee.queries import (
    KINDS,
    PICTURE,
    SOURCES,
    Query,
    actions_where,
    kind_of,
    thumbs_where,
)
from deskbound_client.employee.words import words_of
from deskbound_client.store.days import DayFile
from deskbound_client.store.rows import StoredAction, StoredThumb
from deskbound_client.store.search import (
    action_numbered,
    newest_actions,
    newest_thumbs,
    thumb_numbered,
    thumbs_by,
)
from deskbound_client.store.tally import HOUR
from deskbound_client.store.vault import Vault
from deskbound_strategies.errors import (
    BusyError,
    DiskFullError,
    NotFoundError,
    VaultDamagedError,
)
from deskbound_strategies.vocabulary import APPS, GAP_UNKNOWN

__all__ = [
    "KINDS", "PICTURE", "SOURCES", "DayLine", "Facets", "Found", "Hit", "Query", "action", "days",
    "find", "picture",
]  # fmt: skip

GAPS = ("< ¼ s", "¼-½ s", "½-1 s", "1-2 s", "2-5 s", "5-15 s", "15-60 s", "> 1 min")
_STREAM_NAMES = {signal.bit: signal.name for signal in STREAMS}


@dataclass(frozen=True, slots=True)
class DayLine:
    """One day at a glance.

    Attributes:
        day: the day.
        actions, thumbnails, gaps: how many rows there are.
        sources: how many actions were captured, generated or imported.
        hours: actions by the Unix second at which their hour begins.
        bytes: size of its file.
        readable: False for a damaged file.
    """

    day: date
    actions: int = 0
    thumbnails: int = 0
    gaps: int = 0
    sources: dict[str, int] = field(default_factory=dict)
    hours: dict[int, int] = field(default_factory=dict)
    bytes: int = 0
    readable: bool = True


@dataclass(frozen=True, slots=True)
class Hit:
    """One row that was found; ``day`` and ``id`` name it, for ``forgetting.forget_rows``.

    Attributes:
        day: whose file it is in.
        id: its number there; gestures and pictures have numbers of their own.
        row: exactly what is kept.
    """

    day: date
    id: int
    row: StoredAction | StoredThumb

    @property
    def is_picture(self) -> bool:
        """Whether it is a picture."""
        return isinstance(self.row, StoredThumb)

    @property
    def kind(self) -> str:
        """One of ``KINDS``."""
        return PICTURE if isinstance(self.row, StoredThumb) else kind_of(self.row.token)

    @property
    def words(self) -> str:
        """What it is, in plain words."""
        return (
            "a tiny grey picture" if isinstance(self.row, StoredThumb) else words_of(self.row.token)
        )

    @property
    def app(self) -> str:
        """The category, with the number of a program that has none."""
        bucket = 0 if isinstance(self.row, StoredThumb) else self.row.bucket
        return APPS[self.row.app] + (f" #{bucket}" if bucket else "")

    @property
    def stream(self) -> str:
        """The stream that it belongs to."""
        return (
            "screen"
            if isinstance(self.row, StoredThumb)
            else _STREAM_NAMES.get(self.row.stream, "")
        )

    @property
    def pause(self) -> str:
        """The pause before it, empty when it is not kept."""
        if isinstance(self.row, StoredThumb) or self.row.gap == GAP_UNKNOWN:
            return ""
        return GAPS[self.row.gap]

    @property
    def source(self) -> str:
        """Where it came from."""
        return SOURCES[self.row.source]


@dataclass(frozen=True, slots=True)
class Facets:
    """How many of the hits there are of each sort, most first; hours and days in their order.

    Attributes:
        apps, kinds, streams, sources: by name.
        hours: by the Unix second at which they begin.
        days: by date.
    """

    apps: dict[str, int] = field(default_factory=dict)
    kinds: dict[str, int] = field(default_factory=dict)
    streams: dict[str, int] = field(default_factory=dict)
    sources: dict[str, int] = field(default_factory=dict)
    hours: dict[int, int] = field(default_factory=dict)
    days: dict[date, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """An answer.

    Attributes:
        total: how many rows fit.
        hits: some of them, newest first.
        facets: of all that fit.
        pictures: how many pictures fit, when gestures were looked for.
        unreadable: days whose file is damaged.
    """

    total: int
    hits: tuple[Hit, ...]
    facets: Facets
    pictures: int = 0
    unreadable: tuple[date, ...] = ()


def days(vault: Vault) -> tuple[DayLine, ...]:
    """Return a line for each day, oldest first; a damaged one hides no other."""
    return tuple(_line(vault, day) for day in vault.days())


def _line(vault: Vault, day: date) -> DayLine:
    try:
        file = vault.day(day)
        counts, (sources, hours) = file.counts(), file.tally.by_each(("source", "hour"), "1")
        return DayLine(
            day, counts.actions, counts.thumbs, counts.gaps,
            {SOURCES[source]: count for source, count in sources.items()},
            _in_order(hours),
            _size(vault, day),
        )  # fmt: skip
    except VaultDamagedError:
        return DayLine(day, readable=False, bytes=_size(vault, day))


def _size(vault: Vault, day: date) -> int:
    path = vault.day_path(day)
    files = (path, path.with_name(path.name + "-wal"))
    return sum(file.stat().st_size for file in files if file.exists())


def find(vault: Vault, query: Query) -> Found:
    """Find rows, newest first.

    Raises:
        ConfigError: when there is no such kind, category, stream or source.
    """
    where = thumbs_where(query) if query.pictures else actions_where(query)
    counted: list[tuple[DayFile, date, Facets]] = []
    pictures, unreadable = 0, []
    for day in reversed(_days_of(vault, query)):
        try:
            file = vault.day(day)
            _settle(file)
            facets = _of_thumbs(file, where) if query.pictures else _of_actions(file, where)
            pictures += 0 if query.pictures else _pictures(file, query)
        except NotFoundError:
            continue
        except VaultDamagedError:
            unreadable.append(day)
            continue
        counted.append((file, day, facets))
    hits = islice(_hits(counted, query, where), max(query.limit, 0))
    total = sum(sum(facets.sources.values()) for _, _, facets in counted)
    return Found(total, tuple(hits), _together(counted), pictures, tuple(unreadable))


def _days_of(vault: Vault, query: Query) -> list[date]:
    first, last = query.first or date.min, query.last or date.max
    return [day for day in vault.days() if first <= day <= last]


def _settle(file: DayFile) -> None:
    """Count what is not counted yet, for this search and the next; reading goes on without."""
    with suppress(DiskFullError, BusyError):
        file.settle()


def _hits(
    counted: Iterable[tuple[DayFile, date, Facets]], query: Query, where: str
) -> Iterator[Hit]:
    skip = max(query.offset, 0)
    for file, day, facets in counted:
        here = sum(facets.sources.values())
        if skip >= here:
            skip -= here
            continue
        if query.pictures:
            rows: Iterable[tuple[int, StoredAction | StoredThumb]] = newest_thumbs(
                file, where, skip, query.limit
            )
        else:
            rows = newest_actions(file, where, skip)
        skip = 0
        yield from (Hit(day, number, row) for number, row in rows)


def _of_actions(file: DayFile, where: str) -> Facets:
    tokens, apps, streams, sources, hours = file.tally.by_each(
        ("token", "app", "stream", "source", "hour"), where
    )
    kinds = Counter[str]()
    for token, count in tokens.items():
        kinds[kind_of(token)] += count
    return Facets(
        {APPS[app]: count for app, count in apps.items()},
        dict(kinds),
        {_STREAM_NAMES.get(bit, ""): count for bit, count in streams.items()},
        {SOURCES[source]: count for source, count in sources.items()},
        _in_order(hours),
    )


def _of_thumbs(file: DayFile, where: str) -> Facets:
    total = sum(thumbs_by(file, "source", where).values())
    return Facets(
        {APPS[app]: count for app, count in thumbs_by(file, "app", where).items()},
        {PICTURE: total} if total else {},
        {"screen": total} if total else {},
        {SOURCES[each]: count for each, count in thumbs_by(file, "source", where).items()},
        _in_order(thumbs_by(file, f"at / {HOUR}", where)),
    )


def _pictures(file: DayFile, query: Query) -> int:
    if query.kind or query.stream:
        return 0
    return sum(thumbs_by(file, "source", thumbs_where(query)).values())


def _together(counted: list[tuple[DayFile, date, Facets]]) -> Facets:
    apps, kinds, streams, sources = (Counter[str]() for _ in range(4))
    hours: dict[int, int] = {}
    for _, _, each in counted:
        apps.update(each.apps)
        kinds.update(each.kinds)
        streams.update(each.streams)
        sources.update(each.sources)
        hours |= {hour: hours.get(hour, 0) + count for hour, count in each.hours.items()}
    by_day = {day: sum(each.sources.values()) for _, day, each in reversed(counted)}
    return Facets(
        dict(apps.most_common()),
        dict(kinds.most_common()),
        dict(streams.most_common()),
        dict(sources.most_common()),
        dict(sorted(hours.items())),
        {day: count for day, count in by_day.items() if count},
    )


def action(vault: Vault, day: date, number: int) -> Hit:
    """Return one gesture.

    Raises:
        NotFoundError: when it is not there, or not there any more.
    """
    row = action_numbered(vault.day(day), number)
    if row is None:
        raise _gone()
    return Hit(day, number, row)


def picture(vault: Vault, day: date, number: int) -> Hit:
    """Return one picture.

    Raises:
        NotFoundError: when it is not there, or not there any more.
    """
    row = thumb_numbered(vault.day(day), number)
    if row is None:
        raise _gone()
    return Hit(day, number, row)


def _gone() -> NotFoundError:
    return NotFoundError("That row is not stored (any more).", "Search again.")


def _in_order(hours: dict[int, int]) -> dict[int, int]:
    return {hour * HOUR: count for hour, count in sorted(hours.items())}
