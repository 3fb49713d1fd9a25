"""The tap: one thread that is told of input events by the X server (RECORD extension).

Why not a pynput listener here: its callbacks carry no event time, it builds an object with the
character for every key, it stops only after seconds, and one exception ends it without a word.
This thread reads the 32 raw bytes of each event, hands on six numbers, and asks the server for
nothing but the range of events its stream needs: with only ``pointer`` consented to, key events
never reach this process.
"""

import contextlib
import struct
import threading
from collections.abc import Callable
from typing import NamedTuple

from Xlib import display as xdisplay
from Xlib.ext import record

from deskbound_client.capture.display import connect

# type, detail, (sequence), time, (root, event, child), root_x, root_y, (event_x, event_y), state
_EVENT = struct.Struct("=BB2xI12xhh4xH2x")


class InputEvent(NamedTuple):
    """Six numbers of an input event of the core protocol; lives inside one callback."""

    kind: int
    code: int
    time: int
    x: int
    y: int
    state: int


Handler = Callable[[InputEvent], None]


class Tap(threading.Thread):
    """Calls ``handle`` for every event of a range of types.

    The handler runs in this thread. If it fails, the event is dropped, the tap ends and counts a
    fault; whoever watches starts a new one. Nothing about the event or the exception is kept.

    Args:
        name: name of the stream, for the thread.
        display_name: the X display to listen to.
        events: first and last event type of the core protocol.
        handle: receives each event.
    """

    def __init__(
        self, name: str, display_name: str, events: tuple[int, int], handle: Handler
    ) -> None:
        super().__init__(name=f"tap-{name}", daemon=True)
        self.faults = 0
        self.ready = threading.Event()
        self._display_name = display_name
        self._events = events
        self._handle = handle
        self._stopping = False
        self._switch: xdisplay.Display | None = None
        self._context = 0

    def run(self) -> None:
        """Listen until ``stop``, a fault, or the end of the display."""
        listening: xdisplay.Display | None = None
        try:
            listening = connect(self._display_name)
            self._switch = connect(self._display_name)
            self._context = self._switch.record_create_context(
                0, [record.AllClients], [_range_of(self._events)]
            )
            self._switch.sync()
            listening.record_enable_context(self._context, self._receive)
        except Exception:  # noqa: BLE001 - the display went away; its words are not looked at
            self.faults += not self._stopping
        finally:
            self.ready.set()
            for connection in (self._switch, listening):
                if connection is not None:
                    with contextlib.suppress(Exception):
                        connection.close()

    def stop(self) -> None:
        """End the tap; it hands on nothing more once this returns."""
        self._stopping = True
        switch = self._switch
        if switch is not None and self.is_alive():
            with contextlib.suppress(Exception):
                switch.record_disable_context(self._context)
                switch.flush()

    def _receive(self, reply: object) -> None:
        category = getattr(reply, "category", None)
        if category == record.StartOfData:
            self.ready.set()
        if category != record.FromServer or self._stopping:
            return
        data: bytes = getattr(reply, "data", b"")
        try:
            for at in range(0, len(data) - _EVENT.size + 1, _EVENT.size):
                self._handle(InputEvent._make(_EVENT.unpack_from(data, at)))
        except Exception:  # noqa: BLE001 - could quote the event; python-xlib would hang on it
            self.faults += 1
            self.stop()


def _range_of(events: tuple[int, int]) -> dict[str, object]:
    return {
        "core_requests": (0, 0),
        "core_replies": (0, 0),
        "ext_requests": (0, 0, 0, 0),
        "ext_replies": (0, 0, 0, 0),
        "delivered_events": (0, 0),
        "device_events": events,
        "errors": (0, 0),
        "client_started": False,
        "client_died": False,
    }
