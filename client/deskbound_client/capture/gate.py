"""May this be read at all? Pure: a few small conditions over a snapshot of the situation.

The control word and the stream's consent are asked first; then every condition in ``CONDITIONS``
must find nothing against it. Each condition answers with a reason to stay closed or with None, and
what is not known is a reason. Conditions to come (private window, password field, schedule, remote
session) are one more field of ``Context`` and one more function in the tuple.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from deskbound_client.capture.signals import SCREEN

Rectangle = tuple[int, int, int, int]  # x, y, width, height in pixels of the whole screen

PLACES = 16  # a position inside the active window is kept in sixteenths


class Reason(StrEnum):
    """Why the gate is closed, or that it is open."""

    OPEN = "open"
    PAUSED = "paused"
    NO_CONSENT = "no-consent"
    UNKNOWN = "unknown"
    LOCKED = "locked"
    IDLE = "idle"
    EXCLUDED = "excluded"


@dataclass(frozen=True, slots=True)
class Context:
    """What is known of the situation at one moment; swapped as a whole, never changed.

    Attributes:
        known: whether there is an active window whose application could be told.
        app: index into ``APPS`` of its category.
        bucket: salted number of an application that has no category, else 0.
        excluded: the employee excluded it.
        locked: the screen is locked or blank; None if that cannot be told.
        idle: nobody has touched keyboard or pointer for a while; None if that cannot be told.
        window: the active window's rectangle, or None.
        number: the X server's number of that window; says nothing about what it is.
        screen: width and height of the whole screen in pixels.
    """

    known: bool = False
    app: int = 0
    bucket: int = 0
    excluded: bool = True
    locked: bool | None = None
    idle: bool | None = None
    window: Rectangle | None = None
    number: int = 0
    screen: tuple[int, int] = (0, 0)

    def place(self, x: float, y: float) -> tuple[int, int]:
        """Return the position of a screen fraction inside the window, or (-1, -1) outside it."""
        if self.window is None:
            return -1, -1
        left, top, width, height = self.window
        across = (x * self.screen[0] - left) / max(width, 1)
        down = (y * self.screen[1] - top) / max(height, 1)
        if not (0 <= across < 1 and 0 <= down < 1):
            return -1, -1
        return int(across * PLACES), int(down * PLACES)


NOTHING_KNOWN = Context()

Condition = Callable[[Context, int], Reason | None]


def _known(context: Context, _stream: int) -> Reason | None:
    return None if context.known and context.locked is not None else Reason.UNKNOWN


def _unlocked(context: Context, _stream: int) -> Reason | None:
    return Reason.LOCKED if context.locked else None


def _not_excluded(context: Context, _stream: int) -> Reason | None:
    return Reason.EXCLUDED if context.excluded else None


def _not_idle(context: Context, stream: int) -> Reason | None:
    # Input ends idleness by itself; only what is read without anybody's doing must wait for it.
    if stream != SCREEN:
        return None
    return Reason.UNKNOWN if context.idle is None else Reason.IDLE if context.idle else None


CONDITIONS: tuple[Condition, ...] = (_known, _unlocked, _not_excluded, _not_idle)


def verdict(word: int, streams: int, stream: int, context: Context) -> Reason:
    """Say whether ``stream`` may be read now.

    Args:
        word: the control word, read before anything else.
        streams: mask of the streams consented to.
        stream: bit of the stream asked for.
        context: the situation at the moment of the event.
    """
    if word & 1:
        return Reason.PAUSED
    if not streams & stream:
        return Reason.NO_CONSENT
    for condition in CONDITIONS:
        reason = condition(context, stream)
        if reason is not None:
            return reason
    return Reason.OPEN
