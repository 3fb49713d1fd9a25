"""How much a laptop's update weighs: by what it told when private counts were released.

Every laptop adds all the noise that its own privacy needs, however little it has to say. The best
sum of such replies weighs each by what it says (Wiener). How much that is, is private; but who
answered a round of private counts has told it, with the noise that round was charged for. The
laptop works its weight out from what *it* released there, and scales its noised update by it. Both
are post-processing of what was paid for, so it costs nothing, and no number travels that was not
out already.

What is told is an amount in clips: what units move the cells of single actions by, added up. Below
the noise an amount says nothing, so who told less counts as having told that much, and where the
average laptop drowns in noise, that is what counts as average: all weigh alike, but for those few
who stand out.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deskbound_strategies.contract import RoundContract

TELLING = "action_counts"  # the task by whose rounds amounts are told
SINGLES = "singles.weight"  # its cells of single actions
# An amount of so many times the fleet's mean weighs a half; fewer lets in more noise, more lets
# those who do most speak for all (docs/benchmarks.md).
HALF = 4.0
_OUTERMOST = 0.1  # share of replies at each end that do not say what is average

Update = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Told:
    """What a laptop told once.

    Attributes:
        amount: in clips, noise included.
        noise: its standard deviation, in clips.
    """

    amount: float
    noise: float


def tells(asked: RoundContract) -> bool:
    """Return whether a round tells amounts: every unit is counted, once, and added up as it is."""
    once = (asked.sampling_rate, asked.steps, asked.local_optimizer) == (1.0, 1, "sgd")
    return asked.task == TELLING and once


def told(asked: RoundContract, update: Update) -> Told | None:
    """Return what a noised update of one laptop tells of how much that laptop holds.

    Args:
        asked: the contract it answers.
        update: as it leaves.

    Returns:
        None for rounds that do not count, or count otherwise (``tells``).
    """
    if not tells(asked):
        return None
    return Told(_amount(asked, update[SINGLES]), noise_of_one(asked, update))


def noise_of_one(asked: RoundContract, update: Update) -> float:
    """Return the standard deviation of what one laptop tells, in clips."""
    return asked.noise_multiplier * math.sqrt(update[SINGLES].size)


def mean_told(asked: RoundContract, counted: Update) -> float:
    """Return what laptops told on average, in clips, from the model that one round of theirs made.

    Args:
        asked: that round's contract, which ``tells``; replies were averaged onto empty cells.
        counted: the released model.
    """
    return max(_amount(asked, counted[SINGLES]), 0.0)


def shares(every: Sequence[Told]) -> NDArray[np.float64]:
    """Return (n,) factors of the replies to one round of counts in their weighed mean.

    What laptops told on average is a mean without the tenth at each end, or a single lie would be
    most of it, and make everybody else's weight small. Factors are such that the weighed mean tells
    about this average.

    Args:
        every: what each of at least one reply told; all of the same noise.
    """
    amounts, noise = np.array([one.amount for one in every]), every[0].noise
    ordered, cut = np.sort(amounts), int(_OUTERMOST * len(every))
    mean = max(float(ordered[cut : len(every) - cut].mean()), noise)
    each = np.array([weight(one, mean) for one in every])
    # An amount below the noise is one: no lie makes the sum small, or turns its sign.
    return each * (mean / float(each @ np.maximum(amounts, noise)))


def weight(mine: Told | None, mean: float) -> float:
    """Return how much an update weighs, from 0 to 1; an average laptop's 1 / (1 + ``HALF``).

    Args:
        mine: what this laptop told; who never did counts as average.
        mean: what laptops told on average, or the noise of that where it is more; 0 where all weigh
            alike, and then 1.
    """
    if not mean:
        return 1.0
    amount = mean if mine is None else max(mine.amount, mine.noise)
    return amount / (amount + HALF * mean)


def weighed(update: Update, share: float) -> Update:
    """Return an update scaled by its weight, bit for bit the same where that is 1."""
    if share == 1.0:
        return update
    return {name: values * np.float32(share) for name, values in update.items()}


def unscaled(mean: float) -> float:
    """Return what the mean of weighed replies is multiplied by, so that average ones count whole.

    Args:
        mean: as for ``weight``.
    """
    return 1.0 + HALF if mean else 1.0


def _amount(asked: RoundContract, cells: NDArray[np.float32]) -> float:
    # One step of SGD moved the cells by learning_rate / divisor times what was counted.
    moved = float(cells.sum(dtype=np.float64)) * asked.divisor / asked.learning_rate
    return moved / asked.clip
