"""Watching a run from outside, through the database and the run's lock; it needs no SuperLink."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deskbound_server.database import Database
from deskbound_server.lock import FileLock
from deskbound_server.schema import RoundRow, RoundState, RunRow, RunState

POLL_SECONDS = 0.3
START_SECONDS = 90.0
_OVER = {RunState.FINISHED, RunState.FAILED, RunState.STOPPED}


@dataclass(frozen=True, slots=True)
class Sight:
    """What can be seen of a run at one moment.

    Attributes:
        run: its record.
        rounds: all attempts so far.
        conducted: whether a process conducts it now.
    """

    run: RunRow
    rounds: list[RoundRow]
    conducted: bool

    @property
    def released(self) -> int:
        """Rounds that have a model."""
        return sum(row.state is RoundState.RELEASED for row in self.rounds)

    @property
    def over(self) -> bool:
        """Whether the run has come to an end."""
        return self.run.state in _OVER

    @property
    def interrupted(self) -> bool:
        """Whether it should go on but nobody conducts it: its process died."""
        return self.run.state is RunState.RUNNING and not self.conducted


def look(folder: Path, database: Database, run: str) -> Sight:
    """Return what can be seen of a run now.

    Args:
        folder: where locks of runs lie.
        database: of the server.
        run: full id.
    """
    sight = _glance(folder, database, run)
    # A run may be taken up or end between the two looks. Whoever is found running and without a
    # conductor is looked at once more, the state first seen being the older one now.
    return _glance(folder, database, run) if sight.interrupted else sight


def _glance(folder: Path, database: Database, run: str) -> Sight:
    with FileLock(folder / f"{run}.lock") as lock:
        conducted = not lock.held
    return Sight(database.find_run(run), database.rounds(run), conducted)


def follow(folder: Path, database: Database, run: str) -> Iterator[Sight]:
    """Yield sights of a run until it is over, interrupted, or never begins.

    A run that was taken up but is between two processes is given a moment before it counts as
    interrupted.
    """
    begun = time.monotonic()
    unattended = 0
    while True:
        sight = look(folder, database, run)
        yield sight
        unattended = unattended + 1 if sight.interrupted else 0
        late = sight.run.state is RunState.QUEUED and time.monotonic() - begun > START_SECONDS
        if sight.over or late or unattended > 5:
            return
        time.sleep(POLL_SECONDS)
