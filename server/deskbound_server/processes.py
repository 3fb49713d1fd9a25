"""A supervised child process: restarted with growing pauses, ended with all it started."""

import ctypes
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

STOP_SECONDS = 8.0
_BACKOFF = (0.5, 1.0, 2.0, 5.0, 10.0)  # seconds before the n-th restart in a row
_HEALTHY_AFTER = 30.0  # seconds a process must live for its restarts to be forgotten


@dataclass(slots=True)
class Child:
    """One supervised process."""

    name: str
    command: list[str]
    environment: dict[str, str]
    folder: Path
    process: "subprocess.Popen[bytes] | None" = None
    started: float = 0.0
    restarts: int = 0
    due: float = 0.0

    def tend(self, now: float) -> None:
        """Start it when it is not running and its time has come."""
        if self.process is not None and self.process.poll() is None:
            if now - self.started > _HEALTHY_AFTER:
                self.restarts = 0
            return
        if self.process is not None:
            self.process = None
            self.due = now + _BACKOFF[min(self.restarts, len(_BACKOFF) - 1)]
            self.restarts += 1
        if now >= self.due:
            self.process = self._spawn()
            self.started = now

    def stop(self) -> None:
        """End it and everything it started."""
        if self.process is None:
            return
        signal_group(self.process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_SECONDS)
        signal_group(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def _spawn(self) -> "subprocess.Popen[bytes]":
        with (self.folder / f"{self.name}.log").open("ab") as log:
            return subprocess.Popen(
                self.command, env=self.environment, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, start_new_session=True, cwd=self.folder,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - the supervisor has a single thread
            )  # fmt: skip


def _die_with_parent() -> None:
    """Ask Linux to end this process when its parent ends, however that happens."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def signal_group(leader: int, number: int) -> None:
    """Send a signal to a process and all it started in its session, if any are left."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)
