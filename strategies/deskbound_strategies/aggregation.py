"""Combining replies one at a time: memory does not depend on how many laptops answer.

Every reply counts the same. How much a laptop holds is data we never ask for; where a contract
weighs laptops, each has scaled its own update by at most 1 (``weighing.py``), so that whoever lies
about it is bounded by the norm that is admitted, like everybody.

``Aggregator`` is the seam: ``robust.py``, ``weighed_counts.py`` and, one day, secure aggregation
are other classes with these members, chosen by the contract's ``aggregation`` (``combining.py``).
"""

from typing import Protocol

import numpy as np
import numpy.typing as npt

from deskbound_strategies.codec import Layout, Tensors

FloatTensors = dict[str, npt.NDArray[np.float64]]


class Aggregator(Protocol):
    """Takes admitted updates one by one and combines them at the end."""

    @property
    def count(self) -> int:
        """How many updates were added."""
        ...

    def add(self, update: Tensors) -> None:
        """Take one admitted update; nothing of it is kept beyond ``close``."""
        ...

    def result(self) -> FloatTensors:
        """Return the combined update.

        Raises:
            ValueError: when nothing was added.
        """
        ...

    def close(self) -> None:
        """Let go of whatever was kept of the updates."""
        ...


class StreamingMean:
    """The plain mean with equal weights, summed in float64.

    One running sum is all that is held: 8 bytes per parameter, for 10 replies or 10,000. A sum of
    n float32 values in float64 is exact to a relative error of about n * 2**-53, so the order in
    which replies arrive does not show in the released float32 model.

    Args:
        layout: names and shapes of the updates to come.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._sums: FloatTensors = {spec.name: np.zeros(spec.shape) for spec in layout}
        self._count = 0

    @property
    def count(self) -> int:
        """How many updates were added."""
        return self._count

    def add(self, update: Tensors) -> None:
        """Add one update to the sum.

        Raises:
            ValueError: when the update's names or shapes are not the layout's; nothing is added.
        """
        check_layout(update, self._layout)
        for name, total in self._sums.items():
            np.add(total, update[name], out=total)
        self._count += 1

    def result(self) -> FloatTensors:
        """Return the mean as new float64 arrays.

        Raises:
            ValueError: when nothing was added.
        """
        if self._count == 0:
            raise ValueError("the mean of no updates does not exist")
        return {name: total / self._count for name, total in self._sums.items()}

    def close(self) -> None:
        """Do nothing: no update was kept."""


def check_layout(update: Tensors, layout: Layout) -> None:
    """Check that an update has exactly the tensors of a layout.

    Raises:
        ValueError: when a name is missing or extra, or a shape differs.
    """
    shapes = {name: value.shape for name, value in update.items()}
    if shapes != {spec.name: spec.shape for spec in layout}:
        raise ValueError("the update does not have the layout of this round")


def norm(tensors: Tensors) -> float:
    """Return the L2 norm over all tensors together, computed in float64."""
    squares = (float(np.sum(np.square(value, dtype=np.float64))) for value in tensors.values())
    return float(np.sqrt(sum(squares)))
