"""Combining private counts: each laptop weighs by what it tells in this very round.

Every laptop adds the same noise, however little it counted. So the best sum weighs each by what it
counted (``weighing.py``), and how much that is can be read off the reply itself, noise and all: the
server reads it, weighs, and forgets it with the round. All of it is post-processing of what was
released and paid for.

What laptops told on average decides what a weight is, so replies wait on the disk for the last one.
"""

from pathlib import Path

import numpy as np

from deskbound_strategies.aggregation import FloatTensors
from deskbound_strategies.codec import Layout, Tensors
from deskbound_strategies.contract import RoundContract
from deskbound_strategies.spool import Spool
from deskbound_strategies.weighing import Told, shares, tells, told


class WeighedCounts:
    """The weighed mean of the counts of one round, over replies that wait on the disk.

    It is scaled so that what laptops told on average is read off the released model as it is off a
    plain mean (``weighing.mean_told``).

    Args:
        asked: the contract that they answer, which ``tells``.
        layout: names and shapes of the updates to come.
        folder: where they wait; the system's own for temporary files by default.

    Raises:
        ValueError: replies to this contract tell no amounts.
        DiskFullError: the folder takes no file.
    """

    def __init__(self, asked: RoundContract, layout: Layout, folder: Path | None = None) -> None:
        if not tells(asked):
            raise ValueError("what does not count every unit once tells no amounts")
        self._asked = asked
        self._told: list[Told] = []
        self._spool = Spool(layout, folder)

    @property
    def count(self) -> int:
        """How many updates were added."""
        return self._spool.count

    def add(self, update: Tensors) -> None:
        """Let one update wait; see ``Spool.add``."""
        self._spool.add(update)
        amount = told(self._asked, update)
        if amount is not None:  # which the contract tells from the start
            self._told.append(amount)

    def result(self) -> FloatTensors:
        """Return the combined update as new float64 arrays.

        Raises:
            ValueError: when nothing was added.
        """
        if self.count == 0:
            raise ValueError("the mean of no updates does not exist")
        combined = np.zeros(self._spool.dimension)
        for number, share in enumerate(shares(self._told)):
            combined += share * self._spool.read(number)
        return self._spool.shaped(combined)

    def close(self) -> None:
        """Let go of every update, and of what it told."""
        self._spool.close()
        self._told.clear()
