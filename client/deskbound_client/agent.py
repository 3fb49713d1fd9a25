"""The agent: keeps capture, executor and SuperNode running as they should, and ends them all.

``start`` puts one in the background, ``stop`` ends it, ``status`` reads what it last knew; one
agent per home. It opens neither vault nor socket: it hands the passphrase to the children that
need it, through a pipe, and listens to the one word a line they say.
"""

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from deskbound_client.federation.guard import forbid_network
from deskbound_client.paths import HomePaths
from deskbound_client.processes import keep_memory_private
from deskbound_client.store.files import read_private
from deskbound_client.store.keys import KEYS_FILE
from deskbound_client.supervisor import TICK_SECONDS, Supervisor
from deskbound_strategies.errors import (
    BusyError,
    DeskboundError,
    NotFoundError,
    VaultDamagedError,
)

STOP_PATIENCE_SECONDS = 45.0
START_PATIENCE_SECONDS = 90.0
LOCK_PATIENCE_SECONDS = 2.0  # whoever asks for the status holds the lock for a moment


@dataclass(frozen=True, slots=True)
class AgentStatus:
    """What is known of the agent of a home.

    Attributes:
        state: ``stopped``, ``starting``, ``running`` (everything wanted works) or ``degraded``.
        pid: the agent's process, 0 when it does not run.
        children: of each child its ``state``, ``trouble`` (a code), ``sentence`` and ``mend``.
        willing: whether this laptop lets itself be seen by the server now.
        silent_until: Unix seconds until which it stays offline, 0 for none.
    """

    state: str
    pid: int
    children: dict[str, dict[str, Any]]
    willing: bool
    silent_until: float


def run_agent(paths: HomePaths, passphrase: str, *, capture: bool = True) -> None:
    """Run the agent of a home in the foreground until SIGTERM or Ctrl-C.

    Raises:
        BusyError: when an agent of this home runs already.
        NotFoundError: when there is no vault.
        VaultDamagedError: when its control file is missing.
    """
    _check_home(paths)
    paths.prepare()
    forbid_network()  # it holds the passphrase
    with _only_agent(paths):
        Supervisor(paths, passphrase, capture=capture).run()


def start(
    paths: HomePaths,
    passphrase: str = "",
    *,
    capture: bool = True,
    patience: float = START_PATIENCE_SECONDS,
) -> AgentStatus:
    """Start the agent in the background and wait until everything wanted works, or cannot.

    Args:
        paths: of the home.
        passphrase: of the vault, which the caller has tried; empty for the system's keystore.
        capture: whether input is captured.
        patience: seconds to wait for.

    Raises:
        BusyError: when it runs already.
        NotFoundError: when there is no vault.
        VaultDamagedError: when its control file is missing.
    """
    _check_home(paths)
    if status(paths).pid:
        raise BusyError("Deskbound is running already.", "See `deskbound status`.")
    paths.prepare()
    command = [sys.executable, "-P", "-m", "deskbound_client.agent", "--home", str(paths.home)]
    process = subprocess.Popen(
        [*command, "--no-capture"] if not capture else command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    if process.stdin is not None:
        process.stdin.write(passphrase.encode("utf-8") + b"\n")
        process.stdin.close()
    return _settled(paths, process, time.monotonic() + patience)


def _check_home(paths: HomePaths) -> None:
    if paths.control.exists():
        return
    if (paths.home / KEYS_FILE).exists():
        raise VaultDamagedError(
            "The control file is missing, so capture stays paused.",
            "Run `deskbound init`: it makes the file anew and keeps the vault.",
        )
    raise NotFoundError(f"There is no vault in {paths.home}.", "Run `deskbound init` first.")


def _settled(paths: HomePaths, process: "subprocess.Popen[bytes]", deadline: float) -> AgentStatus:
    found = status(paths)
    while time.monotonic() < deadline:
        found = status(paths)
        if process.poll() is not None or found.state in ("running", "degraded"):
            break
        time.sleep(TICK_SECONDS)
    return found


def stop(paths: HomePaths, patience: float = STOP_PATIENCE_SECONDS) -> bool:
    """End the agent and all its children; tell whether there was one.

    Raises:
        BusyError: when it does not end.
    """
    pid = status(paths).pid
    if not pid:
        return False
    try:
        process = psutil.Process(pid)
        process.terminate()
        process.wait(patience)
    except psutil.NoSuchProcess:
        return True
    except psutil.TimeoutExpired:
        raise BusyError("Deskbound does not end.", f"End the process {pid} by hand.") from None
    return True


def status(paths: HomePaths) -> AgentStatus:
    """Return what the agent last knew, or that there is none."""
    pid = _agent_pid(paths)
    if not pid:
        return AgentStatus("stopped", 0, {}, willing=False, silent_until=0.0)
    try:
        told = json.loads(read_private(paths.status))
        return AgentStatus(**{**told, "pid": pid})
    except (NotFoundError, ValueError, TypeError):
        return AgentStatus("starting", pid, {}, willing=False, silent_until=0.0)


def _agent_pid(paths: HomePaths) -> int:
    """Return the process that holds the agent's lock, or 0."""
    try:
        handle = os.open(paths.agent_lock, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return 0
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return int(os.read(handle, 32).strip() or b"0")
    else:
        return 0  # nobody holds it: what is written there is from an agent that is gone
    finally:
        os.close(handle)


@contextmanager
def _only_agent(paths: HomePaths) -> Iterator[None]:
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    handle = os.open(paths.agent_lock, flags, 0o600)
    try:
        _take(handle)
        os.ftruncate(handle, 0)
        os.write(handle, str(os.getpid()).encode("ascii"))
        yield
        os.ftruncate(handle, 0)
    finally:
        os.close(handle)


def _take(handle: int) -> None:
    deadline = time.monotonic() + LOCK_PATIENCE_SECONDS
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise BusyError(
                    "Deskbound is running already.", "See `deskbound status`."
                ) from None
            time.sleep(0.02)
        else:
            return


def main() -> int:
    """Run the agent that ``start`` put in the background; its passphrase is on standard input."""
    home = Path(sys.argv[sys.argv.index("--home") + 1])
    keep_memory_private()
    passphrase = sys.stdin.buffer.readline().rstrip(b"\n").decode("utf-8")
    try:
        run_agent(HomePaths(home), passphrase, capture="--no-capture" not in sys.argv)
    except DeskboundError as error:
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
