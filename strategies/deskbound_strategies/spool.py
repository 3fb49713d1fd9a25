"""Replies of a round that wait on the disk until all are there.

They lie in a nameless file, which goes when the process does, and are read back a slice of
coordinates or one reply at a time: memory does not grow with their number, the disk needs four
bytes per parameter and reply until the round is closed.
"""

import os
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from deskbound_strategies.aggregation import FloatTensors, check_layout
from deskbound_strategies.codec import Layout, Tensors
from deskbound_strategies.errors import DiskFullError

_ITEM = np.dtype("<f4")


class Spool:
    """Updates of one layout, each as a record of a nameless file.

    Args:
        layout: names and shapes of the updates to come.
        folder: where the file is made; the system's own for temporary files by default.

    Raises:
        DiskFullError: the folder takes no file.
    """

    def __init__(self, layout: Layout, folder: Path | None = None) -> None:
        self._layout = layout
        self.dimension = sum(spec.elements for spec in layout)
        self.count = 0
        try:
            self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by ``close``
        except OSError:
            raise _no_room() from None

    def add(self, update: Tensors) -> None:
        """Put one update into the file.

        Raises:
            ValueError: when the update's names or shapes are not the layout's; nothing is added.
            DiskFullError: there is no room; nothing is added.
        """
        check_layout(update, self._layout)
        try:
            self._file.seek(self.count * self._record)
            for spec in self._layout:
                self._file.write(np.ascontiguousarray(update[spec.name], _ITEM).tobytes())
            self._file.flush()
        except OSError:
            raise _no_room() from None
        self.count += 1

    def read(self, number: int, start: int = 0, stop: int | None = None) -> npt.NDArray[np.float32]:
        """Return coordinates ``start`` to ``stop`` of one update, flattened in layout order."""
        wanted = (self.dimension if stop is None else stop) - start
        place = number * self._record + start * _ITEM.itemsize
        return np.frombuffer(os.pread(self._file.fileno(), wanted * _ITEM.itemsize, place), _ITEM)

    def column(self, start: int, stop: int) -> npt.NDArray[np.float32]:
        """Return (updates, stop - start) values of some coordinates."""
        values = np.empty((self.count, stop - start), _ITEM)
        for number, row in enumerate(values):
            row[:] = self.read(number, start, stop)
        return values

    def shaped(self, flat: npt.NDArray[np.float64]) -> FloatTensors:
        """Return (dimension,) values as tensors of the layout."""
        edges = np.cumsum([spec.elements for spec in self._layout])[:-1]
        parts = zip(self._layout, np.split(flat, edges), strict=True)
        return {spec.name: part.reshape(spec.shape).copy() for spec, part in parts}

    def close(self) -> None:
        """Let go of the file, and with it of every update."""
        self._file.close()

    @property
    def _record(self) -> int:
        return self.dimension * _ITEM.itemsize


def _no_room() -> DiskFullError:
    return DiskFullError(
        "The replies of this round could not be kept until it is closed.",
        'Make room on the disk of the server\'s folder, or plan with aggregation = "mean" and '
        'weighing = "alike".',
    )
