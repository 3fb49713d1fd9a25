"""The server's two processes, supervised: SuperLink (network) and SuperExec (starts our ServerApp).

Both belong to one supervisor: they are restarted when they die and end when it ends, even when it
is killed. Flower's state is in a file, so a restarted SuperLink still knows runs and laptops.
"""

import os
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from deskbound_server.dispatch import Dispatcher
from deskbound_server.home import (
    HOME_VARIABLE,
    TOKEN_FILE_VARIABLE,
    ServerHome,
    Settings,
    write_private,
)
from deskbound_server.lock import FileLock
from deskbound_server.processes import STOP_SECONDS, Child, signal_group
from deskbound_strategies.errors import BusyError, NotFoundError, UnreachableError

START_SECONDS = 60.0


def environment(home: ServerHome) -> dict[str, str]:
    """Return the environment of every process of this server."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("FLWR_")}
    return kept | {
        HOME_VARIABLE: str(home.root),
        TOKEN_FILE_VARIABLE: str(home.control_token),
        "FLWR_HOME": str(home.flower_home),
        "FLWR_TELEMETRY_ENABLED": "0",
        "FLWR_DISABLE_UPDATE_CHECK": "1",
        "FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION": "1",
        # Flower finds its own programs by name; ours are those beside this interpreter.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
    }


def superlink_command(home: ServerHome, settings: Settings) -> list[str]:
    """Return the command line of the SuperLink."""
    local = settings.host in {"localhost", "127.0.0.1", "::1"}
    return [
        sys.executable, "-P", "-m", "deskbound_server.link",
        "--ssl-ca-certfile", str(home.ca_certificate),
        "--ssl-certfile", str(home.tls_certificate),
        "--ssl-keyfile", str(home.tls_key),
        "--host", "127.0.0.1" if local else "0.0.0.0",  # noqa: S104 - laptops connect from outside
        "--port", str(settings.port),
        "--database", str(home.flower_database),
        "--enable-supernode-auth",
        "--isolation", "process",
        "--superexec-auth-secret-file", str(home.superexec_secret),
        "--disable-runtime-dependency-installation",
    ]  # fmt: skip


def superexec_command(home: ServerHome, settings: Settings) -> list[str]:
    """Return the command line of the SuperExec, which takes ServerApps by the shared secret."""
    return [
        str(Path(sys.executable).parent / "flower-superexec"),
        "--runtime-api-address", f"127.0.0.1:{settings.port}",
        "--root-certificates", str(home.ca_certificate),
        "--superexec-auth-secret-file", str(home.superexec_secret),
        "--parent-pid", str(os.getpid()),
    ]  # fmt: skip


def serve(home: ServerHome, ready: Callable[[], None]) -> None:
    """Run both processes until SIGTERM, SIGINT or Ctrl-C; blocks.

    Args:
        home: of the server.
        ready: called once, when the SuperLink answers.

    Raises:
        BusyError: another supervisor holds this home.
        UnreachableError: the SuperLink did not come up.
    """
    settings = home.settings()
    # A little patience: whoever asks whether a server is up holds the lock for that moment.
    with FileLock(home.run / "up.lock", patience=2.0) as lock:
        if not lock.held:
            raise BusyError("The server is up already.", "Stop it with 'deskbound-server down'.")
        write_private(home.run / "up.pid", str(os.getpid()).encode("ascii"))
        stopping = _stop_on_signals()
        children = [
            Child("superlink", superlink_command(home, settings), environment(home), home.run),
            Child("superexec", superexec_command(home, settings), environment(home), home.run),
        ]
        try:
            _watch(home, children, stopping, ready)
        finally:
            for child in reversed(children):
                child.stop()
            (home.run / "up.pid").unlink(missing_ok=True)


def _watch(
    home: ServerHome, children: list[Child], stopping: list[int], ready: Callable[[], None]
) -> None:
    deadline = time.monotonic() + START_SECONDS
    announced = False
    dispatcher = Dispatcher(home)
    while not stopping:
        now = time.monotonic()
        for child in children[: 2 if announced else 1]:  # SuperExec needs a SuperLink to talk to
            child.tend(now)
        if not announced and answers(home):
            announced = True
            ready()
        if announced:
            dispatcher.tend(now)
        if not announced and now > deadline:
            raise UnreachableError(
                "The SuperLink did not come up.", "Look into run/superlink.log; is the port free?"
            )
        time.sleep(0.2)


def start_detached(home: ServerHome) -> None:
    """Start the supervisor in the background and wait until the SuperLink answers.

    Raises:
        BusyError: it is up already.
        UnreachableError: it did not come up.
    """
    home.check()
    if supervisor_pid(home) is not None:
        raise BusyError("The server is up already.", "Stop it with 'deskbound-server down'.")
    command = [sys.executable, "-P", "-m", "deskbound_server.cli", "--home", str(home.root), "up"]
    with (home.run / "supervisor.log").open("ab") as log:
        process = subprocess.Popen(
            command, env=environment(home), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if answers(home) and supervisor_pid(home) == process.pid:
            return
        time.sleep(0.1)
    signal_group(process.pid, signal.SIGTERM)
    raise UnreachableError(
        "The SuperLink did not come up.", "Look into run/superlink.log; is the port free?"
    )


def stop(home: ServerHome) -> None:
    """Stop a supervisor, wherever it was started, and wait until it is gone.

    Raises:
        NotFoundError: none is running.
        BusyError: it did not end in time.
    """
    home.check()
    process = supervisor_pid(home)
    if process is None:
        raise NotFoundError("The server is not up.", "Start it with 'deskbound-server up'.")
    os.kill(process, signal.SIGTERM)
    deadline = time.monotonic() + 2 * STOP_SECONDS
    while supervisor_pid(home) is not None:
        if time.monotonic() > deadline:
            raise BusyError("The server does not stop.", f"Look at process {process}.")
        time.sleep(0.05)


def supervisor_pid(home: ServerHome) -> int | None:
    """Return the running supervisor's process id; the lock, not the file, says that it runs."""
    with FileLock(home.run / "up.lock") as lock:
        if lock.held:
            return None
    try:
        return int((home.run / "up.pid").read_text("ascii"))
    except (OSError, ValueError):
        return None


def answers(home: ServerHome) -> bool:
    """Return whether our SuperLink answers on its port, under our certificate."""
    trust = ssl.create_default_context(cafile=str(home.ca_certificate))
    url = f"https://127.0.0.1:{home.settings().port}/health"
    try:
        with urllib.request.urlopen(url, timeout=2, context=trust) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError, ValueError):
        return False


def _stop_on_signals() -> list[int]:
    """Collect SIGTERM and SIGINT instead of dying of them; a list that fills is the news."""
    seen: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _: seen.append(received))
    return seen
