"""What the doctor says of one thing: a level, a sentence, and the mend."""

from dataclasses import dataclass
from enum import StrEnum

from deskbound_strategies.errors import DeskboundError


class Level(StrEnum):
    """How much a finding matters, mildest first."""

    OK = "ok"
    NOTE = "note"  # good to know; nothing to mend
    WARN = "warn"  # something does not work, or protects less than it could
    WRONG = "wrong"  # a promise does not hold, or Deskbound cannot work


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look found.

    Attributes:
        name: of the check; never changes its meaning.
        level: how much it matters.
        sentence: what is so, naming files, settings and programs, never anything captured.
        mend: what to do about it; empty where nothing is to be done.
    """

    name: str
    level: Level
    sentence: str
    mend: str = ""


def ok(name: str, sentence: str) -> Finding:
    """Return that all is well with something."""
    return Finding(name, Level.OK, sentence)


def note(name: str, sentence: str, mend: str = "") -> Finding:
    """Return something good to know."""
    return Finding(name, Level.NOTE, sentence, mend)


def warn(name: str, sentence: str, mend: str) -> Finding:
    """Return something that does not work as well as it could."""
    return Finding(name, Level.WARN, sentence, mend)


def wrong(name: str, sentence: str, mend: str) -> Finding:
    """Return something that must be mended."""
    return Finding(name, Level.WRONG, sentence, mend)


def wrong_as(name: str, error: DeskboundError) -> Finding:
    """Return what an error of ours says."""
    return wrong(name, error.sentence, error.mend)
