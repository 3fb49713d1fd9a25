"""Counts of which action follows which, small enough to send and sound enough to read under noise.

Actions and pairs of them (one, then another) have a cell each. Triples would need a hundred
million; they share ``CELLS`` cells as in a count sketch (Charikar, Chen and Farach-Colton 2002): a
public hash gives each triple its cell and a sign, so what others left there is as often added as
taken away.

Reading takes noise and strangers in a cell into account, and knows no more of them than the cells
tell. What is expected of a cell, from counts of shorter contexts, is its prior mean. A cell is read
as the posterior mean (a Wiener filter, cell by cell); only where its value is likelier to be its
own than to be one of the many large values that cells have anyway, it is believed as it stands.
What was used lately is expected more (``recents.py``), so where counts of what follows an action
drown, recency is left. All of this is post-processing of what was released.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deskbound_strategies import recents

CELLS = 2**20  # of triples
# A unit's triples count more than its pairs: there are more of them to be told apart.
SINGLE_WEIGHT, PAIR_WEIGHT, TRIPLE_WEIGHT = 0.4, 0.6, 1.0
# Counts of a usual session have about this norm; with it, a clip of 1 cuts few sessions.
SCALE = 6.0

_TRIMMED = 0.02  # share of cells that hold much and say nothing about the noise
_TRUNCATED = 0.8734  # variance of a standard normal without its outer _TRIMMED
# How much likelier a value must be to be a cell's own; 10 to 100 does as well (docs/benchmarks.md).
_OWN = 30.0
_STANDS_OUT = 2.0  # standard deviations
_FARTHEST = 3.0  # a posterior mean of a cell is at most so many times what was expected of it
_BEYOND = 38.0  # standard deviations at which chances are below what floats can tell
_FAINT = 1e-3  # weight of the shorter context's word where nothing was counted

Whole = NDArray[np.int64]
Floats = NDArray[np.float64]


def pair_cells(before: Whole, after: Whole, actions: int) -> Whole:
    """Return the cell of each pair: (n,) from 0 to ``actions`` squared less one."""
    return before * actions + after


def triple_cells(first: Whole, second: Whole, third: Whole) -> tuple[Whole, Floats]:
    """Return the cell and the sign of each triple, by a fixed public hash.

    Args:
        first: (n,) tokens, each less than 2^16.
        second: (n,) those that came next.
        third: (n,) those after them.

    Returns:
        (n,) cells below ``CELLS`` and (n,) signs, 1.0 or -1.0.
    """
    packed = (first << 32 | second << 16 | third).astype(np.uint64)
    mixed = _splitmix(packed + np.uint64(0x9E3779B97F4A7C15))
    signs = np.where((mixed >> np.uint64(63)).astype(bool), 1.0, -1.0)
    return (mixed & np.uint64(CELLS - 1)).astype(np.int64), signs


def _splitmix(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the words mixed (Steele, Lea and Flood 2014), modulo 2^64."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


@dataclass(frozen=True, slots=True, eq=False)
class _Background:
    """What cells hold anyway: noise, and counts of other triples.

    Attributes:
        deviation: standard deviation of the cells that hold nothing much.
        sizes: absolute values of all cells, ascending.
    """

    deviation: float
    sizes: Floats

    @classmethod
    def of(cls, cells: Floats) -> "_Background":
        sizes = np.sort(np.abs(cells))
        most = sizes[: int(len(sizes) * (1 - _TRIMMED))]
        return cls(float(np.sqrt((most**2).mean() / _TRUNCATED)), sizes)

    def shared(self, seen: Floats) -> Floats:
        """Return how likely a shared cell is to hold so much, or more, without any of its own."""
        above = len(self.sizes) - np.searchsorted(self.sizes, seen)
        return np.maximum(above, 0.5) / (2 * len(self.sizes))  # half of them have the other sign


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """What was released, read.

    Attributes:
        pairs: (actions, actions) estimated counts of each pair, not negative.
        after: (actions, actions) chances of what follows each action.
        triples: (CELLS,) the released cells, in the same unit.
        background: what those hold anyway.
        alone: (actions,) estimated counts of each action.
        popular: (actions,) the same as chances.
        seen: (actions, actions) the released cells of pairs.
        again: (RANKS,) chances of what was used last, last but one, and so on.
    """

    pairs: Floats
    after: Floats
    triples: Floats
    background: _Background
    alone: Floats
    popular: Floats
    seen: Floats
    again: Floats

    def after_two(self, first: Whole, second: Whole) -> Floats:
        """Return (n, actions) chances of what follows each of n pairs.

        Args:
            first: (n,) the last action but one.
            second: (n,) the last action.
        """
        return _normal(self._after_two(first, second)[0])

    def after_history(self, first: Whole, second: Whole, used: Whole) -> Floats:
        """Return (n, actions) chances of what follows each of n histories.

        As ``after_two``, but what was used lately has its chance by recency for a prior mean, in
        proportion to all others, which keep theirs.

        Args:
            first: (n,) the last action but one; -1 where there is none.
            second: (n,) the last action.
            used: (n, RANKS) what was used lately, the last action first (``recents.used``).
        """
        rows, faint = self.after[second], np.ones((len(second), 1))
        two = np.flatnonzero(first >= 0)
        contexts = np.stack([first[two], second[two]])
        contexts, places = np.unique(contexts, axis=1, return_inverse=True)
        counted, weight = self._after_two(*contexts)
        rows[two], faint[two] = counted[places.ravel()], weight[places.ravel()]
        if self.again.any():
            lately = np.maximum(used, 0)
            share = self._lately(second, used)
            found = faint * share
            found[two] += self._triples(first[two], second[two], lately[two], share[two])
            row, rank = np.nonzero(used >= 0)
            rows[row, lately[row, rank]] = found[row, rank]
        return _normal(rows)

    def _after_two(self, first: Whole, second: Whole) -> tuple[Floats, Floats]:
        """Return (n, actions) counts after each pair, and (n, 1) what the prior counts in them."""
        third, prior = np.tile(np.arange(len(self.after)), (len(first), 1)), self.after[second]
        counted = self._triples(first, second, third, prior)
        faint = _faint(counted)
        return counted + faint * prior, faint

    def _triples(self, first: Whole, second: Whole, third: Whole, prior: Floats) -> Floats:
        """Return (n, m) counts of m actions after each pair, where ``prior`` is expected."""
        cells, signs = triple_cells(first[:, None], second[:, None], third)
        seen = self.triples[cells] * signs
        expected = self.pairs[first, second][:, None] * prior
        strangers = self.background.shared(seen)
        return _believed(seen, expected, self.background.deviation, strangers)

    def _lately(self, last: Whole, used: Whole) -> Floats:
        """Return (n, RANKS) chances of what was used lately after an action, beside ``after``."""
        popular = np.where(used >= 0, self.popular[used], 0.0)
        chance = np.where(used >= 0, self.again, 0.0)
        known = chance > 0
        rest = 1.0 - np.where(known, popular, 0.0).sum(axis=1, keepdims=True)
        left = 1.0 - chance.sum(axis=1, keepdims=True)
        prior = np.where(known, chance / left * rest, popular)
        seen, deviation = self.seen[last[:, None], used], self.background.deviation
        deviation *= TRIPLE_WEIGHT / PAIR_WEIGHT
        expected = self.alone[last][:, None] * prior
        counted = _believed(seen, expected, deviation, _normal_tail(seen, deviation))
        every = self.pairs[last]
        faint = _faint(every)
        share: Floats = (counted + faint * prior) / (every.sum(axis=1, keepdims=True) + faint)
        return share


def read(singles: Floats, pairs: Floats, triples: Floats, again: Floats) -> Counts:
    """Read released cells.

    Args:
        singles: (actions,) cells of actions.
        pairs: (actions^2,) cells of pairs.
        triples: (CELLS,) cells of triples.
        again: (recents.CELLS,) cells of hits and misses.
    """
    actions = len(singles)
    background = _Background.of(triples / TRIPLE_WEIGHT)
    noise = background.deviation * TRIPLE_WEIGHT
    alone = _rare(singles / SINGLE_WEIGHT, noise / SINGLE_WEIGHT)
    total = float(alone.sum())
    popular = alone / total if total > 0 else np.full(actions, 1.0 / actions)
    seen, deviation = pairs.reshape(actions, actions) / PAIR_WEIGHT, noise / PAIR_WEIGHT
    expected = alone[:, None] * popular
    believed = _believed(seen, expected, deviation, _normal_tail(seen, deviation))
    return Counts(
        pairs=believed,
        after=_normal(believed + _faint(believed) * popular),
        triples=triples / TRIPLE_WEIGHT,
        background=background,
        alone=alone,
        popular=popular,
        seen=seen,
        again=recents.read(again, noise),
    )


def _rare(seen: Floats, deviation: float) -> Floats:
    """Return counts of single actions: what does not stand out is held to be equally rare."""
    believed = seen > _STANDS_OUT * deviation
    rest = max(float(seen[~believed].mean()), 0.0) if not believed.all() else 0.0
    return np.where(believed, seen, rest)


def _normal_tail(seen: Floats, deviation: float) -> Floats:
    """Return how likely noise alone is to reach so much: Chernoff's bound, where it is positive."""
    if deviation == 0.0:
        return np.zeros_like(seen)
    return 0.5 * np.exp(-0.5 * np.minimum(np.abs(seen) / deviation, _BEYOND) ** 2)


def _believed(seen: Floats, expected: Floats, deviation: float, strangers: Floats) -> Floats:
    """Return what is made of counts that were seen.

    Args:
        seen: the released values.
        expected: prior means.
        deviation: of the noise.
        strangers: how likely a value so large is without any count of the cell's own.
    """
    width = expected**2
    gain = width / np.maximum(width + deviation**2, np.finfo(np.float64).tiny)
    shrunk = np.clip(expected + gain * (seen - expected), 0.0, _FARTHEST * expected)
    # At most expected / seen of the cells of which so much is expected hold so much (Markov).
    own = (seen > 0) & (expected > _OWN * seen * strangers)
    return np.where(own, seen, shrunk)


def _faint(counts: Floats) -> Floats:
    """Return (n, 1) what the prior counts beside each row of counts; all, where there are none."""
    total: Floats = counts.sum(-1, keepdims=True)
    return np.maximum(_FAINT * total, np.finfo(np.float64).tiny)


def _normal(rows: Floats) -> Floats:
    """Return each row as chances."""
    total: Floats = rows.sum(-1, keepdims=True)
    return rows / total
