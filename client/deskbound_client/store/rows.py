"""The rows of a day file as values: closed words and whole seconds, nothing else fits."""

from dataclasses import dataclass
from typing import Final, Literal

from deskbound_strategies.vocabulary import APPS, GAP_UNKNOWN, TOKENS, Action

Source = Literal[0, 1, 2]
CAPTURED: Final = 0
GENERATED: Final = 1
IMPORTED: Final = 2

THUMB_COLUMNS, THUMB_ROWS = 64, 36
THUMB_BYTES = THUMB_COLUMNS * THUMB_ROWS // 2  # sixteen greys, two points a byte

GAP_CAUSES: Final = (
    "sleep", "lag", "permission", "crash", "lock", "paused", "idle", "display-lost", "disk-full",
    "clock", "stopped", "other",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class StoredAction:
    """One gesture as a row; ``Action`` with where it came from.

    Attributes:
        token: index into ``TOKENS``.
        app: index into ``APPS``.
        gap: bin of the pause before it, or ``GAP_UNKNOWN``.
        at: wall clock, whole Unix seconds.
        stream: bit of the signal it belongs to (``capture/signals.py``).
        bucket: local salted number of an application outside ``APPS``; 0 otherwise.
        fx, fy: position within the window in sixteenths, or -1.
        mono_s: monotonic clock, whole seconds.
        boot: number of the boot ``mono_s`` counts from.
        source: 0 captured here, 1 generated, 2 imported.
    """

    token: int
    app: int
    gap: int
    at: int
    stream: int = 0
    bucket: int = 0
    fx: int = -1
    fy: int = -1
    mono_s: int = 0
    boot: int = 0
    source: Source = CAPTURED

    def __post_init__(self) -> None:
        if not (0 <= self.token < len(TOKENS) and 0 <= self.app < len(APPS)):
            raise ValueError("not a word of the vocabulary")
        if not 0 <= self.gap <= GAP_UNKNOWN:
            raise ValueError("not a gap bin")

    @property
    def action(self) -> Action:
        """The gesture as the model reads it."""
        return Action(self.token, self.app, self.gap, self.at)


@dataclass(frozen=True, slots=True)
class StoredThumb:
    """One picture of the screen, 64 x 36 points of sixteen greys (two a byte, row by row)."""

    pixels: bytes
    app: int
    at: int
    mono_s: int = 0
    boot: int = 0
    source: Source = CAPTURED

    def __post_init__(self) -> None:
        if len(self.pixels) != THUMB_BYTES:
            raise ValueError("not a thumbnail")


@dataclass(frozen=True, slots=True)
class StoredGap:
    """A stretch of time in which nothing was captured though it should have been.

    Attributes:
        started: first missing second, wall clock.
        ended: last missing second.
        cause: one of ``GAP_CAUSES``.
    """

    started: int
    ended: int
    cause: str

    def __post_init__(self) -> None:
        if self.cause not in GAP_CAUSES:
            raise ValueError("not a cause of a gap")

    @property
    def at(self) -> int:
        """The second that decides which day file keeps it."""
        return self.started


Stored = StoredAction | StoredThumb | StoredGap


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows of each sort.

    Attributes:
        actions: gestures.
        thumbs: pictures.
        gaps: holes.
        blanked: rows that stay without what was forgotten of them.
    """

    actions: int = 0
    thumbs: int = 0
    gaps: int = 0
    blanked: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.actions + other.actions,
            self.thumbs + other.thumbs,
            self.gaps + other.gaps,
            self.blanked + other.blanked,
        )
