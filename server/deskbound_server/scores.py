"""How often guesses were right, with error bars. Pure.

Actions of one unit are guessed from each other, so they are no independent draws. The error bars
here take every unit as one draw instead, and come out larger where units differ.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deskbound_strategies.task import GUESSES

# Of each unit (n,) how many guesses came before the right one; infinity where it was none of them.
Ranks = Sequence[NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Figure:
    """A mean over positions, and its standard error."""

    value: float
    error: float


@dataclass(frozen=True, slots=True)
class Score:
    """How often something was right.

    Attributes:
        positions: how many actions were guessed.
        hit1: share of them that was the first guess.
        hit5: share of them that was among the first five.
        mrr: mean of one over the place at which the right one came, zero where it did not.
    """

    positions: int
    hit1: Figure
    hit5: Figure
    mrr: Figure


def score_of(ranks: Ranks) -> Score:
    """Return how good guesses were; all zeros where there was nothing to guess."""
    return _score([_rights(unit) for unit in ranks])


def difference(ranks: Ranks, others: Ranks) -> Score:
    """Return by how much one is better than another, position by position of the same units."""
    pairs = zip(ranks, others, strict=True)
    return _score([_rights(mine) - _rights(theirs) for mine, theirs in pairs])


def _rights(ranks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (n, 3): whether it was first, whether among five, and its reciprocal place."""
    return np.stack([ranks < 1, ranks < GUESSES, 1.0 / (ranks + 1.0)], axis=1).astype(np.float64)


def _score(units: Sequence[NDArray[np.float64]]) -> Score:
    units = [unit for unit in units if len(unit)]
    if not units:
        return Score(0, *[Figure(0.0, 0.0)] * 3)
    draws = units if len(units) > 1 else list(units[0][:, None])  # of one unit, its positions
    sizes = np.array([len(unit) for unit in draws])
    sums = np.array([unit.sum(axis=0) for unit in draws])
    means = sums.sum(axis=0) / sizes.sum()
    # Of a ratio of sums over independent draws (Cochran 1977, 6.4).
    spread = ((sums - means * sizes[:, None]) ** 2).sum(axis=0) * len(draws)
    errors = np.sqrt(spread / max(len(draws) - 1, 1)) / sizes.sum()
    found = [Figure(*map(float, one)) for one in zip(means, errors, strict=True)]
    return Score(int(sizes.sum()), *found)
