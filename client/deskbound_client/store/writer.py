"""Grouped commits: what capture hands over is on the disk 100 rows or 250 ms later, or never.

Each row carries the generation of the gate it was born under. A pause gives the gate a new one;
rows of an older generation are dropped here, and the last look is inside the transaction, just
before its commit: nothing that was waiting when a person paused is stored afterwards, and a pause
returns only when no commit is under way.
"""

import itertools
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from deskbound_client.store.dayfiles import day_of
from deskbound_client.store.rows import Stored
from deskbound_client.store.vault import Vault

BATCH_ROWS = 100
BATCH_SECONDS = 0.25
MOST_WAITING = 10_000


class Gate(Protocol):
    """What the writer must know of the control word (``capture/control.py``)."""

    @property
    def generation(self) -> int:
        """Changes whenever what was captured before must not be stored any more."""

    @property
    def paused(self) -> bool:
        """Whether nothing at all may be stored."""

    def committing(self) -> AbstractContextManager[object]:
        """Hold off the return of ``pause`` while a commit is under way."""


class Writer:
    """Collects rows and commits them in groups; for one thread.

    Args:
        vault: where rows go.
        control: the gate's control word.
        clock: monotonic seconds.

    Attributes:
        stored: rows on the disk so far.
        dropped: rows dropped because of a pause.
        lost: rows dropped because too many waited for a disk that was full or busy.
    """

    def __init__(
        self, vault: Vault, control: Gate, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._vault = vault
        self._control = control
        self._clock = clock
        self._waiting: list[tuple[int, Stored]] = []
        self._since = 0.0
        self.stored = self.dropped = self.lost = 0

    @property
    def waiting(self) -> int:
        """How many rows are not on the disk yet."""
        return len(self._waiting)

    def add(self, row: Stored, generation: int) -> None:
        """Take a row; commits when the group is full.

        Raises:
            DiskFullError: when there is no room; rows wait for the next try.
            BusyError: when another process keeps the vault; rows wait likewise.
        """
        if len(self._waiting) >= MOST_WAITING:
            self.lost += 1
        else:
            if not self._waiting:
                self._since = self._clock()
            self._waiting.append((generation, row))
        if self._waiting and len(self._waiting) % BATCH_ROWS == 0:
            self.flush()

    def tick(self) -> None:
        """Commit when the oldest row has waited long enough; call it several times a second.

        Raises:
            DiskFullError, BusyError: as ``add``.
        """
        if self._waiting and self._clock() - self._since >= BATCH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Commit all waiting rows that may still be stored, drop the others.

        Raises:
            DiskFullError, BusyError: as ``add``.
        """
        self._since = self._clock()
        while self._waiting:
            generation = self._control.generation
            run = self._next_run()
            born = [row for birth, row in run if birth == generation]
            stored = self._commit(born, generation) if born and not self._control.paused else 0
            del self._waiting[: len(run)]
            self.stored += stored
            self.dropped += len(run) - stored

    def _next_run(self) -> list[tuple[int, Stored]]:
        """Return the first rows of one day: one transaction, so a retry never stores twice."""
        day = day_of(self._waiting[0][1].at)
        return list(itertools.takewhile(lambda held: day_of(held[1].at) == day, self._waiting))

    def _commit(self, rows: list[Stored], generation: int) -> int:
        # The vault's lock first: whoever pauses must not have to wait for one who forgets.
        with self._vault.committing(), self._control.committing():
            return self._vault.append(rows, still_wanted=lambda: self._may_store(generation))

    def _may_store(self, generation: int) -> bool:
        return not self._control.paused and self._control.generation == generation

    def close(self) -> None:
        """Commit what waits."""
        self.flush()
