"""Forgetting for real: by time, by day, by age. Keys are destroyed, rows overwritten.

Every way ends in a receipt, given only when all of it is done; whoever has no receipt can simply
ask again. The receipt is the employee's; the ledger learns only which blocks were touched, by their
pseudonyms, since it must never become evidence of anybody's conduct.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from deskbound_client.store.dayfiles import DayFiles, day_of
from deskbound_client.store.days import DayFile
from deskbound_client.store.files import unlink_database
from deskbound_client.store.intents import Intent, Intents
from deskbound_client.store.keys import VaultKeys
from deskbound_client.store.keystate import begin_anew, erase_all, erase_day, retire_before
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
RetireHook = Callable[[date, str], object]


class Retention:
    """How a vault forgets.

    Each deed is written down as an intent first and taken away together with its ledger entry, so
    that a crash in between leaves something to finish; see ``finish``.

    Args:
        files: its day files.
        keys: its keys.
        lock: its lock.
        intents: what was begun.
    """

    def __init__(self, files: DayFiles, keys: VaultKeys, lock: VaultLock, intents: Intents) -> None:
        self._files = files
        self._keys = keys
        self._lock = lock
        self._intents = intents

    # --- on request -----------------------------------------------------------------------

    def forget(self, wanted: Selection, noted: ForgetHook | None) -> ForgetReceipt:
        """Delete the rows of a selection; see ``Vault.forget``."""
        with self._lock.alone():
            days = self._days_of(wanted)
            number = self._begin(Intent(wanted.scope, self._digests(days), wanted))
            receipt = self._forget(wanted, days)
            return self._tell(number, receipt, noted)

    def _forget(self, wanted: Selection, days: Iterable[date]) -> ForgetReceipt:
        total, touched, damaged = Counts(), [], []
        for day in days:
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
        return ForgetReceipt(wanted.scope, tuple(touched), total, 0, tuple(damaged))

    def _days_of(self, wanted: Selection) -> list[date]:
        days = self._files.dates()
        return [day for day in days if not wanted.day or day.toordinal() == wanted.day]

    def forget_day(self, day: date, noted: ForgetHook | None) -> ForgetReceipt:
        """Destroy one day; see ``Vault.forget_day``."""
        with self._lock.alone():
            number = self._begin(Intent("day", self._digests([day])))
            counts = self._destroy(day)
            return self._tell(number, ForgetReceipt("day", (day,), counts, 1), noted)

    def _destroy(self, day: date) -> Counts:
        days = self._files.dates()
        counts = self._remove(day)
        keep = {other.toordinal() for other in days}
        # What is still to come of the newest day needs a key; that of an older one does not.
        reopen = day >= max(days, default=day)
        self._keys.change(lambda old: erase_day(old, day.toordinal(), keep, reopen=reopen))
        return counts

    def forget_all(self, noted: ForgetHook | None) -> ForgetReceipt:
        """Destroy all days; see ``Vault.forget_all``."""
        with self._lock.alone():
            days = self._files.dates()
            number = self._begin(Intent("all", self._digests(days)))
            total = Counts()
            for day in days:
                total += self._remove(day)
            first = max([day.toordinal() for day in days], default=self._keys.current().base)
            self._keys.change(lambda old: erase_all(old, first))
            return self._tell(number, ForgetReceipt("all", tuple(days), total, len(days)), noted)

    # --- written down first, told last ----------------------------------------------------

    def finish(self, noted: ForgetHook, retired: RetireHook) -> int:
        """Do and tell what processes left undone that died; see ``Vault.finish``."""
        with self._lock.alone():
            unfinished = self._intents.unfinished()
            for number, intent in unfinished:
                if intent.scope == "retire":
                    self._destroy_left(intent)
                    self._tell_retired(number, intent.reasons, retired)
                else:
                    self._tell(number, self._finished(intent), noted)
            return len(unfinished)

    def _finished(self, intent: Intent) -> ForgetReceipt:
        """Do what is left of an intent; days that may have been touched before count as touched."""
        days = tuple(sorted(intent.days))
        if intent.rows is None:
            counts = self._destroy_left(intent)
            return ForgetReceipt(_scope(intent), days, counts, len(days))
        rest = self._forget(intent.rows, self._days_of(intent.rows))
        touched = tuple(day for day in days if day not in rest.damaged)
        return replace(rest, days=touched)

    def _destroy_left(self, intent: Intent) -> Counts:
        """Destroy the days whose key is still the one that was to be destroyed."""
        total = Counts()
        for day, digest in sorted(intent.days.items()):
            if digest and self._files.digest(day) == digest:
                total += self._destroy(day)
        return total

    def _begin(self, intent: Intent) -> int | None:
        """Write an intent down; forgetting on a full disk goes before writing about it."""
        try:
            return self._intents.begin(intent)
        except DiskFullError:
            self._keys.drop_ballast()
        try:
            return self._intents.begin(intent)
        except DiskFullError:
            return None

    def _digests(self, days: Iterable[date]) -> dict[date, str]:
        return {day: self._files.digest(day) for day in days}

    def _tell(
        self, number: int | None, receipt: ForgetReceipt, noted: ForgetHook | None
    ) -> ForgetReceipt:
        self._end(number, lambda: noted(receipt) if noted else None)
        return receipt

    def _tell_retired(
        self, number: int | None, reasons: Mapping[date, str], noted: RetireHook | None
    ) -> None:
        def tell() -> None:
            for day, reason in sorted(reasons.items()):
                if noted is not None:
                    noted(day, reason)

        self._end(number, tell)

    def _end(self, number: int | None, tell: Callable[[], object]) -> None:
        """Take an intent away in the transaction that tells of the deed."""
        try:
            self._ended(number, tell)
        except DiskFullError:
            self._keys.drop_ballast()
            self._ended(number, tell)
        self._keys.restore_ballast()

    def _ended(self, number: int | None, tell: Callable[[], object]) -> None:
        with self._intents.database.transaction():
            tell()
            if number is not None:
                self._intents.end(number)

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

    # --- by itself ------------------------------------------------------------------------

    def retire(
        self, now: float, keep_days: int, cap_bytes: int, noted: RetireHook | None, *, by_age: bool
    ) -> list[date]:
        """Destroy days by age and size; see ``Vault.retire``."""
        with self._lock.alone():
            dates = self._files.dates()
            # A clock that is doubted says nothing of age, nor which day is today.
            today = (day_of(now) if by_age else max(dates, default=date.min)).toordinal()
            oldest = today - keep_days + 1 if by_age else 0
            first = max(oldest, self._first_within(cap_bytes, today))
            reasons = {
                day: "retention" if day.toordinal() < oldest else "size"
                for day in dates
                if day.toordinal() < first
            }
            self._retire(first, reasons, noted)
            if by_age:
                self._catch_up(today, first)
            self._scrub_rest()
        return list(reasons)

    def _scrub_rest(self) -> None:
        """Do what a full disk has put off: take away copies of rows that were forgotten."""
        for day in self._files.dates():
            with suppress(NotFoundError, VaultDamagedError):
                file = self._files.open(day)
                if file.scrub():
                    self._empty_journal(file)

    def _retire(self, first: int, reasons: Mapping[date, str], noted: RetireHook | None) -> None:
        number = (
            self._begin(Intent("retire", self._digests(reasons), reasons=reasons))
            if reasons
            else None
        )
        for day in reasons:
            self._remove(day, count=False)
        state = self._keys.current()
        if state.base < first or any(each < first for each in state.single):
            self._keys.change(lambda keys: retire_before(keys, first))
        if reasons:
            self._tell_retired(number, reasons, noted)

    def _catch_up(self, today: int, first: int) -> None:
        """Mend what a clock that was once wrong has left."""
        self._expire_rows_of_later_days(today, day_starts_at(first))
        if self._keys.current().base > today + 1:  # the ratchet was turned into the future
            keep = {day.toordinal() for day in self._files.dates()}
            self._keys.change(lambda keys: begin_anew(keys, today, keep))

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


def _scope(intent: Intent) -> Scope:
    return "all" if intent.scope == "all" else "day"
