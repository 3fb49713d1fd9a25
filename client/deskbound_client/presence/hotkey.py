"""The hotkey: keys that pause at once, whatever window is in front. They never resume.

The X server gives the keys to this process alone; no other key reaches it. Pausing goes straight
to the control word, which every process reads before it looks at anything.
"""

import select
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from Xlib import X
from Xlib import display as xdisplay
from Xlib import error as xerror

from deskbound_client.presence.keys import Combination, codes_of, lock_masks
from deskbound_strategies.errors import BusyError, DeskboundError, NotFoundError

_LOOK_SECONDS = 0.5


class Hotkey(threading.Thread):
    """Waits for the keys.

    Args:
        display_name: of the X display.
        wanted: the keys.
        pressed: called in this thread at each press.
    """

    def __init__(self, display_name: str, wanted: Combination, pressed: Callable[[], None]) -> None:
        super().__init__(name="hotkey", daemon=True)
        self._display_name = display_name
        self._wanted = wanted
        self._pressed = pressed
        self._stopping = threading.Event()
        self._connection: Any = None
        self._held: tuple[int, ...] = ()
        self.trouble: DeskboundError | None = None

    def take(self) -> None:
        """Ask the X server for the keys; call it before ``start``.

        Raises:
            BusyError: when another program has them.
            NotFoundError: when there is no display, or no such key on its keyboard.
        """
        try:
            self._connection = xdisplay.Display(self._display_name)
        except Exception:  # noqa: BLE001 - python-xlib raises many kinds, all of which mean this
            raise _no_display() from None
        try:
            self._grab()
        except DeskboundError:
            self._close()
            raise

    def run(self) -> None:
        """Wait until ``stop`` or the end of the display."""
        try:
            while not self._stopping.is_set():
                if not self._connection.pending_events():
                    select.select([self._connection], [], [], _LOOK_SECONDS)
                while self._connection.pending_events():
                    self._take_in(self._connection.next_event())
        except DeskboundError as error:
            self.trouble = error
        except Exception:  # noqa: BLE001 - the display went away; its words are not looked at
            self.trouble = _no_display()
        finally:
            self._close()

    def stop(self) -> None:
        """Give the keys back within a moment."""
        self._stopping.set()

    def _take_in(self, event: Any) -> None:
        if event.type == X.KeyPress:
            self._pressed()
        elif event.type == X.MappingNotify:
            # The layout changed: the same symbol may lie on another key now.
            self._connection.refresh_keyboard_mapping(event)
            self._release()
            self._grab()

    def _grab(self) -> None:
        root = self._connection.screen().root
        self._held = codes_of(self._connection, self._wanted.keysym)
        if not self._held:
            raise NotFoundError(
                "The keyboard layout has no key for the hotkey.",
                "Set hotkey in config.toml to keys of this layout.",
            )
        refused = xerror.CatchError(xerror.BadAccess)
        for code in self._held:
            for locks in lock_masks(self._connection):
                root.grab_key(
                    code,
                    self._wanted.modifiers | locks,
                    False,  # noqa: FBT003 - owner_events, by its place in the protocol
                    X.GrabModeAsync,
                    X.GrabModeAsync,
                    onerror=refused,
                )
        self._connection.sync()
        if refused.get_error():
            self._release()
            raise BusyError(
                "Another program has taken the keys of the hotkey.",
                "Set hotkey in config.toml to other keys, or free them there.",
            )

    def _release(self) -> None:
        root = self._connection.screen().root
        for code in self._held:
            root.ungrab_key(code, X.AnyModifier)
        self._held = ()
        self._connection.sync()

    def _close(self) -> None:
        with suppress(Exception):  # the server frees the keys of a connection that ends
            self._connection.close()


def _no_display() -> NotFoundError:
    return NotFoundError(
        "The display does not answer, so there is no hotkey.",
        "Nothing needs doing if there is no desktop; `deskbound pause` works anywhere.",
    )
