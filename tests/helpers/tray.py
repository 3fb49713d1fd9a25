"""A system tray for tests: owns the tray's selection and takes icons in, as XEMBED asks."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from Xlib import X
from Xlib import display as xdisplay
from Xlib.protocol import event

SIDE = 48


@dataclass
class TrayManager:
    """What a tray holds.

    Attributes:
        icons: numbers of the windows that were taken in.
        place: where the tray's window is, in points of the screen.
    """

    icons: list[int] = field(default_factory=list)
    place: tuple[int, int] = (0, 0)


@contextmanager
def tray_manager(display_name: str) -> Iterator[TrayManager]:
    """Be the tray of a display."""
    connection = xdisplay.Display(display_name)
    screen = connection.screen()
    found = TrayManager()
    window = screen.root.create_window(
        0, 0, SIDE, SIDE, 0, screen.root_depth, override_redirect=True,
        event_mask=X.StructureNotifyMask | X.SubstructureNotifyMask,
    )  # fmt: skip
    window.map()
    selection = connection.intern_atom(f"_NET_SYSTEM_TRAY_S{connection.get_default_screen()}")
    opcode = connection.intern_atom("_NET_SYSTEM_TRAY_OPCODE")
    window.set_selection_owner(selection, X.CurrentTime)
    told = event.ClientMessage(
        window=screen.root,
        client_type=connection.intern_atom("MANAGER"),
        data=(32, [X.CurrentTime, selection, window.id, 0, 0]),
    )
    screen.root.send_event(told, event_mask=X.StructureNotifyMask)
    connection.sync()
    stopping = threading.Event()

    def serve() -> None:
        while not stopping.wait(0.02):
            while connection.pending_events():
                got = connection.next_event()
                if got.type == X.ClientMessage and got.client_type == opcode:
                    icon = connection.create_resource_object("window", got.data[1][2])
                    icon.reparent(window, 0, 0)
                    icon.configure(width=SIDE, height=SIDE)
                    icon.map()
                    connection.sync()
                    found.icons.append(int(icon.id))

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield found
    finally:
        stopping.set()
        thread.join()
        with suppress(Exception):
            window.destroy()
            connection.close()
