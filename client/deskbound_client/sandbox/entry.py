"""How a process that holds the vault enters its sandbox: what stays outside, then the door."""

import ctypes.util
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from socket import socket

from deskbound_client.config import SANDBOX_REQUIRED, Config
from deskbound_client.paths import HomePaths
from deskbound_client.sandbox import policy, report
from deskbound_client.sandbox.confine import confine
from deskbound_client.sandbox.doorman import post
from deskbound_client.store.files import make_private_folder
from deskbound_client.store.keystore import KeyringKeystore, Keystore, entry_of

# What mss looks for when the first thumbnail is taken; looking means to run a program.
_OF_THUMBNAILS = (
    "X11", "Xfixes", "Xrandr", "xcb", "xcb-randr", "xcb-render", "xcb-shm", "xcb-xfixes",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Inside:
    """What a process has in its hands once it is confined.

    Attributes:
        keystore: the system's keystore through the doorman; None where the vault's key lies in the
            home, or there is no doorman.
        port: of loopback, where the SuperNode is to offer its runtime API; 0 for capture.
        dial: gives a connection to it; None where this process may connect itself.
    """

    keystore: Keystore | None = None
    port: int = 0
    dial: Callable[[], socket] | None = None


def enter(role: str, paths: HomePaths, config: Config) -> Inside:
    """Confine this process as ``capture`` or ``executor`` for good, and write down how far.

    Call it in the process's only thread, before anything is read that a stranger made.

    Raises:
        SandboxError: the sandbox is required and this system has none.
    """
    required = config.sandbox == SANDBOX_REQUIRED
    trains = role == "executor"
    rights = policy.executor(paths) if trains else policy.capture(paths, os.environ)
    address = _address() if trains else None
    port = 0 if address is None else address[1]
    _own_scratch(paths.scratch(role))
    if sys.platform != "linux":
        report.write(paths, role, confine(rights, required=required))
        return Inside(port=port)
    entry = entry_of(paths.home)
    kept = (lambda: KeyringKeystore(entry)) if entry else None
    door = post(kept, address) if trains or kept else None
    if not trains:
        _remember_libraries()
    report.write(paths, role, confine(rights, required=required))
    return Inside(
        keystore=door if entry else None,
        port=port,
        dial=door.dial if door is not None and trains else None,
    )


def _address() -> tuple[str, int]:
    # Certificates come along with it, which capture would carry for nothing.
    from deskbound_client.federation import ports  # noqa: PLC0415

    return ports.LOOPBACK, ports.free_port()


def _own_scratch(folder: Path) -> None:
    """Give this process a folder of its own for temporary files, empty: torch asks for one."""
    shutil.rmtree(folder, ignore_errors=True)
    make_private_folder(folder)
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder)


def _remember_libraries() -> None:
    """Ask now where libraries are: to find one later, Python would start a program."""
    found = {name: ctypes.util.find_library(name) for name in _OF_THUMBNAILS}
    ctypes.util.find_library = found.get  # type: ignore[assignment]
