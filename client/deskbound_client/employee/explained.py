"""One stored row, column by column: what is in it, what that means, and why it is kept.

This is all there is of a row. A test holds the columns against those of the day file, so that none
can be added without being explained.
"""

from dataclasses import dataclass

from deskbound_client.capture.signals import STREAMS, Signal
from deskbound_client.employee.stored import SOURCES, Hit
from deskbound_client.employee.words import clock, words_of
from deskbound_client.store.rows import THUMB_COLUMNS, THUMB_ROWS, StoredAction, StoredThumb
from deskbound_strategies.vocabulary import APPS

SIXTEENTHS = 16


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a row.

    Attributes:
        name: as in the day file (docs/data-inventory.md).
        value: exactly what is stored.
        words: what that means.
        why: why it is kept.
        stream: the signal that must be agreed to for it; empty where every row needs it.
    """

    name: str
    value: str
    words: str
    why: str
    stream: str = ""


def columns_of(hit: Hit) -> tuple[Column, ...]:
    """Return every column of a row, in the order in which it is stored."""
    row = hit.row
    return _of_picture(hit, row) if isinstance(row, StoredThumb) else _of_action(hit, row)


def signal_of(hit: Hit) -> Signal | None:
    """Return the declared signal that a row belongs to; None for one of no signal."""
    return next((signal for signal in STREAMS if signal.name == hit.stream), None)


def _of_action(hit: Hit, row: StoredAction) -> tuple[Column, ...]:
    known = row.bucket == 0
    return (
        *_when(hit, row),
        Column(
            "token", str(row.token), words_of(row.token),
            "What the shared model learns from: one of the published words.", hit.stream,
        ),
        Column("app", str(row.app), APPS[row.app], "Its kind of application.", "windows"),
        Column(
            "bucket", str(row.bucket),
            "not needed: the kind is known" if known else "one program whose name is not kept",
            "Tells unknown programs apart on this laptop; it means nothing elsewhere.", "windows",
        ),
        Column(
            "gap", str(row.gap), hit.pause or "not kept", "The pause before it, in eight bins.",
            "rhythm",
        ),
        Column(
            "stream", str(row.stream), hit.stream or "none",
            "Which agreement it was kept under, so that it can be forgotten with it.",
        ),
        Column("fx", str(row.fx), _part(row.fx, "across"), "Where in the window.", "pointer"),
        Column("fy", str(row.fy), _part(row.fy, "down"), "Where in the window.", "pointer"),
        _source(hit),
    )  # fmt: skip


def _of_picture(hit: Hit, row: StoredThumb) -> tuple[Column, ...]:
    points = f"{THUMB_COLUMNS} x {THUMB_ROWS} points of sixteen greys"
    return (
        *_when(hit, row),
        Column("app", str(row.app), APPS[row.app], "The kind of application it shows.", "windows"),
        Column(
            "pixels", f"{len(row.pixels):,} bytes", f"{points}, exactly as shown here",
            "Which layout comes before which step.", "screen",
        ),
        _source(hit),
    )  # fmt: skip


def _when(hit: Hit, row: StoredAction | StoredThumb) -> tuple[Column, ...]:
    return (
        Column("id", str(hit.id), "its number in the file of its day", "The order of things."),
        Column("at", str(row.at), clock(row.at), "When, in whole seconds; nothing finer is kept."),
        Column(
            "mono", str(row.mono_s), "seconds since this laptop was started",
            "Keeps the order when the clock is set.",
        ),
        Column(
            "boot", str(row.boot), "which start of this laptop those seconds count from",
            "The same.",
        ),
    )  # fmt: skip


def _source(hit: Hit) -> Column:
    return Column(
        "source", str(hit.row.source), SOURCES[hit.row.source],
        "Keeps what was made up or imported apart from what you did.",
    )  # fmt: skip


def _part(place: int, way: str) -> str:
    return "not kept" if place < 0 else f"{place + 1} of {SIXTEENTHS} {way}"
