"""The words of a hotkey, and what they are to an X server. Pure, but for the keyboard's own map."""

from dataclasses import dataclass
from typing import Any

from Xlib import XK, X

from deskbound_strategies.errors import ConfigError

_MODIFIERS = {
    "ctrl": X.ControlMask,
    "control": X.ControlMask,
    "alt": X.Mod1Mask,
    "shift": X.ShiftMask,
    "super": X.Mod4Mask,
    "win": X.Mod4Mask,
}
_NAMES = {"pause": "Pause", "escape": "Escape", "esc": "Escape", "space": "space"}
_LOCKS = (XK.XK_Num_Lock, XK.XK_Scroll_Lock)


@dataclass(frozen=True, slots=True)
class Combination:
    """A key with what is held beside it.

    Attributes:
        modifiers: mask of the core protocol.
        keysym: of the key.
    """

    modifiers: int
    keysym: int


def parse(text: str) -> Combination:
    """Read ``ctrl+alt+p``.

    Raises:
        ConfigError: when a word is unknown, or a key alone would be taken from every program.
    """
    *held, key = text.lower().replace(" ", "").split("+")
    mask = 0
    for word in held:
        if word not in _MODIFIERS:
            raise _wrong()
        mask |= _MODIFIERS[word]
    name = _NAMES.get(key, key.upper() if key[:1] == "f" and key[1:].isdecimal() else key)
    keysym = int(XK.string_to_keysym(name))
    if not keysym or (len(key) == 1 and not mask & ~X.ShiftMask):
        raise _wrong()
    return Combination(mask, keysym)


def _wrong() -> ConfigError:
    return ConfigError(
        "The setting hotkey does not name keys that could be taken.",
        'Set hotkey in config.toml, for example to "ctrl+alt+p" or "super+pause".',
    )


def lock_masks(connection: Any) -> tuple[int, ...]:
    """Return every combination of the lock keys, which a grab must name one by one."""
    masks = [X.LockMask]
    mapping = connection.get_modifier_mapping()
    for lock in _LOCKS:
        codes = {code for code, _ in connection.keysym_to_keycodes(lock)}
        found = [1 << index for index, row in enumerate(mapping) if codes & set(row)]
        masks += [mask for mask in found if mask not in masks]
    sums = [0]
    for mask in masks:
        sums += [known | mask for known in sums]
    return tuple(sums)


def codes_of(connection: Any, keysym: int) -> tuple[int, ...]:
    """Return the keys that bear this symbol on the present layout."""
    return tuple(sorted({int(code) for code, _ in connection.keysym_to_keycodes(keysym)}))
