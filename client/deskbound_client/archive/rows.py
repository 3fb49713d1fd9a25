"""The lines of an archive: one JSON object a row, strict on the way in.

A line is read only if it has exactly its columns, in their order, each a number within the closed
lists of the vocabulary. ``words`` and ``in`` are there for people; reading drops them unseen, so no
text from a file can come into a vault.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from deskbound_client.capture.signals import STREAMS
from deskbound_client.employee.words import words_of
from deskbound_client.store.rows import GAP_CAUSES, StoredAction, StoredGap, StoredThumb
from deskbound_strategies.vocabulary import APPS, GAP_UNKNOWN, TOKENS

MOST_LINE_BYTES = 4_096
_LAST_SECOND = 253_402_300_799  # of the year 9999: the last one that has a date
_BOOT = 1 << 63
_PEOPLE = ("words", "in")
_MOST_WORDS = 200

_NUMBERS: Mapping[str, tuple[int, int]] = {
    "at": (0, _LAST_SECOND),
    "mono_s": (0, _LAST_SECOND),
    "boot": (-_BOOT, _BOOT - 1),
    "token": (0, len(TOKENS) - 1),
    "app": (0, len(APPS) - 1),
    "bucket": (0, 1 << 16),
    "gap": (0, GAP_UNKNOWN),
    "stream": (0, max(stream.bit for stream in STREAMS)),
    "fx": (-1, 15),
    "fy": (-1, 15),
    "source": (0, 2),
}
_STREAM_BITS = frozenset({0, *(stream.bit for stream in STREAMS)})

ACTION_COLUMNS = (
    "at", "mono_s", "boot", "token", "app", "bucket", "gap", "stream", "fx", "fy", "source",
)  # fmt: skip
THUMB_COLUMNS = ("at", "mono_s", "boot", "app", "source", "pixels")
GAP_COLUMNS = ("started", "ended", "cause")


def action_line(row: StoredAction) -> bytes:
    """Return a gesture as a line, with the numbers as they are stored and what they mean."""
    numbers = ",".join(f'"{name}":{getattr(row, name)}' for name in ACTION_COLUMNS)
    return f"{{{numbers},{_said(row.token, row.app)}}}\n".encode("ascii")


@cache
def _said(token: int, app: int) -> str:
    return f'"words":{json.dumps(words_of(token))},"in":{json.dumps(APPS[app])}'


def thumb_line(row: StoredThumb) -> bytes:
    """Return a picture as a line; its points are base64, two a byte, row by row."""
    numbers = ",".join(f'"{name}":{getattr(row, name)}' for name in THUMB_COLUMNS[:-1])
    return f'{{{numbers},"pixels":"{base64.b64encode(row.pixels).decode()}"}}\n'.encode("ascii")


def gap_line(row: StoredGap) -> bytes:
    """Return a hole as a line."""
    return f'{{"started":{row.started},"ended":{row.ended},"cause":"{row.cause}"}}\n'.encode()


def parse_action(line: bytes) -> StoredAction:
    """Return the gesture of a line.

    Raises:
        ValueError: when the line is anything else; it quotes nothing of it.
    """
    found = _fields(line, (*ACTION_COLUMNS, *_PEOPLE))
    for name in _PEOPLE:
        said = found.pop(name)
        if not isinstance(said, str) or len(said) > _MOST_WORDS:
            raise ValueError("not a row")
    if found["stream"] not in _STREAM_BITS:
        raise ValueError("not a row")
    return StoredAction(**_numbers(found))


def parse_thumb(line: bytes) -> StoredThumb:
    """Return the picture of a line.

    Raises:
        ValueError: as ``parse_action``.
    """
    found = _fields(line, THUMB_COLUMNS)
    pixels = found.pop("pixels")
    if not isinstance(pixels, str):
        raise ValueError("not a row")  # noqa: TRY004 - one error for whatever a file may hold
    try:
        points = base64.b64decode(pixels.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise ValueError("not a row") from None
    return StoredThumb(pixels=points, **_numbers(found))


def parse_gap(line: bytes) -> StoredGap:
    """Return the hole of a line.

    Raises:
        ValueError: as ``parse_action``.
    """
    found = _fields(line, GAP_COLUMNS)
    started, ended, cause = found["started"], found["ended"], found["cause"]
    times = _within(started, 0, _LAST_SECOND) and _within(ended, 0, _LAST_SECOND)
    if not times or not isinstance(cause, str) or cause not in GAP_CAUSES:
        raise ValueError("not a row")
    return StoredGap(started, ended, cause)


def _fields(line: bytes, columns: tuple[str, ...]) -> dict[str, Any]:
    try:
        pairs = json.loads(line, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        pairs = None
    if not isinstance(pairs, _Pairs) or tuple(name for name, _ in pairs) != columns:
        raise ValueError("not a row")
    return dict(pairs)


class _Pairs(list[tuple[str, Any]]):
    """A JSON object as it was spelled: a name given twice is seen."""


def _numbers(found: dict[str, Any]) -> dict[str, Any]:
    if not all(_within(value, *_NUMBERS[name]) for name, value in found.items()):
        raise ValueError("not a row")
    return found


def _within(value: object, low: int, high: int) -> bool:
    return type(value) is int and low <= value <= high
