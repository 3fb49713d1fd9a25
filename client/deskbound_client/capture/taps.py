"""Which taps run: those of consented streams while not paused; restarted when they die."""

import time
from collections.abc import Callable, Mapping
from typing import Protocol

FIRST_DELAY, LONGEST_DELAY = 0.25, 30.0  # seconds before a dead tap is tried again
PROVEN_SECONDS = 30.0  # a tap that lived this long starts again without delay


class Listener(Protocol):
    """What is kept running: a started thread that may die."""

    faults: int

    def start(self) -> None:
        """Begin to listen."""

    def is_alive(self) -> bool:
        """Whether it listens."""

    def stop(self) -> None:
        """Hand on nothing more."""


class Keeper:
    """Keeps one listener running while it is wanted.

    Args:
        make: makes a fresh listener.
        clock: monotonic seconds.

    Attributes:
        faults: how often a listener died.
    """

    def __init__(
        self, make: Callable[[], Listener], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.faults = 0
        self._make, self._clock = make, clock
        self._listener: Listener | None = None
        self._delay = 0.0
        self._not_before = 0.0
        self._started = 0.0

    @property
    def running(self) -> bool:
        """Whether a listener is at work."""
        return self._listener is not None and self._listener.is_alive()

    def keep(self, wanted: bool) -> None:  # noqa: FBT001
        """Start, restart or stop the listener as wanted; call it several times a second."""
        now = self._clock()
        if self._listener is not None and not self._listener.is_alive():
            self._died(now)
        if not wanted:
            self.stop()
        elif self._listener is None and now >= self._not_before:
            self._listener = self._make()
            self._listener.start()
            self._started = now

    def stop(self) -> None:
        """Stop the listener, if there is one."""
        if self._listener is not None:
            self._listener.stop()
        self._listener = None

    def _died(self, now: float) -> None:
        self.faults += 1
        proven = now - self._started >= PROVEN_SECONDS
        self._delay = FIRST_DELAY if proven else min(2 * self._delay or FIRST_DELAY, LONGEST_DELAY)
        self._not_before = now + self._delay
        self._listener = None


class Taps:
    """All taps, by the bit of their stream.

    Args:
        make: makes a fresh tap for each stream that has one.
    """

    def __init__(self, make: Mapping[int, Callable[[], Listener]]) -> None:
        self._keepers = {stream: Keeper(one) for stream, one in make.items()}

    @property
    def faults(self) -> int:
        """How often a tap died."""
        return sum(keeper.faults for keeper in self._keepers.values())

    def keep(self, streams: int) -> bool:
        """Run exactly the taps of these streams; tell whether all of them are at work."""
        for stream, keeper in self._keepers.items():
            keeper.keep(bool(streams & stream))
        return all(keeper.running for stream, keeper in self._keepers.items() if streams & stream)

    def hears(self, stream: int) -> bool:
        """Return whether the tap of a stream is at work; a stream without one needs none."""
        keeper = self._keepers.get(stream)
        return keeper is None or keeper.running

    def stop(self) -> None:
        """Stop all taps."""
        for keeper in self._keepers.values():
            keeper.stop()
