"""A window that shows canaries in every way a program can: title, text on the screen, clipboard."""

from Xlib import X, Xatom
from Xlib import display as xdisplay
from Xlib.protocol import event


class Pad:
    """One window of a program that calls itself an editor, with connections of its own.

    A second connection plays the program that pastes: it asks for the clipboard, so that the text
    really travels through the X server.
    """

    def __init__(self, display_name: str) -> None:
        self._own = xdisplay.Display(display_name)
        self._paster = xdisplay.Display(display_name)
        self._screen = self._own.screen()
        self._window = self._screen.root.create_window(
            60, 60, 900, 500, 0, self._screen.root_depth,
            background_pixel=self._screen.white_pixel, event_mask=X.StructureNotifyMask,
        )  # fmt: skip
        self._window.set_wm_class("xedit", "Xedit")
        self._window.set_wm_name("pad")
        self._ink = self._window.create_gc(
            foreground=self._screen.black_pixel, background=self._screen.white_pixel
        )
        self._target = self._paster.screen().root.create_window(
            -2, -2, 1, 1, 0, X.CopyFromParent, window_class=X.InputOnly
        )
        self._window.map()
        self._own.sync()
        self.number = int(self._window.id)

    def title(self, text: str) -> None:
        """Put a text into both titles that X knows."""
        self._window.set_wm_name(text)
        self._window.change_property(
            self._own.intern_atom("_NET_WM_NAME"),
            self._own.intern_atom("UTF8_STRING"), 8, text.encode(),
        )  # fmt: skip
        self._own.sync()

    def draw(self, lines: list[str]) -> None:
        """Write lines of text all over the window."""
        self._window.clear_area()
        for row, line in enumerate(lines):
            self._window.image_text(self._ink, 4, 16 + 16 * row, line.encode())
        self._own.sync()

    def copy_and_paste(self, text: str) -> bytes:
        """Own the clipboard with a text, let it be pasted once, and return what arrived."""
        clipboard = self._own.intern_atom("CLIPBOARD")
        self._window.set_selection_owner(clipboard, X.CurrentTime)
        self._window.set_selection_owner(Xatom.PRIMARY, X.CurrentTime)
        self._own.sync()
        place = self._paster.intern_atom("PASTED")
        self._target.convert_selection(
            self._paster.intern_atom("CLIPBOARD"), Xatom.STRING, place, X.CurrentTime
        )
        self._paster.sync()
        self._answer(text)
        self._own.sync()
        self._paster.sync()
        return bytes(self._target.get_full_property(place, X.AnyPropertyType).value)

    def _answer(self, text: str) -> None:
        while True:
            asked = self._own.next_event()
            if asked.type != X.SelectionRequest:
                continue
            asked.requestor.change_property(asked.property, Xatom.STRING, 8, text.encode())
            asked.requestor.send_event(
                event.SelectionNotify(
                    time=asked.time, requestor=asked.requestor, selection=asked.selection,
                    target=asked.target, property=asked.property,
                )
            )  # fmt: skip
            return

    def close(self) -> None:
        """Close the window and both connections."""
        self._window.destroy()
        self._own.close()
        self._paster.close()
