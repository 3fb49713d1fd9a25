"""The hotkey: keys that pause at once, whatever window is in front. They never resume.

The X server gives the keys to this process alone; no other key reaches it. Pausing goes straight
to the control word, which every process reads before it looks at anything.
"""

import select
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from Xlib import X
from Xlib import error as xerror

from deskbound_client.capture.display import connect
from deskbound_client.presence.keys import Combination, codes_of, lock_masks
from deskbound_strategies.errors import BusyError, DeskboundError, NotFoundError


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
        self._waker, self._wakes = socket.socketpair()
        self._connection: Any = None
        self._held: set[tuple[int, int]] = set()  # key and what is held beside it
        self.trouble: DeskboundError | None = None

    def take(self) -> None:
        """Ask the X server for the keys; call it before ``start``.

        Raises:
            BusyError: when another program has them.
            NotFoundError: when there is no display, or no such key on its keyboard.
        """
        try:
            self._connection = connect(self._display_name)
        except Exception:  # noqa: BLE001 - python-xlib raises many kinds, all of which mean this
            self._close()
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
                    select.select([self._connection, self._wakes], [], [])
                while self._connection.pending_events():
                    self._take_in(self._connection.next_event())
        except DeskboundError as error:
            self.trouble = error
        except Exception:  # noqa: BLE001 - the display went away; its words are not looked at
            self.trouble = _no_display()
        finally:
            self._close()

    def stop(self) -> None:
        """Give the keys back at once."""
        self._stopping.set()
        self._waker.close()  # ends the wait

    def _take_in(self, event: Any) -> None:
        if event.type == X.KeyPress:
            self._pressed()
        elif event.type == X.MappingNotify:
            # The layout changed, or only the keyboard that is typed on: the same symbol may lie on
            # another key now. What stays is never let go, or a press meanwhile would be lost.
            self._connection.refresh_keyboard_mapping(event)
            self._grab()

    def _grab(self) -> None:
        connection = self._connection
        codes, locks = codes_of(connection, self._wanted.keysym), lock_masks(connection)
        wanted = {(code, self._wanted.modifiers | lock) for code in codes for lock in locks}
        if not wanted:
            raise NotFoundError(
                "The keyboard layout has no key for the hotkey.",
                "Set hotkey in config.toml to keys of this layout.",
            )
        root, refused = connection.screen().root, xerror.CatchError(xerror.BadAccess)
        for code, held in wanted - self._held:
            root.grab_key(code, held, 0, X.GrabModeAsync, X.GrabModeAsync, onerror=refused)
        for code, held in self._held - wanted:
            root.ungrab_key(code, held)
        connection.sync()
        self._held = wanted
        if refused.get_error():
            raise BusyError(
                "Another program has taken the keys of the hotkey.",
                "Set hotkey in config.toml to other keys, or free them there.",
            )

    def _close(self) -> None:
        self._waker.close()
        self._wakes.close()
        with suppress(Exception):  # the server frees the keys of a connection that ends
            self._connection.close()


def _no_display() -> NotFoundError:
    return NotFoundError(
        "The display does not answer, so there is no hotkey.",
        "Nothing needs doing if there is no desktop; `deskbound pause` works anywhere.",
    )
