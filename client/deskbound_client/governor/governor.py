"""Looks, lets ``caps`` decide, and says so; the agent acts on it. One for each agent."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from deskbound_client.config import DEFAULTS, load_config
from deskbound_client.governor import meter, power
from deskbound_client.governor.caps import MINUTE, Measured, Standing, judge
from deskbound_client.governor.network import CONNECTED_BYTES_PER_SECOND, NetworkAccount
from deskbound_client.governor.report import GovernorReport, report, write_report
from deskbound_client.paths import HomePaths
from deskbound_strategies.errors import DeskboundError

LOOK_SECONDS = 2.0  # between two looks at processes and power
ROOM_SECONDS = MINUTE  # between two looks at every file


@dataclass(frozen=True, slots=True)
class Now:
    """What the agent knows by itself.

    Attributes:
        capture_pid: 0 while it does not run.
        executor_pid: the same.
        connected: whether the SuperNode runs.
        in_use: whether somebody used the laptop lately, None where nobody can tell.
    """

    capture_pid: int = 0
    executor_pid: int = 0
    connected: bool = False
    in_use: bool | None = None


class Governor:
    """Keeps what Deskbound uses within the caps of one home.

    Args:
        paths: of the home.
        steady: monotonic seconds.
        on_mains: whether the laptop is plugged in.
    """

    def __init__(
        self,
        paths: HomePaths,
        *,
        steady: Callable[[], float] = time.monotonic,
        on_mains: Callable[[], bool | None] = power.on_mains,
    ) -> None:
        self.standing = Standing()
        self._paths = paths
        self._steady = steady
        self._on_mains = on_mains
        self._caps = DEFAULTS
        self._network = NetworkAccount(paths.network_account)
        self._cpu = meter.CpuMeter()
        self._looked = self._walked = float("-inf")
        self._in_use: bool | None = None
        self._connected = 0.0  # seconds not yet charged
        self._disk: int | None = None
        self._said: GovernorReport | None = None

    def look(self, known: Now) -> Standing:
        """Return what is allowed now; measures no more often than every two seconds.

        That somebody came back counts at once.
        """
        now = self._steady()
        if now - self._looked < LOOK_SECONDS and known.in_use == self._in_use:
            return self.standing
        if known.connected and self._looked > 0:
            self._connected += min(now - self._looked, ROOM_SECONDS)
        self._looked, self._in_use = now, known.in_use
        if now - self._walked >= ROOM_SECONDS:
            self._walked = now
            self._walk()
        self.standing = judge(self._caps, self._measured(known, now), self.standing, now)
        self._say(report(self.standing, self._caps))
        return self.standing

    def _walk(self) -> None:
        """Do what takes longer: settings, files, the account."""
        with suppress(DeskboundError):  # a broken config keeps the caps there were
            self._caps = load_config(self._paths.config)
        self._disk = meter.room(self._paths.home)
        owed, self._connected = int(self._connected * CONNECTED_BYTES_PER_SECOND), 0.0
        if owed:
            with suppress(DeskboundError, OSError):  # a full disk: the cap of the disk acts first
                self._network.note(owed)

    def _measured(self, known: Now, now: float) -> Measured:
        return Measured(
            capture_cpu=self._cpu.share(
                known.capture_pid, meter.cpu_seconds(known.capture_pid), now
            ),
            capture_rss=meter.memory(known.capture_pid),
            training_rss=meter.memory(known.executor_pid),
            disk=self._disk,
            network=self._network.used(),
            on_mains=self._on_mains(),
            in_use=known.in_use,
        )

    def _say(self, told: GovernorReport) -> None:
        if told != self._said:
            with suppress(DeskboundError):  # a full disk: what is decided holds all the same
                write_report(self._paths, told)
                self._said = told


def orders_for(standing: Standing) -> Mapping[str, str]:
    """Return what each child is told, by the name of its role."""
    return {
        "capture": f"pace {standing.slowness}",
        "executor": "train" if standing.training else "wait",
    }
