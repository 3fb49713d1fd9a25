"""The bounded queue between the callbacks and the recorder.

What waits here are closed values with the generation of the gate they were born under. When it is
full the newest is dropped and counted; the recorder writes that down as a hole.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from deskbound_client.store.rows import StoredGap
from deskbound_strategies.observations import Observation

_T = TypeVar("_T")
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # goes on while the laptop sleeps


@dataclass(frozen=True, slots=True)
class Picture:
    """A thumbnail taken at a moment of the X server's clock."""

    t_ms: int
    pixels: bytes


@dataclass(frozen=True, slots=True)
class Seen:
    """Something observed, and under which circumstances.

    Attributes:
        what: a closed value.
        stream: bit of its signal.
        generation: of the gate, at the moment of the callback.
        at: wall clock, whole Unix seconds.
        mono_s: seconds on the clock that goes on while the laptop sleeps.
    """

    what: Observation | Picture
    stream: int
    generation: int
    at: int
    mono_s: int


class Inbox:
    """Takes from callbacks of any thread, gives to one recorder.

    Args:
        limit: how many may wait.
    """

    def __init__(self, limit: int) -> None:
        self.arrived = threading.Event()
        self._limit = limit
        self._waiting: deque[Seen] = deque()
        self._holes: deque[StoredGap] = deque(maxlen=1_000)
        self._lost = 0
        self._lost_since = 0

    def put(self, what: Observation | Picture, stream: int, generation: int) -> None:
        """Queue an observation; dropped and counted when the queue is full."""
        at = int(time.time())
        if len(self._waiting) >= self._limit:
            self._lost_since = self._lost_since if self._lost else at
            self._lost += 1
            return
        self._waiting.append(Seen(what, stream, generation, at, int(time.clock_gettime(_CLOCK))))
        if not self.arrived.is_set():
            self.arrived.set()

    def put_hole(self, hole: StoredGap) -> None:
        """Queue the record of a hole."""
        self._holes.append(hole)
        self.arrived.set()

    def take(self) -> list[Seen]:
        """Return what waits, oldest first, and empty the queue."""
        self.arrived.clear()
        return _empty(self._waiting)

    def take_holes(self) -> list[StoredGap]:
        """Return the holes that wait, among them one for what did not fit."""
        holes = _empty(self._holes)
        if self._lost:
            holes.append(StoredGap(self._lost_since, int(time.time()), "lag"))
            self._lost = 0
        return holes


def _empty(queue: deque[_T]) -> list[_T]:
    return [queue.popleft() for _ in range(len(queue))]


class Holes:
    """Turns the beginning and end of a hole into its record, if it was long enough.

    Args:
        shortest: seconds a hole must last to be recorded.
        record: receives the record.
    """

    def __init__(self, shortest: float, record: Callable[[StoredGap], None]) -> None:
        self._shortest = shortest
        self._record = record
        self._since: dict[str, float] = {}

    def mark(self, cause: str, present: bool, at: float) -> None:  # noqa: FBT001
        """Tell whether a cause of loss is present at a moment (Unix time)."""
        if present:
            self._since.setdefault(cause, at)
        elif (since := self._since.pop(cause, None)) is not None and at - since >= self._shortest:
            self._record(StoredGap(int(since), int(at), cause))

    def close(self, at: float) -> None:
        """Record every hole that is still open."""
        for cause in list(self._since):
            self.mark(cause, present=False, at=at)
