"""Children of the agent: started with nothing secret in sight, read line by line, ended for sure.

Whatever happens to the agent, no child outlives it: the child's standard input ends with the
agent, on Linux the system signals the child as well, and each child is a process group of its own
that can be ended as a whole.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

STOP_SECONDS = 10.0
_PR_SET_DUMPABLE = 4
Heard = Callable[[str, str], None]


def keep_memory_private() -> None:
    """Ask the system never to write this process's memory to disk, nor to let others read it.

    A core dump would hold the vault's keys (Linux; elsewhere nothing is done).
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def end_first_when_memory_is_short(score: int) -> None:
    """Ask the system to end this process before others when memory runs out (Linux).

    Args:
        score: from 0, as any program, to 1000, first of all.
    """
    if sys.platform == "linux":
        with suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text(str(score), encoding="ascii")


def bound_memory(most_bytes: int) -> None:
    """Let the system refuse this process more data than that: the last line behind the governor."""
    if sys.platform == "linux":
        import resource  # noqa: PLC0415 - not on every platform

        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        most = most_bytes if hard == resource.RLIM_INFINITY else min(most_bytes, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (most, hard))


def step_back() -> None:
    """Run only when nothing else on this machine wants to: processor and disk (Linux).

    Where the system groups processes by session, only the group's own number counts.
    """
    with suppress(OSError, AttributeError, psutil.Error):
        os.nice(19)
    if sys.platform == "linux":
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        with suppress(OSError, psutil.Error):
            psutil.Process().ionice(psutil.IOPRIO_CLASS_IDLE)
        with suppress(OSError):
            Path("/proc/self/autogroup").write_text("19", encoding="ascii")


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before a child that ended is started again.

    Attributes:
        first: after the first failure, seconds.
        most: never longer than this, seconds.
        steady: a child that ran this long counts as sound again, seconds.
    """

    first: float = 1.0
    most: float = 60.0
    steady: float = 120.0

    def delay(self, failures: int) -> float:
        """Return the seconds to wait after so many failures in a row; doubles each time."""
        return min(self.most, self.first * 2.0 ** min(max(failures - 1, 0), 16))


def worker(*arguments: str) -> list[str]:
    """Return the command line of one of our own children; see ``worker.py``."""
    program = [sys.executable, "-P", "-m", "deskbound_client.worker"]
    return [*program, "--parent", str(os.getpid()), *arguments]


class Child:
    """One running child. Start it from the main thread: the system ties it to that thread.

    Args:
        name: for the log and the status.
        command: its command line, which any user of the machine can read.
        env: its whole environment.
        first_line: written to its standard input, which then stays open; the place for secrets.
        heard: called with name and line for each line of its output, in a thread of its own.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        env: Mapping[str, str],
        first_line: str,
        heard: Heard,
    ) -> None:
        self.name = name
        self._process = subprocess.Popen(
            command,
            env=dict(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C in the terminal reaches the agent alone
        )
        self._listener = threading.Thread(target=self._listen, args=(heard,), daemon=True)
        self._listener.start()
        self.tell(first_line)

    def _listen(self, heard: Heard) -> None:
        if self._process.stdout is None:
            return
        for line in self._process.stdout:
            heard(self.name, line.decode("utf-8", "replace").rstrip("\n"))

    def tell(self, line: str) -> None:
        """Write one more line to its standard input; one that is ending does not hear it."""
        if self._process.stdin is not None:
            with suppress(BrokenPipeError):
                self._process.stdin.write(line.encode("utf-8") + b"\n")
                self._process.stdin.flush()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """How it ended, or None while it runs."""
        return self._process.poll()

    def ask_to_stop(self) -> None:
        """Send SIGTERM; it may still have something to put on the disk."""
        if self.exit_code is None:
            self._signal(signal.SIGTERM)

    def stop(self, patience: float = STOP_SECONDS) -> None:
        """End it: by SIGTERM, and by SIGKILL when it does not go within ``patience`` seconds."""
        self.ask_to_stop()
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            self._process.wait()
        if self._process.stdin is not None:
            with suppress(BrokenPipeError):
                self._process.stdin.close()
        self._listener.join(patience)

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)
