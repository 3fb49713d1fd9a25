"""Thumbnails that nobody can read: 64 x 36 cells of 16 greys for a whole monitor.

Only the active window is looked at; the rest of the monitor is black, so a private window beside it
is never imaged. A cell of a full HD monitor averages 30 x 30 pixels, several letters. Monitors so
small that single letters would fill cells are not pictured at all.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from deskbound_client.capture.display import by_socket
from deskbound_client.capture.gate import Rectangle
from deskbound_client.store.rows import THUMB_COLUMNS, THUMB_ROWS

CELL_PIXELS = 16  # a cell is at least this wide and high
SMALLEST = (THUMB_COLUMNS * CELL_PIXELS, THUMB_ROWS * CELL_PIXELS)


def monitor_of(window: Rectangle, monitors: Sequence[Rectangle]) -> Rectangle | None:
    """Return the monitor that holds the middle of a window, None if none does."""
    x, y = window[0] + window[2] // 2, window[1] + window[3] // 2
    for left, top, width, height in monitors:
        if left <= x < left + width and top <= y < top + height:
            return left, top, width, height
    return None


def visible_part(window: Rectangle, monitor: Rectangle) -> Rectangle | None:
    """Return the part of a window that lies on a monitor, None if there is none."""
    left, top = max(window[0], monitor[0]), max(window[1], monitor[1])
    right = min(window[0] + window[2], monitor[0] + monitor[2])
    bottom = min(window[1] + window[3], monitor[1] + monitor[3])
    return (left, top, right - left, bottom - top) if right > left and bottom > top else None


def reduce_picture(bgra: bytes, part: Rectangle, monitor: Rectangle) -> bytes:
    """Average the pixels of a part of a monitor into packed cells, black elsewhere.

    Args:
        bgra: four bytes per pixel of the part, row by row.
        part: where on the screen the pixels are from.
        monitor: the monitor that the cells divide.

    Returns:
        ``THUMB_BYTES`` bytes: two cells a byte, the left one in the upper half.
    """
    from PIL import Image  # noqa: PLC0415 - loaded only by those who consent to pictures

    size = (part[2], part[3])
    grey = Image.frombytes("RGB", size, bgra, "raw", "BGRX").convert("L")
    whole = Image.new("L", (monitor[2], monitor[3]))
    whole.paste(grey, (part[0] - monitor[0], part[1] - monitor[1]))
    cells = whole.resize((THUMB_COLUMNS, THUMB_ROWS), Image.Resampling.BOX).tobytes()
    return bytes(
        (cells[i] & 0xF0) | (cells[i + 1] >> 4) for i in range(0, THUMB_COLUMNS * THUMB_ROWS, 2)
    )


class Camera:
    """Takes thumbnails of one display. The pixels never leave ``take``.

    Args:
        display_name: the X display.
    """

    def __init__(self, display_name: str) -> None:
        self._display_name = display_name

    def take(self, window: Rectangle) -> bytes | None:
        """Return the thumbnail of a window on its monitor, None if that must not be pictured.

        Monitors come, go and change their size: each picture asks anew which there are. A display
        that does not answer as it should gives no picture.
        """
        import mss  # noqa: PLC0415 - loaded only by those who consent to pictures

        try:
            with mss.MSS(display=by_socket(self._display_name)) as grabber:
                return _picture(grabber, window)
        except mss.ScreenShotError:
            return None


def _picture(grabber: Any, window: Rectangle) -> bytes | None:
    monitors = [_rectangle(found) for found in grabber.monitors[1:]]
    monitor = monitor_of(window, monitors)
    if monitor is None or monitor[2] < SMALLEST[0] or monitor[3] < SMALLEST[1]:
        return None
    part = visible_part(window, monitor)
    if part is None:
        return None
    left, top, width, height = part
    shot = grabber.grab({"left": left, "top": top, "width": width, "height": height})
    return reduce_picture(bytes(shot.bgra), part, monitor)


def _rectangle(found: Mapping[str, int]) -> Rectangle:
    return found["left"], found["top"], found["width"], found["height"]
