"""The icon in the tray, where the extra ``tray`` is installed and the desktop has a tray.

It shows what ``desk_state`` found, never what was meant. A click pauses; only the menu's own entry
resumes, on desktops whose trays have menus. The icon is never the only sign: ``deskbound status``
says the same.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from PIL import Image, ImageDraw
from Xlib import X
from Xlib import display as xdisplay

from deskbound_client.capture.control import Control
from deskbound_client.paths import HomePaths
from deskbound_client.presence.desk import DeskState, line
from deskbound_strategies.errors import DeskboundError, NotFoundError

SIDE = 64  # points; trays scale it
_COLOURS = {
    "on": (22, 128, 61),
    "closed": (120, 150, 130),
    "paused": (180, 110, 0),
    "off": (128, 128, 128),
}
_PAPER = (255, 255, 255)


def picture(capture: str) -> Image.Image:
    """Return the icon: a filled dot while capturing, a ring while not looking, bars in a pause.

    The shapes differ, not the colours alone.
    """
    image = Image.new("RGB", (SIDE, SIDE), _PAPER)
    draw = ImageDraw.Draw(image)
    colour = _COLOURS[capture]
    match capture:
        case "on":
            draw.ellipse((8, 8, 56, 56), fill=colour)
        case "closed":
            draw.ellipse((8, 8, 56, 56), outline=colour, width=9)
        case "paused":
            draw.rectangle((14, 10, 27, 54), fill=colour)
            draw.rectangle((37, 10, 50, 54), fill=colour)
        case _:
            draw.rectangle((10, 27, 54, 37), fill=colour)
    return image


def pause_until(words: str, now: datetime) -> float | None:
    """Return the Unix time at which a pause of the menu ends; None for one without end."""
    match words:
        case "30m":
            return (now + timedelta(minutes=30)).timestamp()
        case "1h":
            return (now + timedelta(hours=1)).timestamp()
        case "today":
            tomorrow = now.date() + timedelta(days=1)
            return datetime(tomorrow.year, tomorrow.month, tomorrow.day).astimezone().timestamp()
    return None


class Tray:
    """The icon; its own thread draws it.

    Args:
        paths: of the home.
        display_name: of the X display, where the desktop has one.
    """

    def __init__(self, paths: HomePaths, display_name: str = "") -> None:
        self._paths = paths
        self._display_name = display_name
        self._icon: Any = None
        self._thread: threading.Thread | None = None
        self._state = DeskState()
        self._needs_x_tray = True

    def check(self) -> None:
        """See that the icon is there; put it there when it is not.

        Raises:
            NotFoundError: when the extra is not installed, or the desktop has no tray.
        """
        if self._icon is not None and self._has_tray():
            return
        self.stop()
        made = self._make()
        self._thread = threading.Thread(target=_run, args=(made,), name="tray", daemon=True)
        self._icon = made
        self._thread.start()

    def show(self, state: DeskState) -> None:
        """Show what is so now."""
        if state == self._state:
            return
        self._state = state
        if self._icon is not None:
            with suppress(Exception):  # the tray went away; ``check`` notices
                self._icon.icon = picture(state.capture)
                self._icon.title = line(state)
                self._icon.update_menu()

    def stop(self) -> None:
        """Take the icon away."""
        icon, self._icon = self._icon, None
        if icon is not None:
            with suppress(Exception):  # a tray that is gone took it along
                icon.stop()
        if self._thread is not None:
            self._thread.join(1.0)
            self._thread = None

    def _make(self) -> Any:
        try:
            import pystray  # noqa: PLC0415 - optional, and it talks to the display at once
        except Exception:  # noqa: BLE001 - not installed, or no backend works here
            raise NotFoundError(
                "There is no icon: the extra is not installed.",
                "Install deskbound-client[tray], or set tray = false in config.toml.",
            ) from None
        self._needs_x_tray = pystray.Icon.__module__.endswith("_xorg")
        if not self._has_tray():
            raise _no_tray()
        try:
            return pystray.Icon(
                "deskbound", picture(self._state.capture), line(self._state), self._menu(pystray)
            )
        except Exception:  # noqa: BLE001 - the display went away
            raise _no_tray() from None

    def _has_tray(self) -> bool:
        if not self._needs_x_tray:
            return True
        try:
            connection = xdisplay.Display(self._display_name or None)
        except Exception:  # noqa: BLE001 - python-xlib raises many kinds, all of which mean this
            return False
        try:
            name = f"_NET_SYSTEM_TRAY_S{connection.get_default_screen()}"
            return bool(connection.get_selection_owner(connection.intern_atom(name)) != X.NONE)
        finally:
            connection.close()

    # --- the menu -------------------------------------------------------------------------

    def _menu(self, pystray: Any) -> Any:
        item, line_between = pystray.MenuItem, pystray.Menu.SEPARATOR

        def running(_: Any) -> bool:
            return self._state.capture != "paused"

        return pystray.Menu(
            item(lambda _: line(self._state), None, enabled=False),
            line_between,
            item("Pause until I resume", self._pausing("forever"), default=True, visible=running),
            item("Pause 30 minutes", self._pausing("30m"), visible=running),
            item("Pause one hour", self._pausing("1h"), visible=running),
            item("Pause for today", self._pausing("today"), visible=running),
            item("Resume", self._resume, visible=lambda _: self._state.capture == "paused"),
            line_between,
            item("Forget, look, decide: run `deskbound ui`", None, enabled=False),
            item("Take this icon away", lambda icon: icon.stop()),
        )

    def _pausing(self, words: str) -> Callable[[], None]:
        def pause() -> None:
            # The default entry also acts on a click where it is not shown: never in a pause.
            if not _open(self._paths, lambda control: control.paused):
                until = pause_until(words, datetime.now().astimezone())
                _open(self._paths, lambda control: control.pause(until))

        return pause

    def _resume(self) -> None:
        _open(self._paths, lambda control: control.resume())


def _open(paths: HomePaths, act: Callable[[Control], Any]) -> Any:
    with suppress(DeskboundError):  # a damaged control file reads as paused
        control = Control.open(paths.control)
        try:
            return act(control)
        finally:
            control.close()
    return None


def _run(icon: Any) -> None:
    with suppress(Exception):  # the display went away; ``check`` notices
        icon.run(lambda made: setattr(made, "visible", True))


def _no_tray() -> NotFoundError:
    return NotFoundError(
        "There is no icon: this desktop has no tray.",
        "Nothing needs doing; `deskbound status` says the same.",
    )
