"""Keys: from a key code to a class, a command key or a shortcut, and nothing else.

The layout is turned into a table once; the table knows "letter", "digit", "symbol", the 32 command
keys and the modifiers, so that inside the callback no character ever comes into being. The one
place where a letter has a name is a shortcut (ctrl+c), and those are a closed list.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from deskbound_strategies.observations import KeyPressed
from deskbound_strategies.vocabulary import KEYS, SHORTCUTS

SHIFT, CAPS, CONTROL = 1 << 0, 1 << 1, 1 << 2  # fixed by the X protocol
KEY_PRESS, KEY_RELEASE = 2, 3
_GROUP_SHIFT, _GROUP_MASK = 13, 3  # where XKB puts the layout's number into the state

CHARACTERS = ("letter", "digit", "symbol")
_ARROWS = ("left", "right", "up", "down")
_KNOWN_KEYS = frozenset(KEYS)
_KNOWN_SHORTCUTS = frozenset(SHORTCUTS)

# X key symbols of the command keys (X11/keysymdef.h, XF86keysym.h), and of the same on a keypad.
_NAMED = {
    0xFF0D: "enter", 0xFF8D: "enter", 0xFF09: "tab", 0xFE20: "tab", 0xFF89: "tab",
    0x0020: "space", 0x00A0: "space", 0xFF80: "space", 0xFF08: "backspace",
    0xFFFF: "delete", 0xFF9F: "delete", 0xFF1B: "escape", 0xFF63: "insert", 0xFF9E: "insert",
    0xFF67: "menu", 0xFF51: "left", 0xFF96: "left", 0xFF52: "up", 0xFF97: "up",
    0xFF53: "right", 0xFF98: "right", 0xFF54: "down", 0xFF99: "down",
    0xFF50: "home", 0xFF95: "home", 0xFF57: "end", 0xFF9C: "end",
    0xFF55: "page-up", 0xFF9A: "page-up", 0xFF56: "page-down", 0xFF9B: "page-down",
    0xFF61: "print-screen", 0xFF15: "print-screen",
    0x1008FF11: "volume", 0x1008FF12: "volume", 0x1008FF13: "volume",
    0x1008FF14: "media", 0x1008FF15: "media", 0x1008FF16: "media", 0x1008FF17: "media",
    0x1008FF31: "media", 0x1008FF02: "brightness", 0x1008FF03: "brightness",
    **{0xFFBE + i: f"f{i + 1}" for i in range(12)},
}  # fmt: skip

# Modifiers by key symbol. They are never recorded; they decide what a shortcut is called.
_MODIFIERS = {
    0xFFE9: "alt", 0xFFEA: "alt", 0xFFE7: "alt", 0xFFE8: "alt",
    0xFFEB: "super", 0xFFEC: "super", 0xFFED: "super", 0xFFEE: "super",
    0xFF7F: "num-lock", 0xFE03: "level3", 0xFF7E: "level3", 0xFE11: "level3",
}  # fmt: skip
_KEYPAD_DIGITS = range(0xFFB0, 0xFFBA)
_KEYPAD_SYMBOLS = frozenset((0xFFAA, 0xFFAB, 0xFFAC, 0xFFAD, 0xFFAE, 0xFFAF, 0xFFBD))
_DEAD_KEYS = range(0xFE50, 0xFE94)
_DEFAULT_MASKS = {"alt": 1 << 3, "super": 1 << 6, "num-lock": 1 << 4, "level3": 1 << 7}


@dataclass(frozen=True, slots=True)
class _Key:
    """What one key can mean: by layout group and shift level, and as part of a shortcut."""

    levels: tuple[str, ...] = ()
    shortcut: str = ""  # "a".."z", "digit", "plus", "minus", "symbol" or a command key
    keypad: bool = False
    modifier: str = ""


@dataclass(frozen=True, slots=True)
class Keymap:
    """A keyboard layout reduced to classes; made anew when the layout changes.

    Attributes:
        keys: what each key code can mean.
        masks: the state bit of each modifier that is not fixed by the protocol.
    """

    keys: dict[int, _Key] = field(default_factory=dict)
    masks: dict[str, int] = field(default_factory=lambda: dict(_DEFAULT_MASKS))


def make_keymap(
    first_code: int, symbols: Sequence[Sequence[int]], modifiers: Sequence[Sequence[int]]
) -> Keymap:
    """Reduce a layout as the X server describes it.

    Args:
        first_code: the key code of the first row of ``symbols``.
        symbols: per key code its key symbols: group 1 plain and shifted, group 2 the same, ...
        modifiers: per modifier (shift, lock, control, mod1 .. mod5) its key codes.
    """
    keys = {first_code + row: _key(own) for row, own in enumerate(symbols) if any(own)}
    masks = dict(_DEFAULT_MASKS)
    for position, codes in enumerate(modifiers):
        for code in codes:
            name = keys[code].modifier if code in keys else ""
            if name in masks and position > 2:
                masks[name] = 1 << position
    return Keymap(keys, masks)


def _key(symbols: Sequence[int]) -> _Key:
    classes = tuple(_class_of(symbol) for symbol in symbols[:6])
    keypad = len(symbols) > 1 and (symbols[1] in _KEYPAD_DIGITS or symbols[1] == 0xFFAE)
    latin = next((chr(s | 0x20) for s in symbols if 0x41 <= s | 0x20 <= 0x7A and s < 0x7B), "")
    first = classes[0] if classes else ""
    shortcut = {"letter": latin or "symbol", "symbol": _sign(symbols)}.get(first, first)
    return _Key(classes, shortcut, keypad, _MODIFIERS.get(symbols[0], ""))


def _sign(symbols: Sequence[int]) -> str:
    # "=" counts as plus: zooming in is ctrl and that key on most layouts.
    if {0x2B, 0x3D, 0xFFAB}.intersection(symbols[:2]):
        return "plus"
    return "minus" if {0x2D, 0xFFAD}.intersection(symbols[:2]) else "symbol"


def _class_of(symbol: int) -> str:
    if symbol in _NAMED:
        return _NAMED[symbol]
    if 0x30 <= symbol <= 0x39 or symbol in _KEYPAD_DIGITS:
        return "digit"
    if symbol in _KEYPAD_SYMBOLS or symbol in _DEAD_KEYS or symbol == 0x20AC:
        return "symbol"
    if 0x21 <= symbol <= 0xFF or 0x01000100 <= symbol <= 0x0110FFFF:
        return "letter" if chr(symbol & 0x00FFFFFF).isalpha() else "symbol"
    # Older symbols of other alphabets (Latin 2 up to Hangul): all but a few are letters.
    return "letter" if 0x0100 < symbol < 0x2000 else ""


class KeyDecoder:
    """Turns key events into observations; remembers only which keys are down.

    A key that repeats by itself counts once. ``forget`` empties what is remembered, and is called
    whenever events were not looked at.
    """

    def __init__(self, keymap: Keymap) -> None:
        self.keymap = keymap
        self._down: set[int] = set()
        self._lone_super = False

    def forget(self) -> None:
        """Forget which keys are down."""
        self._down.clear()
        self._lone_super = False

    def decode(self, kind: int, code: int, state: int, t_ms: int) -> KeyPressed | None:
        """Return what a key event means, or None when it has no word."""
        key = self.keymap.keys.get(code)
        if kind == KEY_RELEASE:
            self._down.discard(code)
            tapped = self._lone_super and key is not None and key.modifier == "super"
            self._lone_super = False
            return KeyPressed(t_ms, "super+tap", "shortcut") if tapped else None
        if code in self._down:
            return None
        self._down.add(code)
        self._lone_super = key is not None and key.modifier == "super"
        return None if key is None or key.modifier else self._pressed(key, state, t_ms)

    def _pressed(self, key: _Key, state: int, t_ms: int) -> KeyPressed | None:
        masks = self.keymap.masks
        held = frozenset(
            name
            for name, mask in (
                ("ctrl", CONTROL), ("alt", masks["alt"]), ("super", masks["super"]),
            )
            if state & mask
        )  # fmt: skip
        name = _at_level(key, state, masks)
        if held:
            return _shortcut(held, bool(state & SHIFT), key.shortcut, t_ms)
        if name in CHARACTERS:
            return KeyPressed(t_ms, name, "character")
        if name not in _KNOWN_KEYS:
            return None
        if state & SHIFT and name != "space":
            return KeyPressed(t_ms, _with_shift(name), "shortcut")
        return KeyPressed(t_ms, name, "key")


def _at_level(key: _Key, state: int, masks: dict[str, int]) -> str:
    shifted = bool(state & SHIFT)
    if key.keypad and state & masks["num-lock"]:
        shifted = not shifted
    group = state >> _GROUP_SHIFT & _GROUP_MASK
    # Core key symbols hold two groups of two levels, then the third level of each.
    wanted = 2 * min(group, 1) + shifted
    if state & masks["level3"]:
        wanted = 4 + shifted
    for index in (wanted, wanted & ~1, wanted & 1, 0):
        if index < len(key.levels) and key.levels[index]:
            return key.levels[index]
    return ""


def _with_shift(name: str) -> str:
    if name in _ARROWS:
        return "shift+arrow"
    if name[0] == "f" and name[1:].isdigit():
        return "shift+function"
    wanted = f"shift+{name}"
    return wanted if wanted in _KNOWN_SHORTCUTS else "shift+other"


def _shortcut(held: frozenset[str], shift: bool, key: str, t_ms: int) -> KeyPressed | None:  # noqa: FBT001
    if not key:
        return None
    candidates: tuple[str, ...]
    if "super" in held:
        candidates = (f"super+{_kind_of(key)}", "super+other")
    elif held == {"ctrl", "alt"}:
        candidates = ("ctrl+alt+other",)
    elif "alt" in held:
        candidates = (f"alt+{key}", f"alt+{_kind_of(key)}", "alt+other")
    elif shift:
        candidates = (f"ctrl+shift+{key}", f"ctrl+shift+{_kind_of(key)}", "ctrl+shift+other")
    else:
        candidates = (f"ctrl+{key}", f"ctrl+{_kind_of(key)}", "other")
    name = next((word for word in candidates if word in _KNOWN_SHORTCUTS), "other")
    return KeyPressed(t_ms, name, "shortcut")


def _kind_of(key: str) -> str:
    if len(key) == 1:
        return "letter"
    if key in _ARROWS:
        return "arrow"
    return "function" if key[0] == "f" and key[1:].isdigit() else key
