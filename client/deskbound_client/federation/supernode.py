"""The SuperNode of this laptop: how it is started, what its log may say, what its failures mean.

It is Flower's own program and the only lasting process with a network. It never sees the vault:
its command line and environment hold no secret, and all it gets to send is what the executor hands
over. Nothing in this file connects to anything: the agent, which holds the passphrase, imports it.
"""

import os
import re
import secrets
import sys
from enum import StrEnum
from pathlib import Path

from deskbound_client.federation.join import Server
from deskbound_client.paths import HomePaths
from deskbound_client.store.files import replace_private
from deskbound_strategies.errors import (
    DeskboundError,
    RevokedError,
    UnreachableError,
    UntrustedServerError,
)

LOOPBACK = "127.0.0.1"
SECRET_BYTES = 32

# Nothing else of our environment reaches the SuperNode: no proxy, no other FLWR_ switch.
_KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "SYSTEMROOT", "VIRTUAL_ENV")


def command(server: Server, paths: HomePaths, port: int) -> list[str]:
    """Return the SuperNode's command line.

    Args:
        server: the one this laptop joined.
        paths: of its home.
        port: of the runtime API, on loopback.
    """
    program = Path(sys.executable).with_name("flower-supernode")
    return [
        str(program),
        "--superlink", server.superlink,
        "--root-certificates", str(paths.ca),
        "--auth-supernode-private-key", str(paths.node_key),
        "--isolation", "process",
        "--host", LOOPBACK,
        "--port", str(port),
        "--superexec-auth-secret-file", str(paths.superexec_secret),
    ]  # fmt: skip


def environment(paths: HomePaths) -> dict[str, str]:
    """Return the SuperNode's whole environment: no telemetry, no update check, its own folder."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return kept | {
        "HOME": str(paths.flwr),
        "FLWR_HOME": str(paths.flwr),
        "FLWR_TELEMETRY_ENABLED": "0",
        "FLWR_DISABLE_UPDATE_CHECK": "1",
        "FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION": "1",
        "NO_PROXY": "*",
        "PYTHONUNBUFFERED": "1",
    }


def fresh_secret(paths: HomePaths) -> None:
    """Make a new secret between SuperNode and executor, for one start of the agent."""
    replace_private(paths.superexec_secret, secrets.token_bytes(SECRET_BYTES))


# --- what its log may say -------------------------------------------------------------------

_LEVEL = re.compile(r"\b(DEBUG|INFO|WARNING|WARN|ERROR|CRITICAL)\b")
_EXIT = re.compile(r"Exit Code: (\d{1,4})")
_CODE = re.compile(r"\[code: (\d{1,4})\]")
_EVENTS = (
    ("SuperNode ID", "connected"),
    ("Receiving:", "message-received"),
    ("Sent successfully", "reply-sent"),
    ("Failed to send", "reply-not-sent"),
    ("Failed to receive", "message-not-received"),
    ("Giving up reconnection", "connection-lost"),
    ("CERTIFICATE_VERIFY_FAILED", "certificate-not-trusted"),
    ("terminated gracefully", "stopped"),
)


def scrub(line: str) -> str:
    """Return what may be kept of a line of the SuperNode's log: its level and a code, or nothing.

    Lines hold run numbers, addresses and texts of exceptions; none of them is kept.
    """
    if found := _EXIT.search(line):
        return f"exit-{found[1]}"
    if found := _CODE.search(line):
        return f"superlink-{found[1]}"
    for phrase, event in _EVENTS:
        if phrase in line:
            return event
    level = _LEVEL.search(line)
    return f"{level[1].lower()}" if level and level[1] in ("ERROR", "CRITICAL") else ""


# --- what its failures mean -----------------------------------------------------------------


class Finding(StrEnum):
    """What can come out of looking for the SuperLink; see ``probe.py``."""

    REACHED = "reached"
    UNREACHABLE = "unreachable"
    UNTRUSTED = "untrusted"


def meaning(finding: Finding, server: Server) -> DeskboundError | None:
    """Return what is wrong with the way to the SuperLink, in words for a person, if anything is."""
    match finding:
        case Finding.UNTRUSTED:
            return UntrustedServerError(
                f"What answers at {server.superlink} is not vouched for by the authority "
                "you joined.",
                "Do not go on from this network; ask the operator whether the server has moved.",
            )
        case Finding.UNREACHABLE:
            return UnreachableError(
                f"The SuperLink at {server.superlink} does not answer.",
                "Check the network; Deskbound keeps trying by itself.",
            )
        case Finding.REACHED:
            return None


def not_let_in(server: Server) -> RevokedError:
    """Return the error of a laptop whose key the SuperLink does not accept.

    Flower gives one answer to a key it does not know and to a laptop it still counts as online,
    so for a minute after a crash this can be a false alarm; the sentence says so.
    """
    return RevokedError(
        f"The SuperLink at {server.superlink} does not let this laptop in.",
        "After a crash this passes within two minutes; otherwise give the operator "
        "server/node.pub of your home folder to enroll it.",
    )
