"""Combining replies so that a few bad ones move little: trimmed mean and median (Yin et al. 2018).

Both work coordinate by coordinate (arXiv 1803.01498): of the n values that n laptops sent for one
weight the largest and the smallest k are left out, and the others averaged. The median leaves out
all but the middle one, or two. They see noised updates and nothing else, so what was given away
stays the same (post-processing). What they cost is use: values left out were somebody's work, and
where laptops differ, rare habits are what is left out first.

Order statistics need all replies at once; they wait on the disk (``spool.py``).
"""

from pathlib import Path
from typing import Self

import numpy as np

from deskbound_strategies.aggregation import FloatTensors
from deskbound_strategies.codec import Layout, Tensors
from deskbound_strategies.contract import ROBUST
from deskbound_strategies.spool import Spool

SLICE_BYTES = 4 * 1024 * 1024  # of replies resident at a time; at least one coordinate of each
_VALUE_BYTES = 4
_TRIMMED = "trimmed-mean-"


def cut_at_each_end(aggregation: str, replies: int) -> int:
    """Return how many of so many values are left out at each end.

    Args:
        aggregation: one of ``contract.ROBUST``.
        replies: n, at least 1.

    Returns:
        k with ``2 k < n``: floor(n * percent / 100) for a trimmed mean.

    Raises:
        ValueError: for an aggregation of another name.
    """
    if aggregation not in ROBUST:
        raise ValueError("there is no such aggregation")
    if aggregation == "median":
        return (replies - 1) // 2
    return replies * int(aggregation.removeprefix(_TRIMMED)) // 100


class SpooledTrimmedMean:
    """Trimmed mean or median of each coordinate, over replies that wait on the disk.

    Values are sorted before they are summed, so the result is the same bit for bit in whatever
    order replies arrive.

    Args:
        layout: names and shapes of the updates to come.
        aggregation: one of ``contract.ROBUST``.
        folder: where they wait; the system's own for temporary files by default.

    Raises:
        ValueError: for an aggregation of another name.
        DiskFullError: the folder takes no file.
    """

    def __init__(self, layout: Layout, aggregation: str, folder: Path | None = None) -> None:
        cut_at_each_end(aggregation, 1)
        self._aggregation = aggregation
        self._spool = Spool(layout, folder)

    @property
    def count(self) -> int:
        """How many updates were added."""
        return self._spool.count

    def add(self, update: Tensors) -> None:
        """Let one update wait; see ``Spool.add``."""
        self._spool.add(update)

    def result(self) -> FloatTensors:
        """Return the combined update as new float64 arrays.

        Raises:
            ValueError: when nothing was added.
        """
        if self.count == 0:
            raise ValueError("the mean of no updates does not exist")
        cut, dimension = cut_at_each_end(self._aggregation, self.count), self._spool.dimension
        combined = np.empty(dimension)
        width = max(1, SLICE_BYTES // (self.count * _VALUE_BYTES))
        for start in range(0, dimension, width):
            stop = min(start + width, dimension)
            values = self._spool.column(start, stop)
            values.sort(axis=0)
            kept = values[cut : self.count - cut]
            combined[start:stop] = kept.mean(axis=0, dtype=np.float64)
        return self._spool.shaped(combined)

    def close(self) -> None:
        """Let go of every update."""
        self._spool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
