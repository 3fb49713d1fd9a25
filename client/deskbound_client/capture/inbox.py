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

from deskbound_client.capture.clocks import since_boot
from deskbound_client.capture.pulse import Pulse
from deskbound_client.store.rows import StoredGap
from deskbound_strategies.observations import Observation

_T = TypeVar("_T")


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
        clock: wall clock, Unix seconds.
    """

    def __init__(self, limit: int, clock: Callable[[], float] = time.time) -> None:
        self.arrived = threading.Event()
        self.pulse = Pulse()
        self._limit, self._clock = limit, clock
        self._waiting: deque[Seen] = deque()
        self._holes: deque[StoredGap] = deque(maxlen=1_000)
        self._lost = 0
        self._lost_since = 0

    def put(self, what: Observation | Picture, stream: int, generation: int) -> None:
        """Queue an observation; dropped and counted when the queue is full."""
        at = int(self._clock())
        self.pulse.saw(stream)
        if len(self._waiting) >= self._limit:
            self._lost_since = self._lost_since if self._lost else at
            self._lost += 1
            return
        self._waiting.append(Seen(what, stream, generation, at, int(since_boot())))
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
            now = int(self._clock())
            holes.append(StoredGap(min(self._lost_since, now), now, "lag"))  # it may be set back
            self._lost = 0
        return holes


def _empty(queue: deque[_T]) -> list[_T]:
    return [queue.popleft() for _ in range(len(queue))]


class Holes:
    """Turns the beginning and end of a hole into its record, if it was long enough.

    How long a hole was is measured by a clock that nobody sets; when it was is told by the wall
    clock of its end.

    Args:
        shortest: seconds a hole must last to be recorded.
        record: receives the record.
        steady: seconds on a clock that nobody sets and that goes on while the laptop sleeps.
    """

    def __init__(
        self,
        shortest: float,
        record: Callable[[StoredGap], None],
        steady: Callable[[], float] = since_boot,
    ) -> None:
        self._shortest = shortest
        self._record = record
        self._steady = steady
        self._since: dict[str, float] = {}

    def mark(self, cause: str, present: bool, at: float) -> None:  # noqa: FBT001
        """Tell whether a cause of loss is present at a moment (Unix time)."""
        if present:
            self._since.setdefault(cause, self._steady())
        elif (since := self._since.pop(cause, None)) is not None:
            lasted = self._steady() - since
            if lasted >= self._shortest:
                self._record(StoredGap(int(at - lasted), int(at), cause))

    def happened(self, cause: str, seconds: float, at: float) -> None:
        """Tell of a hole that lasted ``seconds`` and is over at a moment (Unix time)."""
        if seconds and seconds >= self._shortest:
            self._record(StoredGap(int(at - seconds), int(at), cause))

    def clock_set(self, seconds: float, at: float) -> None:
        """Tell that the wall clock was set forward by ``seconds``, or back if negative.

        Forward leaves a stretch that never was; back leaves only a mark, for nothing is missing.
        """
        if seconds and abs(seconds) >= self._shortest:
            self._record(StoredGap(int(at - max(seconds, 0.0)), int(at), "clock"))

    def close(self, at: float) -> None:
        """Record every hole that is still open."""
        for cause in list(self._since):
            self.mark(cause, present=False, at=at)
