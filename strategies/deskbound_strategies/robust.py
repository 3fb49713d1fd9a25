"""Combining replies so that a few bad ones move little: trimmed mean and median (Yin et al. 2018).

Both work coordinate by coordinate (arXiv 1803.01498): of the n values that n laptops sent for one
weight the largest and the smallest k are left out, and the others averaged. The median leaves out
all but the middle one, or two. They see noised updates and nothing else, so what was given away
stays the same (post-processing). What they cost is use: values left out were somebody's work, and
where laptops differ, rare habits are what is left out first.

Order statistics need all replies at once. They wait in a nameless file, which goes when the
process does, and are read back a slice of coordinates at a time: memory does not grow with their
number, the disk needs four bytes per parameter and reply until the round is closed.
"""

import os
import tempfile
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from deskbound_strategies.aggregation import Aggregator, FloatTensors, StreamingMean, check_layout
from deskbound_strategies.codec import Layout, Tensors
from deskbound_strategies.contract import AGGREGATIONS
from deskbound_strategies.errors import DiskFullError

SLICE_BYTES = 4 * 1024 * 1024  # of replies resident at a time; at least one coordinate of each
_ITEM = np.dtype("<f4")
_TRIMMED = "trimmed-mean-"


def cut_at_each_end(aggregation: str, replies: int) -> int:
    """Return how many of so many values are left out at each end.

    Args:
        aggregation: one of ``contract.AGGREGATIONS``.
        replies: n, at least 1.

    Returns:
        k with ``2 k < n``: floor(n * percent / 100) for a trimmed mean, 0 for the plain one.

    Raises:
        ValueError: for an aggregation of another name.
    """
    if aggregation not in AGGREGATIONS:
        raise ValueError("there is no such aggregation")
    if aggregation == "median":
        return (replies - 1) // 2
    percent = int(aggregation.removeprefix(_TRIMMED)) if aggregation.startswith(_TRIMMED) else 0
    return replies * percent // 100


def aggregator_for(aggregation: str, layout: Layout, folder: Path | None = None) -> Aggregator:
    """Return a fresh aggregator; whoever asks for it closes it.

    Args:
        aggregation: one of ``contract.AGGREGATIONS``.
        layout: names and shapes of the updates to come.
        folder: where replies may wait; the system's own for temporary files by default.

    Raises:
        ValueError: for an aggregation of another name.
        DiskFullError: the folder takes no file.
    """
    if aggregation == "plain":
        return StreamingMean(layout)
    return SpooledTrimmedMean(layout, aggregation, folder)


class SpooledTrimmedMean:
    """Trimmed mean or median of each coordinate, over replies that wait on the disk.

    Values are sorted before they are summed, so the result is the same bit for bit in whatever
    order replies arrive.

    Args:
        layout: names and shapes of the updates to come.
        aggregation: one of ``contract.AGGREGATIONS``.
        folder: where the nameless file is made; the system's own by default.

    Raises:
        ValueError: for an aggregation of another name.
        DiskFullError: the folder takes no file.
    """

    def __init__(self, layout: Layout, aggregation: str, folder: Path | None = None) -> None:
        cut_at_each_end(aggregation, 1)
        self._layout = layout
        self._aggregation = aggregation
        self._dimension = sum(spec.elements for spec in layout)
        self._count = 0
        try:
            self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by ``close``
        except OSError:
            raise _no_room() from None

    @property
    def count(self) -> int:
        """How many updates were added."""
        return self._count

    def add(self, update: Tensors) -> None:
        """Put one update into the file.

        Raises:
            ValueError: when the update's names or shapes are not the layout's; nothing is added.
            DiskFullError: there is no room; nothing is added.
        """
        check_layout(update, self._layout)
        try:
            self._file.seek(self._count * self._record)
            for spec in self._layout:
                self._file.write(np.ascontiguousarray(update[spec.name], _ITEM).tobytes())
            self._file.flush()
        except OSError:
            raise _no_room() from None
        self._count += 1

    def result(self) -> FloatTensors:
        """Return the combined update as new float64 arrays.

        Raises:
            ValueError: when nothing was added.
        """
        if self._count == 0:
            raise ValueError("the mean of no updates does not exist")
        cut = cut_at_each_end(self._aggregation, self._count)
        combined = np.empty(self._dimension)
        width = max(1, SLICE_BYTES // (self._count * _ITEM.itemsize))
        for start in range(0, self._dimension, width):
            stop = min(start + width, self._dimension)
            values = self._slice(start, stop)
            values.sort(axis=0)
            kept = values[cut : self._count - cut]
            combined[start:stop] = kept.mean(axis=0, dtype=np.float64)
        return self._unflatten(combined)

    def close(self) -> None:
        """Let go of the file, and with it of every update."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def _record(self) -> int:
        return self._dimension * _ITEM.itemsize

    def _slice(self, start: int, stop: int) -> npt.NDArray[np.float32]:
        """Return (replies, stop - start) values of some coordinates."""
        values = np.empty((self._count, stop - start), _ITEM)
        handle = self._file.fileno()
        for number, row in enumerate(values):
            place = number * self._record + start * _ITEM.itemsize
            row[:] = np.frombuffer(os.pread(handle, row.nbytes, place), _ITEM)
        return values

    def _unflatten(self, flat: npt.NDArray[np.float64]) -> FloatTensors:
        tensors: FloatTensors = {}
        offset = 0
        for spec in self._layout:
            tensors[spec.name] = flat[offset : offset + spec.elements].reshape(spec.shape).copy()
            offset += spec.elements
        return tensors


def _no_room() -> DiskFullError:
    return DiskFullError(
        "The replies of this round could not be kept until it is closed.",
        'Make room on the disk of the server\'s folder, or plan with aggregation = "mean".',
    )
