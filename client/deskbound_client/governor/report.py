"""What the governor says: ``run/governor.json``, for the employee's commands to read.

It names caps and numbers of settings, never what was captured.
"""

import json
from dataclasses import asdict, dataclass

from deskbound_client.config import Config
from deskbound_client.governor.caps import WAITING, Cause, Standing
from deskbound_client.paths import HomePaths
from deskbound_client.store.files import read_private, replace_private
from deskbound_strategies.errors import DeskboundError

FILE = "governor.json"


@dataclass(frozen=True, slots=True)
class GovernorReport:
    """What is held back now, and why.

    Attributes:
        state: ``free``, ``waiting`` (training waits for a better moment) or ``limiting`` (a cap
            was reached).
        reason: the first ``Cause``, or empty.
        sentence: what that means, for a person.
        mend: what to do about it.
        causes: all that hold now.
        capture: ``free``, ``slow`` or ``stopped``.
        training: whether a round may be worked on.
        online: whether the month's account lets this laptop be on the network.
    """

    state: str
    reason: str = ""
    sentence: str = ""
    mend: str = ""
    causes: tuple[str, ...] = ()
    capture: str = "free"
    training: bool = True
    online: bool = True


def report(standing: Standing, caps: Config) -> GovernorReport:
    """Say what a standing means; a cap comes before mere waiting."""
    first = next(iter((*standing.breaches, *standing.causes)), None)
    sentence, mend = ("", "") if first is None else _words(first, caps, standing)
    capture = "stopped" if not standing.capture else "slow" if standing.slowness > 1 else "free"
    state = "limiting" if standing.breaches else "waiting" if standing.causes else "free"
    return GovernorReport(
        state,
        "" if first is None else first.value,
        sentence,
        mend,
        tuple(cause.value for cause in standing.causes),
        capture,
        standing.training,
        standing.online,
    )


def _words(cause: Cause, caps: Config, standing: Standing) -> tuple[str, str]:
    """Return sentence and mend of a cause."""
    slower = standing.capture and cause is Cause.CAPTURE_CPU
    rests = "takes fewer thumbnails" if slower else "rests for ten minutes"
    return {
        Cause.CAPTURE_CPU: (
            f"Capture used more than {caps.capture_cpu_percent:g} % of a core and {rests}.",
            "Nothing needs doing; capture_cpu_percent in config.toml is the cap.",
        ),
        Cause.CAPTURE_MEMORY: (
            f"Capture used more than {caps.capture_rss_mb} MB of memory and rests for ten minutes.",
            "Nothing needs doing; capture_rss_mb in config.toml is the cap.",
        ),
        Cause.TRAINING_MEMORY: (
            f"Training used more than {caps.training_rss_mb} MB of memory and was ended.",
            "Nothing needs doing; training_rss_mb in config.toml is the cap.",
        ),
        Cause.DISK: (
            f"All files together take more than {caps.disk_mb} MB, so nothing more is stored.",
            "Forget some days, lower size_cap_mb, or raise disk_mb in config.toml.",
        ),
        Cause.NETWORK: (
            f"The {caps.network_mb_per_month} MB of this month are used up: offline until it ends.",
            "Raise network_mb_per_month in config.toml if you want it back earlier.",
        ),
        Cause.BATTERY: (
            "Training waits: this laptop runs on battery.",
            "Plug it in, or set training_only_on_mains = false in config.toml.",
        ),
        Cause.IN_USE: (
            f"Training waits until {caps.training_idle_seconds / 60:g} minutes without input.",
            "Nothing needs doing; training_only_when_idle in config.toml decides it.",
        ),
    }[cause]


def write_report(paths: HomePaths, told: GovernorReport) -> None:
    """Replace the file as a whole; only its owner can read it."""
    text = json.dumps(asdict(told), sort_keys=True)
    replace_private(paths.run / FILE, text.encode("ascii"))


def read_report(paths: HomePaths) -> GovernorReport | None:
    """Return what the governor last said, or None when no agent runs that could say it."""
    try:
        found = json.loads(read_private(paths.run / FILE))
        return GovernorReport(**{**found, "causes": tuple(found["causes"])})
    except (DeskboundError, ValueError, TypeError, KeyError):
        return None


def is_breach(reason: str) -> bool:
    """Return whether a reason is a cap that was reached and not mere waiting."""
    return reason in {cause.value for cause in Cause if cause not in WAITING}
