"""What the governor decides from what was measured. Pure.

    capture above its share of a core   thumbnails at half the rate, each minute anew; then a rest
    capture above its memory            a rest: the process ends and begins anew
    training above its memory           the same for training
    all files above their room          capture is off until there is room again
    the month's bytes used up           offline until the month is over
    on battery, or somebody is there    training waits; the laptop stays online all the same, or
                                        the server could read off the connection who is at a desk

A breach is told to the employee; waiting is not one. What is not known is judged as the worse case
for training, which can wait, and as nothing for capture, which the caps of the system still bound.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from deskbound_client.config import Config

MINUTE = 60.0
REST_SECONDS = 600.0
SLOWEST = 8  # times the usual time between two thumbnails
MEGABYTE = 1_000_000
_ROOM_AGAIN = 0.95  # of the disk cap: else capture would go on and off at the edge


class Cause(StrEnum):
    """Why something is held back."""

    CAPTURE_CPU = "capture-cpu"
    CAPTURE_MEMORY = "capture-memory"
    TRAINING_MEMORY = "training-memory"
    DISK = "disk"
    NETWORK = "network"
    BATTERY = "battery"
    IN_USE = "in-use"


WAITING = frozenset({Cause.BATTERY, Cause.IN_USE})


@dataclass(frozen=True, slots=True)
class Measured:
    """What was found at one look; None where it is not known.

    Attributes:
        capture_cpu: percent of one core, over the last minute.
        capture_rss: bytes.
        training_rss: bytes.
        disk: bytes of all files of this home.
        network: bytes moved this month.
        on_mains: whether the laptop is plugged in.
        in_use: whether somebody used it lately.
    """

    capture_cpu: float | None = None
    capture_rss: int | None = None
    training_rss: int | None = None
    disk: int | None = None
    network: int | None = None
    on_mains: bool | None = None
    in_use: bool | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What is allowed now, and what it follows from.

    Attributes:
        slowness: times the usual time between two thumbnails.
        paced_at: when ``slowness`` was last judged, monotonic seconds.
        capture_rests_until: monotonic seconds.
        training_rests_until: monotonic seconds.
        causes: all that is held back now, in the order of ``Cause``.
    """

    slowness: int = 1
    paced_at: float = float("-inf")
    capture_rests_until: float = float("-inf")
    training_rests_until: float = float("-inf")
    causes: tuple[Cause, ...] = (Cause.IN_USE,)

    @property
    def capture(self) -> bool:
        """Whether capture may run."""
        stopped = {Cause.CAPTURE_MEMORY, Cause.DISK} & set(self.causes)
        return not stopped and not (Cause.CAPTURE_CPU in self.causes and self.slowness > SLOWEST)

    @property
    def executor(self) -> bool:
        """Whether the process that trains may be there."""
        return Cause.TRAINING_MEMORY not in self.causes

    @property
    def training(self) -> bool:
        """Whether a round may be worked on."""
        return self.executor and self.online and not WAITING & set(self.causes)

    @property
    def online(self) -> bool:
        """Whether the month's account lets this laptop be on the network."""
        return Cause.NETWORK not in self.causes

    @property
    def breaches(self) -> tuple[Cause, ...]:
        """The causes that are caps, not mere waiting."""
        return tuple(cause for cause in self.causes if cause not in WAITING)


def judge(caps: Config, seen: Measured, before: Standing, now: float) -> Standing:
    """Return what is allowed from now on.

    Args:
        caps: what the employee has set.
        seen: what was measured.
        before: what was allowed until now.
        now: monotonic seconds.
    """
    paced = _pace(caps, seen, _rested(before, now), now)
    too_big = _above(seen.capture_rss, caps.capture_rss_mb)
    too_big_to_train = _above(seen.training_rss, caps.training_rss_mb)
    capture_until = now + REST_SECONDS if too_big else before.capture_rests_until
    if paced.slowness > SLOWEST and before.slowness <= SLOWEST:
        capture_until = now + REST_SECONDS
    training_until = now + REST_SECONDS if too_big_to_train else before.training_rests_until
    resting = now < capture_until
    by_cpu = paced.slowness > SLOWEST
    held = {
        Cause.CAPTURE_CPU: paced.slowness > 1,
        Cause.CAPTURE_MEMORY: resting and not by_cpu,
        Cause.TRAINING_MEMORY: now < training_until,
        Cause.DISK: _full(caps, seen, before),
        Cause.NETWORK: _above_or_equal(seen.network, caps.network_mb_per_month),
        Cause.BATTERY: caps.training_only_on_mains and seen.on_mains is not True,
        Cause.IN_USE: caps.training_only_when_idle and seen.in_use is not False,
    }
    return replace(
        paced,
        capture_rests_until=capture_until,
        training_rests_until=training_until,
        causes=tuple(cause for cause in Cause if held[cause]),
    )


def _rested(before: Standing, now: float) -> Standing:
    """Begin anew at the usual pace after a rest."""
    if before.slowness > SLOWEST and now >= before.capture_rests_until:
        return replace(before, slowness=1, paced_at=now)
    return before


def _pace(caps: Config, seen: Measured, before: Standing, now: float) -> Standing:
    """Slow down or speed up, once a minute: what was measured is the average of one."""
    used = seen.capture_cpu
    if before.slowness > SLOWEST or used is None or now - before.paced_at < MINUTE:
        return before
    if used > caps.capture_cpu_percent:
        return replace(before, slowness=before.slowness * 2, paced_at=now)
    if used < caps.capture_cpu_percent / 2 and before.slowness > 1:
        return replace(before, slowness=before.slowness // 2, paced_at=now)
    return before


def _full(caps: Config, seen: Measured, before: Standing) -> bool:
    limit = caps.disk_mb * MEGABYTE
    if seen.disk is None:
        return Cause.DISK in before.causes
    return seen.disk > limit * (_ROOM_AGAIN if Cause.DISK in before.causes else 1.0)


def _above(used: int | None, megabytes: int) -> bool:
    return used is not None and used > megabytes * MEGABYTE


def _above_or_equal(used: int | None, megabytes: int) -> bool:
    return used is None or used >= megabytes * MEGABYTE
