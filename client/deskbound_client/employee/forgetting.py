"""Forgetting, as the employee asks for it: first what would go, then gone, with a receipt.

The control word is bumped first of all, so that what capture has not committed yet is dropped too.
Then rows and keys go, then the ledger says so and the receipt is kept.
"""

import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import date

from deskbound_client.capture.control import Control
from deskbound_client.capture.status import clear_status
from deskbound_client.employee.receipts import Learned, Receipt, keep, learned_from, receipts
from deskbound_client.employee.wishes import Wish
from deskbound_client.paths import HomePaths
from deskbound_client.privacy.budget import Budget
from deskbound_client.privacy.floor_keeper import floor_to_show
from deskbound_client.privacy.ledger_store import LedgerStore
from deskbound_client.store.passphrase import SEALED_FILE
from deskbound_client.store.retention import ForgetReceipt
from deskbound_client.store.rows import Counts
from deskbound_client.store.vault import Vault, day_of
from deskbound_strategies.errors import NotFoundError, VaultDamagedError
from deskbound_strategies.vocabulary import APPS

__all__ = [
    "DayPreview",
    "Learned",
    "Preview",
    "Receipt",
    "Wish",
    "copies_words",
    "finish",
    "forget",
    "forget_app",
    "forget_rows",
    "forget_stream",
    "preview",
    "receipts",
]

EXAMPLES = 3  # applications named for each day of a preview


@dataclass(frozen=True, slots=True)
class DayPreview:
    """What would go of one day.

    Attributes:
        day: the day.
        counts: rows that would go.
        apps: the categories that most of them are of.
        readable: False for a damaged file: only forgetting the whole day removes it.
    """

    day: date
    counts: Counts
    apps: tuple[str, ...] = ()
    readable: bool = True


@dataclass(frozen=True, slots=True)
class Preview:
    """What would go.

    Attributes:
        wish: what was asked.
        days: those concerned, oldest first.
        learned: what rounds have learned from these days already.
    """

    wish: Wish
    days: tuple[DayPreview, ...]
    learned: tuple[Learned, ...]

    @property
    def counts(self) -> Counts:
        """All rows that would go."""
        return sum((day.counts for day in self.days), Counts())

    @property
    def unreadable(self) -> tuple[date, ...]:
        """Days that would stay because their file is damaged."""
        return tuple(day.day for day in self.days if not day.readable)


def preview(vault: Vault, wish: Wish) -> Preview:
    """Return what would go; nothing changes."""
    days = [wish.day] if wish.day else vault.days()
    found = [_look(vault, day, wish) for day in days if day in vault.days()]
    shown = tuple(day for day in found if day.counts != Counts() or not day.readable)
    concerned = [day.day for day in shown if day.readable or wish.rows is None]
    return Preview(wish, shown, learned_from(vault, floor_to_show(vault), concerned))


def _look(vault: Vault, day: date, wish: Wish) -> DayPreview:
    if wish.rows is not None and wish.rows.day not in (0, day.toordinal()):
        return DayPreview(day, Counts())
    try:
        file = vault.day(day)
        counts = file.counts() if wish.rows is None else file.matching(wish.rows)
        apps = tuple(APPS[app] for app in file.apps(wish.rows, EXAMPLES))
    except NotFoundError:
        return DayPreview(day, Counts())
    except VaultDamagedError:
        return DayPreview(day, Counts(), readable=False)
    return DayPreview(day, counts, apps)


def forget(paths: HomePaths, vault: Vault, wish: Wish, *, now: float | None = None) -> Receipt:
    """Forget; what the receipt counts is gone when this returns.

    Args:
        paths: of the vault's home.
        vault: open.
        wish: what to forget.
        now: Unix time, for tests.

    Raises:
        NotFoundError: when the day has not come yet.
        BusyError: when another process keeps the vault; nothing is promised then.
    """
    present = time.time() if now is None else now
    if wish.day is not None and wish.day > day_of(present) and wish.day not in vault.days():
        raise NotFoundError(
            f"{wish.day.isoformat()} has not come yet.", "`deskbound show` lists days."
        )
    bump(paths)
    clear_status(paths.run / "capture.json")
    finish(vault)
    told: list[Receipt] = []

    def note(gone: ForgetReceipt) -> None:
        told.append(_note(vault, gone, present))

    if wish.rows is not None:
        vault.forget(wish.rows, note)
    elif wish.day is not None:
        vault.forget_day(wish.day, note)
    else:
        vault.forget_all(note)
    return told[0]


def _note(vault: Vault, gone: ForgetReceipt, now: float) -> Receipt:
    """Write the ledger and the receipt in one transaction; of nothing, nothing is written."""
    floor = floor_to_show(vault)
    learned = learned_from(vault, floor, gone.days)
    if not (gone.days or gone.damaged):
        return Receipt(day_of(now), gone, learned)
    ledger = LedgerStore(vault)
    with vault.database.transaction():
        if gone.days:
            Budget(ledger, floor).forgotten(gone.scope, gone.days)
        return keep(vault, day_of(now), gone, learned)


def finish(vault: Vault) -> int:
    """Finish what died while it forgot, and tell of it; return how many deeds that were."""
    if not vault.unfinished:
        return 0
    budget = Budget(LedgerStore(vault), floor_to_show(vault))
    return vault.finish(
        lambda gone: _note(vault, gone, time.time()),
        budget.retired,
    )


def copies_words(paths: HomePaths) -> str:
    """Say what the end of a day's key means for copies of this vault that were made before."""
    if (paths.home / SEALED_FILE).exists():
        return "copies of this folder made before still open with the passphrase they had"
    return "no copy of these days on any disk can be opened"


def bump(paths: HomePaths) -> None:
    """Give the gate a new generation: what waits to be committed is dropped."""
    with suppress(VaultDamagedError):  # a damaged control file reads as closed: nothing waits
        control = Control.open(paths.control)
        try:
            control.bump()
        finally:
            control.close()


def forget_stream(paths: HomePaths, vault: Vault, stream: str) -> Receipt:
    """Forget all that one stream stored, by its name."""
    return forget(paths, vault, Wish.of_stream(stream))


def forget_app(paths: HomePaths, vault: Vault, app: str | int) -> Receipt:
    """Forget a category of applications, or by its number a program that has none."""
    return forget(paths, vault, Wish.of_app(app))


def forget_rows(
    paths: HomePaths,
    vault: Vault,
    day: date,
    actions: tuple[int, ...],
    pictures: tuple[int, ...] = (),
) -> Receipt:
    """Forget single rows of a day."""
    return forget(paths, vault, Wish.of_rows(day, actions, pictures))
