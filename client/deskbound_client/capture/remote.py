"""Is this display shown on another machine? Told by the signs that a session carries.

How Deskbound was started says nothing here: over SSH it may still look at the display of whoever
sits at this desk.
"""

import contextlib
import re
from collections.abc import Mapping
from typing import Any

from jeepney import DBusAddress, Properties, new_method_call
from jeepney.io.blocking import open_dbus_connection

# Set inside sessions that are shown elsewhere.
_MARKS = (
    "XRDP_SESSION", "XRDP_SOCKET_PATH", "X2GO_SESSION", "NX_CLIENT", "NXSESSIONID", "VNCDESKTOP",
    "CHROME_REMOTE_DESKTOP_SESSION", "PCOIP_SESSION",
)  # fmt: skip
_LOCAL_DISPLAY = re.compile(r"(unix)?:\d+(\.\d+)?")
_EXTENSIONS = frozenset({"VNC-EXTENSION", "NX-EXTENSION", "XRDP", "XPRA"})
_MAKERS = ("nomachine", "xrdp", "tigervnc", "tightvnc", "realvnc", "xpra", "nxagent")
_LOGIND = DBusAddress(
    "/org/freedesktop/login1", "org.freedesktop.login1", "org.freedesktop.login1.Manager"
)
_SECONDS = 1.0


def is_remote(
    environment: Mapping[str, str],
    display: str,
    extensions: frozenset[str],
    vendor: str,
    *,
    logind: bool | None,
) -> bool:
    """Return whether any sign says that this display is shown on another machine.

    Args:
        environment: of this process.
        display: the X display's name.
        extensions: names of the X server's extensions.
        vendor: what the X server calls its maker.
        logind: what the login manager says of this display, None if it does not know it.
    """
    return (
        not _LOCAL_DISPLAY.fullmatch(display)
        or any(environment.get(mark) for mark in _MARKS)
        or bool(_EXTENSIONS & extensions)
        or any(maker in vendor.lower() for maker in _MAKERS)
        or bool(logind)
    )


def ask_logind(display: str) -> bool | None:
    """Ask the login manager whether the session on this display is a remote one."""
    try:
        with open_dbus_connection("SYSTEM") as bus:
            found = bus.send_and_get_reply(
                new_method_call(_LOGIND, "ListSessions"), timeout=_SECONDS
            )
            answers = [_session(bus, path) for *_, path in found.body[0]]
    except Exception:  # noqa: BLE001 - no login manager here, or one that says something else
        return None
    wanted = _without_screen(display)
    of_display = [remote for shown, remote in answers if shown == wanted]
    return any(of_display) if of_display else None


def _session(bus: Any, path: str) -> tuple[str, bool]:
    properties = Properties(
        DBusAddress(path, "org.freedesktop.login1", "org.freedesktop.login1.Session")
    )
    with contextlib.suppress(LookupError):
        shown, remote = (
            bus.send_and_get_reply(properties.get(name), timeout=_SECONDS).body[0][1]
            for name in ("Display", "Remote")
        )
        return _without_screen(str(shown)), bool(remote)
    return "", False


def _without_screen(display: str) -> str:
    return display.partition(".")[0]
