"""Figures of many, told so that nobody's own can be told from them."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

FEW = 5  # of fewer laptops only the largest figure is told, which a guarantee is about anyway
SHARES = {"least": 0.0, "lower_quarter": 0.25, "median": 0.5, "upper_quarter": 0.75}
BINS = 24


def spread(values: Iterable[float]) -> dict[str, Any]:
    """Return how many values there are, the largest, and where enough, quartiles.

    Quartiles are values that occur, not means of two.
    """
    found = sorted(values)
    told: dict[str, Any] = {"count": len(found), "largest": found[-1] if found else None}
    if len(found) >= FEW:
        told |= {name: found[int(share * (len(found) - 1))] for name, share in SHARES.items()}
    return told


def histogram(values: Sequence[float], top: float) -> dict[str, list[float]]:
    """Return counts of values in equal bins from 0 to ``top`` or the largest, if that is more."""
    end = max([top, *values, 1e-9])
    counts, edges = np.histogram(values, bins=BINS, range=(0.0, end))
    return {"edges": [round(float(edge), 6) for edge in edges], "counts": counts.tolist()}
