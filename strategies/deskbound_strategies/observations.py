"""What a capture callback may say: closed values, nothing that was read, typed or shown.

An observation is what is left of an input event after the callback has thrown everything else away:
a character is only *letter*, *digit* or *symbol*, a window is only its application category, a
place is only a fraction of the screen. Constructors refuse a value outside the closed lists, so
nothing richer can enter the queue by mistake.
"""

from dataclasses import dataclass
from typing import Literal

from deskbound_strategies.vocabulary import APPS, KEYS, SHORTCUTS

CharacterClass = Literal["letter", "digit", "symbol"]
CHARACTER_CLASSES: tuple[CharacterClass, ...] = ("letter", "digit", "symbol")

Sort = Literal["character", "key", "shortcut"]
Button = Literal["left", "middle", "right"]
BUTTONS: tuple[Button, ...] = ("left", "middle", "right")
Direction = Literal["up", "down", "sideways"]
DIRECTIONS: tuple[Direction, ...] = ("up", "down", "sideways")

_NAMES: dict[str, frozenset[str]] = {
    "character": frozenset(CHARACTER_CLASSES),
    "key": frozenset(KEYS),
    "shortcut": frozenset(SHORTCUTS),
}


@dataclass(frozen=True, slots=True)
class KeyPressed:
    """A key went down.

    Attributes:
        t_ms: milliseconds on a clock that never goes back (X server time where there is one).
        name: a character class, a word of ``KEYS`` or a word of ``SHORTCUTS``.
        sort: which of the three lists ``name`` is from. The space bar is a key.

    Raises:
        ValueError: when the name is not in the list of its sort.
    """

    t_ms: int
    name: str
    sort: Sort

    def __post_init__(self) -> None:
        if self.name not in _NAMES.get(self.sort, ()):
            raise ValueError("a key has a name from its closed list")


@dataclass(frozen=True, slots=True)
class PointerPressed:
    """A pointer button went down at a fraction (0 to 1) of the screen's width and height.

    Raises:
        ValueError: when the button is not one of ``BUTTONS``.
    """

    t_ms: int
    button: Button
    x: float
    y: float

    def __post_init__(self) -> None:
        _check(self.button, BUTTONS)


@dataclass(frozen=True, slots=True)
class PointerReleased:
    """A pointer button went up at a fraction (0 to 1) of the screen's width and height.

    Raises:
        ValueError: when the button is not one of ``BUTTONS``.
    """

    t_ms: int
    button: Button
    x: float
    y: float

    def __post_init__(self) -> None:
        _check(self.button, BUTTONS)


@dataclass(frozen=True, slots=True)
class Scrolled:
    """The wheel moved by one notch.

    Raises:
        ValueError: when the direction is not one of ``DIRECTIONS``.
    """

    t_ms: int
    direction: Direction

    def __post_init__(self) -> None:
        _check(self.direction, DIRECTIONS)


@dataclass(frozen=True, slots=True)
class AppFocused:
    """Another window became active; ``app`` indexes its category in ``APPS``.

    Raises:
        ValueError: when there is no such category.
    """

    t_ms: int
    app: int

    def __post_init__(self) -> None:
        _check(self.app, range(len(APPS)))


Observation = KeyPressed | PointerPressed | PointerReleased | Scrolled | AppFocused


def _check(value: object, allowed: tuple[str, ...] | range) -> None:
    if value not in allowed:
        raise ValueError("an observation holds only values from closed lists")
