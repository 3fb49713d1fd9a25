"""Runs Deskbound's own commands, as a person would type them, and reads what they print."""

import json
import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BIN = Path(sys.executable).parent


class CommandFailedError(Exception):
    """A Deskbound command left with an error; the message is what it printed."""


def run(program: str, *arguments: str, env: dict[str, str] | None = None) -> str:
    """Run a command to its end and return what it printed.

    Raises:
        CommandFailedError: the exit code was not 0.
    """
    done = subprocess.run(
        [BIN / program, *arguments],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "120", **(env or {})},
        check=False,
    )
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()
        raise CommandFailedError(f"{program} {' '.join(arguments)}\n{said}")
    return done.stdout


def free_port() -> int:
    """Return a port of loopback that is free at this moment."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@dataclass(frozen=True, slots=True)
class Laptop:
    """One employee's laptop: a folder, and the ``deskbound`` command working in it."""

    name: str
    persona: str
    home: Path
    display: str | None = None

    def deskbound(self, *arguments: str) -> str:
        """Run ``deskbound`` on this laptop; a laptop without a display has none to capture."""
        env = {"DISPLAY": self.display or "", "WAYLAND_DISPLAY": "", "XDG_SESSION_TYPE": "x11"}
        return run("deskbound", "--home", str(self.home), *arguments, env=env)

    def ask(self, *arguments: str) -> Any:
        """Run a ``deskbound`` command with ``--json`` and return what it says."""
        return json.loads(self.deskbound(*arguments, "--json"))


@dataclass(frozen=True, slots=True)
class Server:
    """The ML engineer's machine: a folder, and ``deskbound-server`` working in it."""

    home: Path

    def command(self, *arguments: str) -> str:
        """Run ``deskbound-server`` in this folder."""
        return run("deskbound-server", "--home", str(self.home), *arguments)

    def ask(self, *arguments: str) -> Any:
        """Run a ``deskbound-server`` command with ``--json`` and return what it says."""
        return json.loads(self.command(*arguments, "--json"))


@dataclass(frozen=True, slots=True)
class PrivacyTeam:
    """The privacy team's machine: a folder, and ``deskbound-audit`` working on files in it."""

    home: Path

    @property
    def witness(self) -> Path:
        """Where its witness keeps key and copy of the log."""
        return self.home / "witness"

    def audit(self, *arguments: str) -> str:
        """Run ``deskbound-audit``."""
        return run("deskbound-audit", *arguments)

    def watch(self, bundle: Path) -> "subprocess.Popen[bytes]":
        """Start the witness, which follows the log until it is ended."""
        command = ("witness", "run", str(bundle), "--folder", str(self.witness), "--every", "0.3")
        return subprocess.Popen(
            [BIN / "deskbound-audit", *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
