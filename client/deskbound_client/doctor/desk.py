"""Looks at the desktop session: what input can be captured from it, and what it can show."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from Xlib import X

from deskbound_client.capture.display import connect, find_display
from deskbound_client.doctor.finding import Finding, note, ok, warn
from deskbound_client.doctor.session_bus import SessionBus
from deskbound_strategies.errors import DeskboundError

_NOTIFICATIONS = "org.freedesktop.Notifications"
_TRAYS = ("org.kde.StatusNotifierWatcher",)
_A11Y = "org.a11y.Bus"


def check_display(environ: Mapping[str, str]) -> Finding:
    """There is an X display that input can be captured from."""
    try:
        name = find_display(environ)
    except DeskboundError as error:
        return warn("display", error.sentence, error.mend)
    if not name.startswith((":", "unix:")):
        return warn(
            "display",
            "The display is on another machine or forwarded; its input crosses a network.",
            "Run Deskbound in a session of this machine.",
        )
    return ok("display", "The X display answers and tells of input (RECORD, MIT-SCREEN-SAVER).")


def check_window_manager(environ: Mapping[str, str]) -> Finding:
    """The window manager says which window is active; otherwise everything stays closed."""
    name = "window-manager"
    connection = _connect(environ)
    if connection is None:
        return note(name, "Not known while no X display answers.")
    with suppress(Exception):
        atom = connection.intern_atom("_NET_SUPPORTED")
        wanted = connection.intern_atom("_NET_ACTIVE_WINDOW")
        found = connection.screen().root.get_full_property(atom, X.AnyPropertyType)
        told = found is not None and wanted in found.value
        connection.close()
        if told:
            return ok(name, "The window manager says which window is active.")
    return warn(
        name,
        "No window manager says which window is active, so nothing can be captured.",
        "Run one that knows _NET_ACTIVE_WINDOW, as every common desktop does.",
    )


def check_tray(environ: Mapping[str, str], bus: SessionBus) -> Finding:
    """A tray would show the icon; it is never the only sign."""
    if any(bus.has(name) for name in _TRAYS) or _has_tray(environ):
        return ok("tray", "There is a tray for the icon.")
    return note("tray", "There is no tray for an icon; `deskbound status` tells the same.")


def _has_tray(environ: Mapping[str, str]) -> bool:
    connection = _connect(environ)
    if connection is None:
        return False
    with suppress(Exception):
        atom = connection.intern_atom(f"_NET_SYSTEM_TRAY_S{connection.get_default_screen()}")
        owner = connection.get_selection_owner(atom)
        connection.close()
        return bool(owner != X.NONE)
    return False


def _connect(environ: Mapping[str, str]) -> Any:
    """Return a connection to the X display, None where there is none to capture from."""
    try:
        return connect(find_display(environ))
    except Exception:  # noqa: BLE001 - python-xlib raises many kinds, all of which mean this
        return None


def check_notifications(bus: SessionBus) -> Finding:
    """Something can show a notification when capture begins."""
    if bus.has(_NOTIFICATIONS) or bus.could_have(_NOTIFICATIONS):
        return ok("notifications", "The desktop shows notifications.")
    return note(
        "notifications",
        "Nothing shows notifications here, so none tells you when capture begins.",
        "`deskbound status` always does.",
    )


def check_accessibility(bus: SessionBus) -> Finding:
    """Password fields can be told from others; where not, browsers stay closed for keys."""
    asked = bus.property_of(_A11Y, "/org/a11y/bus", "org.a11y.Status", "IsEnabled")
    if asked is True:
        return ok("accessibility", "Accessibility is on: password fields can be recognised.")
    return note(
        "accessibility",
        "Accessibility is off: no keys are kept in browsers, and nothing at all in Chromium's kin.",
        "Switch on assistive technologies in your desktop's settings.",
    )
