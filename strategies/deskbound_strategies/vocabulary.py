"""The published vocabulary: every value that may ever be kept of what a person does.

It is closed, public and independent of any data. Input that has no word here becomes a coarser
word or nothing; there is no word for a character, a name or a title. ``VOCABULARY_HASH`` travels in
every round contract, so a laptop and a server that would read an action differently never train
together.

An action is described twice, once for the store and once for the model:

* ``Action``: what a day file keeps (one row per gesture, times in whole seconds);
* ``token``: its index in ``TOKENS``, the joint label the model predicts. A token is a *kind* and
  an *argument*; kinds share four argument families (key, cell, app, none): the model's heads.
"""

import hashlib
from dataclasses import dataclass
from enum import IntEnum

from deskbound_strategies.canonical import canonical_bytes

VOCABULARY_VERSION = 1

CELL_COLUMNS, CELL_ROWS = 8, 6
CELLS = CELL_COLUMNS * CELL_ROWS

# Upper bounds in milliseconds of the bins a pause between two actions falls into. Eight bins: fine
# enough to tell a burst from a thought, too coarse to recognise a typist (docs/privacy.md).
GAP_BOUNDS_MS = (250, 500, 1_000, 2_000, 5_000, 15_000, 60_000)
GAPS = len(GAP_BOUNDS_MS) + 1
GAP_UNKNOWN = GAPS  # the rhythm stream is off, or there was no earlier action

# Upper bounds of how many keystrokes a typing burst holds.
BURST_BOUNDS = (1, 3, 7, 15, 31)
BURST_LENGTHS = len(BURST_BOUNDS) + 1

BURST_CLASSES = ("letters", "digits", "mixed")

APPS = (
    "browser", "mail", "calendar", "chat", "meeting", "terminal", "editor", "writer",
    "spreadsheet", "slides", "reader", "notes", "files", "design", "image", "video",
    "music", "database", "crm", "finance", "hr", "ticketing", "wiki", "remote",
    "virtual-machine", "monitoring", "settings", "launcher", "screenshot", "translator", "map",
    "cad", "statistics", "calculator", "clock", "archive", "print", "store", "game", "other",
)  # fmt: skip
APP_OTHER = APPS.index("other")

KEYS = (
    "enter", "tab", "space", "backspace", "delete", "escape", "insert", "menu",
    "left", "right", "up", "down", "home", "end", "page-up", "page-down",
    "f1", "f2", "f3", "f4", "f5", "f6", "f7", "f8", "f9", "f10", "f11", "f12",
    "print-screen", "volume", "media", "brightness",
)  # fmt: skip


def _shortcuts() -> tuple[str, ...]:
    control = [f"ctrl+{key}" for key in "abcdefghijklmnopqrstuvwxyz"]
    control += [f"ctrl+{key}" for key in ("digit", "plus", "minus", "symbol")]
    control += [
        f"ctrl+{key}"
        for key in ("enter", "tab", "space", "backspace", "delete", "home", "end", "page-up",
                    "page-down", "left", "right", "up", "down", "function")
    ]  # fmt: skip
    shift = [f"ctrl+shift+{key}" for key in "acefiknoprstvwz"]
    shift += ["ctrl+shift+tab", "ctrl+shift+arrow", "ctrl+shift+home", "ctrl+shift+end"]
    shift += ["ctrl+shift+other"]
    alt = [f"alt+{key}" for key in ("tab", "f4", "left", "right", "up", "down", "enter")]
    alt += ["alt+letter", "alt+digit", "alt+function", "alt+other", "ctrl+alt+other"]
    select = [f"shift+{key}" for key in ("tab", "enter", "arrow", "home", "end", "delete")]
    select += ["shift+function", "shift+other"]
    system = [f"super+{key}" for key in ("tap", "letter", "digit", "arrow", "other")]
    return (*control, *shift, *alt, *select, *system, "other")


SHORTCUTS = _shortcuts()


class Kind(IntEnum):
    """What sort of gesture an action is."""

    TYPE = 0
    KEY = 1
    SHORTCUT = 2
    CLICK = 3
    DOUBLE_CLICK = 4
    RIGHT_CLICK = 5
    MIDDLE_CLICK = 6
    DRAG = 7
    SCROLL_UP = 8
    SCROLL_DOWN = 9
    SCROLL_SIDEWAYS = 10
    SWITCH = 11


class Family(IntEnum):
    """Which head of the model names a kind's argument."""

    KEY = 0  # typing bursts, single keys and shortcuts
    CELL = 1  # where on the screen, an 8 x 6 grid
    APP = 2  # which category of application
    NONE = 3  # the kind says it all


FAMILY = {
    Kind.TYPE: Family.KEY, Kind.KEY: Family.KEY, Kind.SHORTCUT: Family.KEY,
    Kind.CLICK: Family.CELL, Kind.DOUBLE_CLICK: Family.CELL, Kind.RIGHT_CLICK: Family.CELL,
    Kind.MIDDLE_CLICK: Family.CELL, Kind.DRAG: Family.CELL,
    Kind.SCROLL_UP: Family.NONE, Kind.SCROLL_DOWN: Family.NONE, Kind.SCROLL_SIDEWAYS: Family.NONE,
    Kind.SWITCH: Family.APP,
}  # fmt: skip

_LENGTHS = ("1", "2-3", "4-7", "8-15", "16-31", "32+")
_BURSTS = tuple(f"{kind}/{length}" for kind in BURST_CLASSES for length in _LENGTHS)
KEY_ARGUMENTS = (*_BURSTS, *KEYS, *SHORTCUTS)
FAMILY_SIZES = {
    Family.KEY: len(KEY_ARGUMENTS),
    Family.CELL: CELLS,
    Family.APP: len(APPS),
    Family.NONE: 1,
}


@dataclass(frozen=True, slots=True)
class Token:
    """One joint label: its kind, its index within the kind's argument family, and its name."""

    kind: Kind
    argument: int
    name: str


def _tokens() -> tuple[Token, ...]:
    bursts, keys = len(_BURSTS), len(KEYS)
    spans = {
        Kind.TYPE: (range(bursts), KEY_ARGUMENTS),
        Kind.KEY: (range(bursts, bursts + keys), KEY_ARGUMENTS),
        Kind.SHORTCUT: (range(bursts + keys, len(KEY_ARGUMENTS)), KEY_ARGUMENTS),
        Kind.SWITCH: (range(len(APPS)), APPS),
    }
    cells = tuple(f"{i % CELL_COLUMNS},{i // CELL_COLUMNS}" for i in range(CELLS))
    found: list[Token] = []
    for kind in Kind:
        word = kind.name.lower().replace("_", "-")
        if FAMILY[kind] is Family.CELL:
            found += [Token(kind, i, f"{word}@{cells[i]}") for i in range(CELLS)]
        elif FAMILY[kind] is Family.NONE:
            found.append(Token(kind, 0, word))
        else:
            span, names = spans[kind]
            found += [Token(kind, i, f"{word}:{names[i]}") for i in span]
    return tuple(found)


TOKENS = _tokens()
TOKEN_INDEX = {(token.kind, token.argument): index for index, token in enumerate(TOKENS)}


@dataclass(frozen=True, slots=True)
class Action:
    """One gesture as a day file keeps it and the model reads it.

    Attributes:
        token: index into ``TOKENS``.
        app: index into ``APPS`` of the active application's category.
        gap: bin of the pause since the previous action, or ``GAP_UNKNOWN``.
        at: wall clock, whole Unix seconds.
    """

    token: int
    app: int
    gap: int
    at: int


def token_of(kind: Kind, argument: int = 0) -> int:
    """Return the token of a kind and an index into its argument family.

    Raises:
        KeyError: when the kind has no such argument.
    """
    return TOKEN_INDEX[kind, argument]


def burst_argument(burst_class: str, length: int) -> int:
    """Return the key-family argument of a typing burst of ``length`` >= 1 keystrokes."""
    length_bin = sum(length > bound for bound in BURST_BOUNDS)
    return BURST_CLASSES.index(burst_class) * BURST_LENGTHS + length_bin


def key_argument(key: str) -> int:
    """Return the key-family argument of a single key in ``KEYS``."""
    return len(_BURSTS) + KEYS.index(key)


def shortcut_argument(shortcut: str) -> int:
    """Return the key-family argument of a shortcut; one that is not listed becomes ``other``."""
    known = shortcut if shortcut in SHORTCUTS else "other"
    return len(_BURSTS) + len(KEYS) + SHORTCUTS.index(known)


def cell_at(x: float, y: float) -> int:
    """Return the cell of a point given as fractions of the screen; outside is clamped inside."""
    column = min(max(int(x * CELL_COLUMNS), 0), CELL_COLUMNS - 1)
    row = min(max(int(y * CELL_ROWS), 0), CELL_ROWS - 1)
    return row * CELL_COLUMNS + column


def gap_bin(milliseconds: float) -> int:
    """Return the bin of a pause; negative pauses (a clock set back) count as the shortest."""
    return sum(milliseconds > bound for bound in GAP_BOUNDS_MS)


def _published() -> dict[str, object]:
    return {
        "version": VOCABULARY_VERSION,
        "tokens": [token.name for token in TOKENS],
        "apps": list(APPS),
        "gap_bounds_ms": list(GAP_BOUNDS_MS),
        "families": {family.name.lower(): size for family, size in FAMILY_SIZES.items()},
    }


VOCABULARY_HASH = hashlib.sha256(canonical_bytes(_published())).hexdigest()
