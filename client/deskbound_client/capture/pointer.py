"""Pointer: presses, releases and scroll steps as fractions of the screen; moves are not asked for.

The X server is never asked to report motion, so a path of the pointer does not even reach this
process.
"""

from typing import Literal

from deskbound_strategies.observations import PointerPressed, PointerReleased, Scrolled

BUTTON_PRESS, BUTTON_RELEASE = 4, 5

_Button = Literal["left", "middle", "right"]
_Direction = Literal["up", "down", "sideways"]
_BUTTONS: dict[int, _Button] = {1: "left", 2: "middle", 3: "right"}
_SCROLLS: dict[int, _Direction] = {4: "up", 5: "down", 6: "sideways", 7: "sideways"}

PointerObservation = PointerPressed | PointerReleased | Scrolled


def decode_pointer(
    kind: int, button: int, position: tuple[int, int], screen: tuple[int, int], t_ms: int
) -> PointerObservation | None:
    """Return what a button event means, or None when it has no word.

    Args:
        kind: ``BUTTON_PRESS`` or ``BUTTON_RELEASE``.
        button: the X server's number of the button; 4 to 7 are the wheel.
        position: pixels from the upper left corner of the whole screen.
        screen: width and height of the whole screen in pixels.
        t_ms: the X server's time of the event.
    """
    if button in _SCROLLS:
        return Scrolled(t_ms, _SCROLLS[button]) if kind == BUTTON_PRESS else None
    if button not in _BUTTONS:
        return None
    x = min(max(position[0] / max(screen[0], 1), 0.0), 1.0)
    y = min(max(position[1] / max(screen[1], 1), 0.0), 1.0)
    if kind == BUTTON_PRESS:
        return PointerPressed(t_ms, _BUTTONS[button], x, y)
    return PointerReleased(t_ms, _BUTTONS[button], x, y)
