"""The icon in the tray, where the extra ``tray`` is installed and the desktop has a tray.

It shows what ``desk_state`` found, never what was meant. A click pauses; only the menu's own entry
resumes, on desktops whose trays have menus. The icon is never the only sign: ``deskbound status``
says the same.

It is a process of its own: the library behind it wants a main thread, and hangs where a tray ends.
"""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from PIL import Image, ImageDraw
from Xlib import X

from deskbound_client.capture.display import connect
from deskbound_client.employee import pausing
from deskbound_client.paths import HomePaths
from deskbound_client.presence.desk import desk_state, line
from deskbound_strategies.errors import DeskboundError, NotFoundError

LOOK_SECONDS = 0.5
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


class Tray:
    """The icon.

    Args:
        paths: of the home.
        display_name: of the X display, where the desktop has one.
    """

    def __init__(self, paths: HomePaths, display_name: str = "") -> None:
        self._paths = paths
        self._display_name = display_name
        self._state = desk_state(paths)

    def run(self, ready: Callable[[], None]) -> None:
        """Show the icon until the tray is gone; call it in the main thread.

        Args:
            ready: called once the icon is shown.

        Raises:
            NotFoundError: when the extra is not installed, or the desktop has no tray.
        """
        try:
            import pystray  # noqa: PLC0415 - optional, and it talks to the display at once
        except Exception:  # noqa: BLE001 - not installed, or no backend works here
            raise NotFoundError(
                "There is no icon: the extra is not installed.",
                "Install deskbound-client[tray], or set tray = false in config.toml.",
            ) from None
        needs_x_tray = pystray.Icon.__module__.endswith("_xorg")
        if needs_x_tray and not has_tray(self._display_name):
            raise no_tray()

        def follow(made: Any) -> None:
            made.visible = True
            if needs_x_tray:
                _hear_clicks(made)
            ready()
            while not needs_x_tray or has_tray(self._display_name):
                time.sleep(LOOK_SECONDS)
                self._show(made)
            os._exit(0)  # the library waits for a window that went with the tray

        self._icon(pystray).run(follow)

    def _icon(self, pystray: Any) -> Any:
        try:
            state = self._state
            return pystray.Icon(
                "deskbound", picture(state.capture), line(state), self._menu(pystray)
            )
        except Exception:  # noqa: BLE001 - the display went away
            raise no_tray() from None

    def _show(self, icon: Any) -> None:
        """Show what is so now."""
        state = desk_state(self._paths)
        if state != self._state:
            self._state = state
            icon.icon, icon.title = picture(state.capture), line(state)
            icon.update_menu()

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
        def act() -> None:
            # The default entry also acts on a click where it is not shown: never in a pause.
            with suppress(DeskboundError):  # a damaged control file reads as paused
                if not pausing.state(self._paths).paused:
                    pausing.pause(self._paths, words)

        return act

    def _resume(self) -> None:
        with suppress(DeskboundError):  # it stays paused, and shows it
            pausing.resume(self._paths)


def _hear_clicks(icon: Any) -> None:
    """Ask the X server for clicks on the icon: pystray 0.19 waits for them and forgets to."""
    with suppress(Exception):  # without clicks it still shows what is so
        mask = X.ExposureMask | X.StructureNotifyMask | X.ButtonPressMask
        icon._window.change_attributes(event_mask=mask)  # noqa: SLF001 - as above
        icon._display.flush()  # noqa: SLF001


def has_tray(display_name: str) -> bool:
    """Return whether an X display has a tray."""
    try:
        connection = connect(display_name or os.environ.get("DISPLAY", ""))
    except Exception:  # noqa: BLE001 - python-xlib raises many kinds, all of which mean this
        return False
    try:
        name = f"_NET_SYSTEM_TRAY_S{connection.get_default_screen()}"
        return bool(connection.get_selection_owner(connection.intern_atom(name)) != X.NONE)
    finally:
        connection.close()


def no_tray() -> NotFoundError:
    """Return the error of a desktop without a tray."""
    return NotFoundError(
        "There is no icon: this desktop has no tray.",
        "Nothing needs doing; `deskbound status` says the same.",
    )
