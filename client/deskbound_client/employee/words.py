"""Says stored values in plain words, for people who never heard of a token."""

import math
from datetime import date, datetime

from deskbound_strategies.vocabulary import (
    APPS,
    CELL_COLUMNS,
    CELL_ROWS,
    FAMILY,
    KEY_ARGUMENTS,
    TOKENS,
    Family,
    Kind,
)

_CLICKS = {
    Kind.CLICK: "clicked",
    Kind.DOUBLE_CLICK: "double-clicked",
    Kind.RIGHT_CLICK: "right-clicked",
    Kind.MIDDLE_CLICK: "middle-clicked",
    Kind.DRAG: "dragged from",
}
_SCROLLS = {
    Kind.SCROLL_UP: "scrolled up",
    Kind.SCROLL_DOWN: "scrolled down",
    Kind.SCROLL_SIDEWAYS: "scrolled sideways",
}
DAYS_OF_A_WEEK = 7
_ACROSS = ("left", "centre", "right")
_DOWN = ("top", "middle", "bottom")


def words_of(token: int) -> str:
    """Return what a token means, e.g. ``typed letters, 4-7 keys`` or ``clicked top left``."""
    found = TOKENS[token]
    family = FAMILY[found.kind]
    if family is Family.CELL:
        return f"{_CLICKS[found.kind]} {_place(found.argument)}"
    if family is Family.NONE:
        return _SCROLLS[found.kind]
    if family is Family.APP:
        return f"switched to {APPS[found.argument]}"
    name = KEY_ARGUMENTS[found.argument]
    if found.kind is Kind.TYPE:
        sort, length = name.split("/")
        return f"typed {sort}, {length} keys" if length != "1" else f"typed {sort}, 1 key"
    return f"pressed {name}"


def _place(cell: int) -> str:
    column, row = cell % CELL_COLUMNS, cell // CELL_COLUMNS
    down = _DOWN[row * len(_DOWN) // CELL_ROWS]
    return f"{down} {_ACROSS[column * len(_ACROSS) // CELL_COLUMNS]} (cell {column},{row})"


def clock(at: int) -> str:
    """Return the local time of a stored second, e.g. ``14:03:27``."""
    return datetime.fromtimestamp(at).astimezone().strftime("%H:%M:%S")


def hour(at: int) -> str:
    """Return the local day and hour of a stored second, e.g. ``20 Nov 2026, 14 h``."""
    return f"{datetime.fromtimestamp(at).astimezone():%-d %b %Y, %-H h}"


def moment(at: int) -> str:
    """Return the local date and minute of a stored second, e.g. ``20 November 2026, 14:03``."""
    return datetime.fromtimestamp(at).astimezone().strftime("%-d %B %Y, %H:%M")


def long_day(day: date) -> str:
    """Return a date as people say it, e.g. ``Friday 20 November``."""
    return f"{day:%A %-d %B}"


def sentence(text: str) -> str:
    """Return words with a capital letter before them."""
    return text[:1].upper() + text[1:]


def until(at: float, now: float) -> str:
    """Return when something ends, with as much of the date as it takes to be clear.

    Args:
        at: Unix seconds of the end.
        now: Unix seconds.
    """
    end, present = (datetime.fromtimestamp(each).astimezone() for each in (at, now))
    days = (end.date() - present.date()).days
    if days == 0:
        return f"{end:%H:%M}"
    return f"{end:%H:%M on %A}" if 0 < days < DAYS_OF_A_WEEK else f"{end:%H:%M on %-d %B %Y}"


def counted(count: int, noun: str) -> str:
    """Return a number of things, e.g. ``1 picture`` or ``2,000 pictures``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def size(count: int) -> str:
    """Return a number of bytes as people read it."""
    if count < 1_000:
        return f"{count} bytes"
    return f"{count / 1_000:,.1f} kB" if count < 1_000_000 else f"{count / 1_000_000:,.1f} MB"


def sure(epsilon: float) -> str:
    """Return how sure of one unit somebody gets, at most, who held it for as likely as not.

    Rounded up: it is said to people as the most there is.

    Args:
        epsilon: what was given away about a unit, at most.
    """
    share = 100 / (1 + math.exp(-epsilon))
    shown = math.ceil(share) if share < 99 else math.ceil(share * 1_000) / 1_000
    return f"{shown:g} %"
