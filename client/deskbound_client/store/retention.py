"""Forgetting for real: by time, by day, by age. Keys are destroyed, rows overwritten.

Every way ends in a receipt, given only when all of it is done; whoever has no receipt can simply
ask again. The receipt is the employee's; the ledger learns only which blocks were touched, by their
pseudonyms, since it must never become evidence of anybody's conduct.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from deskbound_client.store.dayfiles import DayFiles, day_of
from deskbound_client.store.days import DayFile
from deskbound_client.store.files import unlink_database
from deskbound_client.store.keys import VaultKeys
from deskbound_client.store.keystate import erase_all, erase_day, retire_before
from deskbound_client.store.lock import VaultLock
from deskbound_client.store.rows import Counts
from deskbound_client.store.selection import Selection
from deskbound_strategies.errors import (
    BusyError,
    DiskFullError,
    NotFoundError,
    VaultDamagedError,
)

RETENTION_DAYS = 7
SIZE_CAP_BYTES = 200 * 1_000_000
JOURNAL_PATIENCE_SECONDS = 5.0

Scope = Literal["range", "app", "stream", "rows", "day", "all"]
Reason = Literal["retention", "size"]


@dataclass(frozen=True, slots=True)
class ForgetReceipt:
    """What was forgotten, for the employee.

    Attributes:
        scope: what was chosen: a stretch of time, an application, a day, everything ...
        days: the days concerned.
        counts: rows that are gone; of a damaged file they cannot be counted.
        keys_destroyed: how many day keys are gone with them.
        damaged: days whose file cannot be read: what is in them was *not* forgotten.
    """

    scope: Scope
    days: tuple[date, ...]
    counts: Counts
    keys_destroyed: int
    damaged: tuple[date, ...] = ()


ForgetHook = Callable[[ForgetReceipt], object]
RetireHook = Callable[[date, Reason], object]


class Retention:
    """How a vault forgets.

    Args:
        files: its day files.
        keys: its keys.
        lock: its lock.
    """

    def __init__(self, files: DayFiles, keys: VaultKeys, lock: VaultLock) -> None:
        self._files = files
        self._keys = keys
        self._lock = lock

    def forget(self, wanted: Selection, noted: ForgetHook | None) -> ForgetReceipt:
        """Delete the rows of a selection; see ``Vault.forget``."""
        total, touched, damaged = Counts(), [], []
        with self._lock.alone():
            for day in self._days_of(wanted):
                try:
                    found = self._delete(self._files.open(day), wanted)
                except NotFoundError:  # no key opens it, so there is nothing to forget
                    continue
                except VaultDamagedError:  # the others are forgotten all the same
                    damaged.append(day)
                    continue
                if found != Counts():
                    total += found
                    touched.append(day)
            self._keys.restore_ballast()
        return _noted(ForgetReceipt(wanted.scope, tuple(touched), total, 0, tuple(damaged)), noted)

    def _days_of(self, wanted: Selection) -> list[date]:
        days = self._files.dates()
        return [day for day in days if not wanted.day or day.toordinal() == wanted.day]

    def _delete(self, file: DayFile, wanted: Selection) -> Counts:
        """Delete and leave no trace in the journal either.

        The journal is emptied even when no row is left to delete: an earlier call may have been
        cut short between the two.
        """
        touched = file.touches(wanted.start, wanted.end)
        try:
            found = file.delete(wanted) if touched else Counts()
            self._empty_journal(file)
        except DiskFullError:
            self._keys.drop_ballast()
            self._empty_journal(file)  # which makes the most room of all
            found = file.delete_sparingly(wanted) if touched else Counts()
            self._empty_journal(file)
        return found

    def _empty_journal(self, file: DayFile) -> None:
        deadline = time.monotonic() + JOURNAL_PATIENCE_SECONDS
        while not file.connection.empty_journal():
            if time.monotonic() > deadline:
                raise BusyError(
                    f"Another process still reads {file.connection.path.name}.",
                    "The rows are deleted; run the command again to clear its journal too.",
                )
            time.sleep(0.01)

    def forget_day(self, day: date, noted: ForgetHook | None) -> ForgetReceipt:
        """Destroy one day; see ``Vault.forget_day``."""
        with self._lock.alone():
            days = self._files.dates()
            counts = self._remove(day)
            keep = {other.toordinal() for other in days}
            # What is still to come of the newest day needs a key; that of an older one does not.
            reopen = day >= max(days, default=day)
            self._keys.change(lambda old: erase_day(old, day.toordinal(), keep, reopen=reopen))
        return _noted(ForgetReceipt("day", (day,), counts, 1), noted)

    def forget_all(self, noted: ForgetHook | None) -> ForgetReceipt:
        """Destroy all days; see ``Vault.forget_all``."""
        with self._lock.alone():
            days = self._files.dates()
            total = Counts()
            for day in days:
                total += self._remove(day)
            first = max([day.toordinal() for day in days], default=self._keys.current().base)
            self._keys.change(lambda old: erase_all(old, first))
        return _noted(ForgetReceipt("all", tuple(days), total, len(days)), noted)

    def retire(
        self, now: float, keep_days: int, cap_bytes: int, noted: RetireHook | None
    ) -> list[date]:
        """Destroy days by age and size; see ``Vault.retire``."""
        today = day_of(now).toordinal()
        with self._lock.alone():
            by_age = today - keep_days + 1
            first = max(by_age, self._first_within(cap_bytes, today))
            old = [day for day in self._files.dates() if day.toordinal() < first]
            for day in old:
                self._remove(day, count=False)
            state = self._keys.current()
            if state.base < first or any(number < first for number in state.single):
                self._keys.change(lambda keys: retire_before(keys, first))
            self._expire_rows_of_later_days(today, day_starts_at(first))
        if noted is not None:
            for day in old:
                noted(day, "retention" if day.toordinal() < by_age else "size")
        return old

    def _first_within(self, cap_bytes: int, today: int) -> int:
        """Return the first day such that it and all later ones fit under the cap."""
        room, first = cap_bytes, 0
        for day in reversed(self._files.dates()):
            room -= self._files.path(day).stat().st_size
            if room < 0 and day.toordinal() < today:
                first = day.toordinal() + 1
                break
        return first

    def _expire_rows_of_later_days(self, today: int, cutoff: int) -> None:
        """Rows of a clock once set forward lie in a day that does not grow old; expire them."""
        for day in self._files.dates():
            if day.toordinal() > today + 1:
                self._delete(self._files.open(day), Selection("range", end=cutoff - 1))

    def _remove(self, day: date, *, count: bool = True) -> Counts:
        """Unlink a day file before its key goes: that makes room, and a rerun finishes the rest."""
        counts = Counts()
        if count:
            try:
                counts = self._files.open(day).counts()
            except (NotFoundError, VaultDamagedError, DiskFullError):
                counts = Counts()
        self._files.let_go(day)
        unlink_database(self._files.path(day))
        return counts


def day_starts_at(ordinal: int) -> int:
    """Return the Unix second at which a local calendar day begins."""
    day = date.fromordinal(ordinal)
    return int(time.mktime((day.year, day.month, day.day, 0, 0, 0, 0, 0, -1)))


def _noted(receipt: ForgetReceipt, noted: ForgetHook | None) -> ForgetReceipt:
    if noted is not None:
        noted(receipt)
    return receipt
