"""Observations in, actions out: a pure state machine that turns key presses into gestures.

One gesture may be open at a time; whatever does not continue it closes it. So actions come out in
the order in which they happened, and none is lost:

* characters (and spaces among them) up to 2 s apart become one typing burst, kept as a class of
  characters and a bin of its length;
* left press and release are a click, or a drag when the pointer moved; two clicks on the same cell
  within 400 ms are a double click;
* wheel notches in one direction less than 1 s apart are one scroll;
* a key or shortcut that repeats itself faster than a finger can is one press.

Closing waits for the next observation, ``settle`` or ``flush``: the encoder has no clock.
"""

from dataclasses import dataclass
from enum import IntEnum

from deskbound_strategies.observations import (
    AppFocused,
    Button,
    KeyPressed,
    Observation,
    PointerPressed,
    PointerReleased,
    Scrolled,
)
from deskbound_strategies.vocabulary import (
    APP_OTHER,
    GAP_UNKNOWN,
    Action,
    Kind,
    burst_argument,
    cell_at,
    gap_bin,
    key_argument,
    shortcut_argument,
    token_of,
)

BURST_PAUSE_MS = 2_000
SCROLL_PAUSE_MS = 1_000
DOUBLE_CLICK_MS = 400
# X11 repeats a held key every 25-40 ms; no finger presses one key faster than about every 70 ms.
REPEAT_MS = 60
# A hand that clicks wanders by a few pixels; 1 % of the screen is about 19 of them on full HD.
DRAG_DISTANCE = 0.01

_SCROLLS = {"up": Kind.SCROLL_UP, "down": Kind.SCROLL_DOWN, "sideways": Kind.SCROLL_SIDEWAYS}
_CLICKS: dict[Button, Kind] = {
    "left": Kind.CLICK,
    "middle": Kind.MIDDLE_CLICK,
    "right": Kind.RIGHT_CLICK,
}


class _Sort(IntEnum):
    BURST = 0
    CLICK = 1
    SCROLL = 2


_PAUSES = {
    _Sort.BURST: BURST_PAUSE_MS,
    _Sort.CLICK: DOUBLE_CLICK_MS,
    _Sort.SCROLL: SCROLL_PAUSE_MS,
}


@dataclass(slots=True)
class _Open:
    """The gesture that may still grow: a burst, a click that may double, or a scroll."""

    sort: _Sort
    kind: Kind
    first: int
    last: int
    at: int
    app: int
    argument: int = 0
    letters: int = 0
    digits: int = 0
    length: int = 0


@dataclass(frozen=True, slots=True)
class _Held:
    """A button that is down."""

    pressed: PointerPressed
    at: int


class Encoder:
    """Turns the observations of one stretch of activity into actions.

    Args:
        rhythm: whether pauses may be kept; without it every gap is ``GAP_UNKNOWN``.
    """

    def __init__(self, *, rhythm: bool = True) -> None:
        self._rhythm = rhythm
        self._reset()

    def _reset(self) -> None:
        self._app = APP_OTHER
        self._open: _Open | None = None
        self._held: _Held | None = None
        self._ended: int | None = None  # when the last action ended
        self._repeat: tuple[str, int] | None = None

    def feed(self, observation: Observation, at: int) -> tuple[Action, ...]:
        """Take one observation; return the actions that it completes, oldest first.

        Args:
            observation: what was seen; times do not go back within a stretch.
            at: wall clock, whole Unix seconds.
        """
        out: list[Action] = []
        match observation:
            case KeyPressed():
                self._key(observation, at, out)
            case PointerPressed():
                self._release(out)
                if not self._may_double(observation):
                    self._close(out)
                self._held = _Held(observation, at)
            case PointerReleased():
                if self._held and self._held.pressed.button == observation.button:
                    self._lift(self._held.pressed, observation, at, out)
            case Scrolled():
                self._scroll(observation, at, out)
            case AppFocused():
                # A press that raises a window has its release after the change: it stays held.
                if self._held is not None:
                    self._held = _Held(self._held.pressed, at)
                self._close(out)
                self._app = observation.app
                self._add(Kind.SWITCH, observation.app, observation.t_ms, at, out)
        if not isinstance(observation, KeyPressed):
            self._repeat = None
        return tuple(out)

    def settle(self, t_ms: int) -> tuple[Action, ...]:
        """Return the open gesture as an action if its time to grow is over at ``t_ms``.

        For a caller with a clock that wants rows on disk while nobody touches the machine.
        """
        out: list[Action] = []
        if self._open is not None and t_ms - self._open.last > _PAUSES[self._open.sort]:
            self._close(out)
        return tuple(out)

    def flush(self, at: int) -> tuple[Action, ...]:
        """End the stretch: return what is open and forget everything, the application included.

        Args:
            at: wall clock, whole Unix seconds; the time of a button that is still down.
        """
        out: list[Action] = []
        if self._held is not None:
            self._held = _Held(self._held.pressed, at)
            self._release(out)
        self._close(out)
        self._reset()
        return tuple(out)

    def _key(self, pressed: KeyPressed, at: int, out: list[Action]) -> None:
        self._release(out)
        if pressed.sort == "character" or (pressed.name == "space" and self._in_burst(pressed)):
            self._repeat = None
            self._grow(pressed, at, out)
            return
        self._close(out)
        before, self._repeat = self._repeat, (pressed.name, pressed.t_ms)
        if before and before[0] == pressed.name and 0 <= pressed.t_ms - before[1] < REPEAT_MS:
            self._ended = pressed.t_ms
            return
        if pressed.sort == "key":
            self._add(Kind.KEY, key_argument(pressed.name), pressed.t_ms, at, out)
        else:
            self._add(Kind.SHORTCUT, shortcut_argument(pressed.name), pressed.t_ms, at, out)

    def _in_burst(self, pressed: KeyPressed) -> bool:
        return self._continues(_Sort.BURST, pressed.t_ms)

    def _continues(self, sort: _Sort, t_ms: int) -> bool:
        gesture = self._open
        if gesture is None or gesture.sort is not sort:
            return False
        return 0 <= t_ms - gesture.last <= _PAUSES[sort]

    def _grow(self, pressed: KeyPressed, at: int, out: list[Action]) -> None:
        burst = self._open
        if burst is None or not self._in_burst(pressed):
            burst = self._start(_Sort.BURST, Kind.TYPE, pressed.t_ms, at, out)
        burst.last = pressed.t_ms
        burst.length += 1
        burst.letters += pressed.name in ("letter", "space")
        burst.digits += pressed.name in ("digit", "space")

    def _scroll(self, scrolled: Scrolled, at: int, out: list[Action]) -> None:
        self._release(out)
        kind = _SCROLLS[scrolled.direction]
        gesture = self._open
        if gesture and gesture.kind is kind and self._continues(_Sort.SCROLL, scrolled.t_ms):
            gesture.last = scrolled.t_ms
            return
        self._start(_Sort.SCROLL, kind, scrolled.t_ms, at, out)

    def _may_double(self, pressed: PointerPressed) -> bool:
        return (
            pressed.button == "left"
            and self._continues(_Sort.CLICK, pressed.t_ms)
            and self._open is not None
            and self._open.argument == cell_at(pressed.x, pressed.y)
        )

    def _lift(
        self, pressed: PointerPressed, released: PointerReleased, at: int, out: list[Action]
    ) -> None:
        self._held = None
        cell = cell_at(pressed.x, pressed.y)
        moved = max(abs(released.x - pressed.x), abs(released.y - pressed.y)) > DRAG_DISTANCE
        if pressed.button != "left" or moved:
            self._close(out)
            kind = Kind.DRAG if pressed.button == "left" else _CLICKS[pressed.button]
            self._add(kind, cell, pressed.t_ms, at, out)
            self._ended = released.t_ms
        elif self._may_double(pressed) and self._open is not None:
            self._open.kind = Kind.DOUBLE_CLICK
            self._open.last = released.t_ms
            self._close(out)
        else:
            click = self._start(_Sort.CLICK, Kind.CLICK, pressed.t_ms, at, out)
            click.argument, click.last = cell, released.t_ms

    def _release(self, out: list[Action]) -> None:
        """Count a button that is still down when something else happens as a click."""
        if self._held is None:
            return
        held, self._held = self._held, None
        pressed = held.pressed
        self._close(out)
        cell = cell_at(pressed.x, pressed.y)
        self._add(_CLICKS[pressed.button], cell, pressed.t_ms, held.at, out)

    def _start(self, sort: _Sort, kind: Kind, t_ms: int, at: int, out: list[Action]) -> _Open:
        self._close(out)
        self._open = _Open(sort, kind, first=t_ms, last=t_ms, at=at, app=self._app)
        return self._open

    def _close(self, out: list[Action]) -> None:
        gesture, self._open = self._open, None
        if gesture is None:
            return
        argument = gesture.argument
        if gesture.sort is _Sort.BURST:
            argument = _burst(gesture)
        token = token_of(gesture.kind, argument)
        out.append(Action(token, gesture.app, self._gap(gesture.first), gesture.at))
        self._ended = gesture.last

    def _add(self, kind: Kind, argument: int, t_ms: int, at: int, out: list[Action]) -> None:
        out.append(Action(token_of(kind, argument), self._app, self._gap(t_ms), at))
        self._ended = t_ms

    def _gap(self, first: int) -> int:
        if not self._rhythm or self._ended is None:
            return GAP_UNKNOWN
        return gap_bin(first - self._ended)


def _burst(gesture: _Open) -> int:
    if gesture.letters == gesture.length:
        name = "letters"
    elif gesture.digits == gesture.length:
        name = "digits"
    else:
        name = "mixed"
    return burst_argument(name, gesture.length)
