"""Is there a display that input can be captured from? Said in one sentence where there is not."""

import contextlib
import os
import socket
import struct
from collections.abc import Mapping

from Xlib import display as xdisplay

from deskbound_strategies.errors import NoDisplayError, WaylandError

_PEER = struct.Struct("3i")  # process, user and group of who answers
_SYSTEM = 0  # most display managers run the server as root
_NEEDED = ("RECORD", "MIT-SCREEN-SAVER")


def find_display(environ: Mapping[str, str]) -> str:
    """Return the name of the X display to capture from.

    Args:
        environ: the environment of the process.

    Raises:
        WaylandError: the session is Wayland, where no program may see another's input.
        NoDisplayError: there is no X display on this machine, it does not answer, or it lacks an
            extension.
    """
    if environ.get("XDG_SESSION_TYPE") == "wayland" or environ.get("WAYLAND_DISPLAY"):
        raise WaylandError(
            "This session runs under Wayland, where input cannot be captured.",
            "Log in with an X11 (Xorg) session; nothing is captured until then.",
        )
    name = environ.get("DISPLAY", "")
    if not name:
        raise NoDisplayError(
            "There is no X display: DISPLAY is not set.",
            "Start capture from a desktop session, or set DISPLAY to its display.",
        )
    if name.partition(":")[0] not in ("", "unix"):
        raise NoDisplayError(
            f"The X display {name[:60]} is reached over the network, and capture has none.",
            "Set DISPLAY to the display of this machine, such as :0.",
        )
    _check(name)
    return name


def connect(name: str) -> xdisplay.Display:
    """Connect to an X display; to one of this machine only through a socket of its own.

    When the server is gone, any user may listen in its place: on the local port that python-xlib
    would try next, or on the socket itself. Such a server could invent input, so it must be ours or
    the system's.

    Raises:
        NoDisplayError: somebody else's program answers in the name of the display.
    """
    connection = xdisplay.Display(by_socket(name))
    own = connection.display.socket
    if own.family == socket.AF_UNIX and hasattr(socket, "SO_PEERCRED"):
        _, uid, _ = _PEER.unpack(own.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
        if uid not in (_SYSTEM, os.geteuid()):
            connection.close()
            raise NoDisplayError(
                f"The X display {name} belongs to another user of this machine.",
                "Log in to the desktop yourself, and set DISPLAY to its display.",
            )
    return connection


def by_socket(name: str) -> str:
    """Return a display's name such that every library asks a socket of this machine, never a port.

    For ``:0`` alone they all try a port of TCP next, where any user may listen.
    """
    return f"unix{name}" if name.startswith(":") else name


def _check(name: str) -> None:
    try:
        connection = connect(name)
    except NoDisplayError:
        raise
    except Exception:  # noqa: BLE001 - python-xlib raises many kinds, all of which mean this
        raise NoDisplayError(
            f"The X display {name} does not answer.",
            "Check that DISPLAY names the running session and that you may connect to it.",
        ) from None
    missing = [wanted for wanted in _NEEDED if not connection.has_extension(wanted)]
    with contextlib.suppress(Exception):
        connection.close()
    if missing:
        raise NoDisplayError(
            f"The X display {name} lacks the extension {missing[0]}.",
            "Use an X server that has it, such as Xorg.",
        )
