"""What the clocks say happened between two looks: sleep, a hold-up, a clock that was set.

Three clocks run side by side: the wall clock, which anyone may set; one that counts only while the
machine is awake; and one that goes on while it sleeps. What one of them did and the others did not
is what happened.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_BOOTED = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

_NOISE_SECONDS = 1.0  # clocks are read one after the other, and threads wait for their turn


def since_boot() -> float:
    """Return seconds on the clock that goes on while the laptop sleeps, and that nobody sets."""
    return time.clock_gettime(_BOOTED)


@cache
def boot_number() -> int:
    """Return a number that is the same until the next boot."""
    try:
        found = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
        return int(found.replace("-", "")[:15], 16)
    except (OSError, ValueError):
        return int(time.time() - time.monotonic())


@dataclass(frozen=True, slots=True)
class Moment:
    """One moment on the clock that anyone may set and on the one that nobody sets.

    Attributes:
        wall: Unix seconds.
        since_boot: seconds since the machine started, those it slept included.
        boot: number of that start.
    """

    wall: float
    since_boot: float
    boot: int


def this_moment() -> Moment:
    """Return the present moment."""
    return Moment(time.time(), since_boot(), boot_number())


@dataclass(frozen=True, slots=True)
class Between:
    """What happened between two looks; zero where it was less than a second.

    Attributes:
        slept: seconds the machine slept.
        held_up: seconds this look came late although the machine was awake.
        set_by: seconds the wall clock was set forward, negative for back.
    """

    slept: float
    held_up: float
    set_by: float


class Clocks:
    """Remembers what the clocks said last.

    Args:
        wall: Unix seconds.
        awake: seconds that count only while the machine is awake.
        booted: seconds that go on while it sleeps.
    """

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        awake: Callable[[], float] = time.monotonic,
        booted: Callable[[], float] = since_boot,
    ) -> None:
        self._clocks = wall, awake, booted
        self._last = self._read()

    def _read(self) -> tuple[float, float, float]:
        wall, awake, booted = self._clocks
        return wall(), awake(), booted()

    def look(self, pace: float) -> Between:
        """Return what happened since the last look.

        Args:
            pace: seconds after which this look was due.
        """
        before, self._last = self._last, self._read()
        wall, awake, booted = (new - old for new, old in zip(self._last, before, strict=True))
        return Between(_felt(booted - awake), _felt(awake - pace), _felt(wall - booted))


def _felt(seconds: float) -> float:
    return seconds if abs(seconds) >= _NOISE_SECONDS else 0.0
