"""Rows that other programs' data became: sorted into days, and stored like those of an archive."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Self

from deskbound_client.archive.admission import Admission
from deskbound_client.archive.importing import DayOutcome, ImportReceipt, Outcome, store_day
from deskbound_client.store.rows import Counts, Stored, StoredAction, StoredGap, StoredThumb
from deskbound_client.store.vault import Vault, day_of
from deskbound_strategies.errors import NotFoundError


@dataclass(frozen=True, slots=True)
class Gathered:
    """Rows by day, in the order in which a vault gives them back."""

    days: dict[date, list[Stored]] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Iterable[StoredAction | StoredGap]) -> Self:
        """Sort rows into the days on which they began."""
        found = cls()
        for row in rows:
            found.days.setdefault(day_of(row.at), []).append(row)
        for held in found.days.values():
            held.sort(key=lambda row: _SORTS.index(type(row)))
        return found

    def counts(self, day: date) -> Counts:
        """Return how many rows a day has."""
        sorts = [type(row) for row in self.days[day]]
        return Counts(*(sorts.count(sort) for sort in _SORTS))

    def rows(self, day: date) -> Iterator[Stored]:
        """Yield a day's rows."""
        return iter(self.days[day])


_SORTS: tuple[type, ...] = (StoredAction, StoredThumb, StoredGap)


def store_gathered(
    vault: Vault,
    gathered: Gathered,
    admission: Admission,
    days: Sequence[date] | None,
    dropped: "Counter[str]",
) -> ImportReceipt:
    """Store days that may come in and are complete.

    Raises:
        NotFoundError: when a day that was asked for is not there.
    """
    for day in days or ():
        if day not in gathered.days:
            raise NotFoundError(
                f"{day.isoformat()} is not in this file, or this vault does not keep it any more.",
                "Leave --day away to take in what there is.",
            )
    found = []
    for day in sorted(gathered.days):
        if days is None or day in days:
            counts = gathered.counts(day)
            outcome: Outcome | None = admission.bars(day)
            if outcome is None and day == admission.last:
                outcome = "today"
            if outcome is None:
                outcome = store_day(vault, day, partial(gathered.rows, day))
            found.append(DayOutcome(day, outcome, counts))
    return ImportReceipt("", own=False, days=tuple(found), dropped=tuple(sorted(dropped.items())))
