"""A day's units on this laptop: cut as everywhere (``deskbound_strategies.units``), and named.

The name is for finding out, later, whether an answer that was lost was made from the same units.
"""

import hashlib
from collections.abc import Sequence

import numpy as np

from deskbound_strategies.task import Unit
from deskbound_strategies.units import PAUSE_SECONDS, units

__all__ = ["PAUSE_SECONDS", "digest", "units"]


def digest(found: Sequence[Unit]) -> str:
    """Return SHA-256 (hex) of units: the same only for the same units in the same order."""
    hashed = hashlib.sha256()
    for unit in found:
        hashed.update(len(unit).to_bytes(8, "little"))
        for column in (unit.tokens, unit.apps, unit.gaps, unit.hours):
            hashed.update(np.ascontiguousarray(column, dtype="<i8").tobytes())
    return hashed.hexdigest()
