"""How often people do again what they did last: counted for a fleet, in a handful of cells.

Whoever did something lately is likely to do it again, whatever it was. That takes few numbers to
say, and all units speak of the same ones, so it stands out of noise in which counts of single
actions drown. The guess by recency alone is the baseline "most recently used" (``baselines.py``);
here a crowd tells how much it is worth.

At each action of a unit but the first, the actions used before it are looked through, the latest
first: it *hits* the first one that it is the same as, and *misses* those before that one. Of the
hits at a rank, and the misses, follows the chance that the action at that rank comes next if none
of those before it does.
"""

import numpy as np
from numpy.typing import NDArray

RANKS = 4  # actions that are looked through
CELLS = 2 * RANKS  # hits, then misses
# A unit's hits and misses count so much, as shares of its actions, and more in long units, whose
# other counts grow as well: so that clipping leaves about as much of them in any.
WEIGHT, LONG = 0.25, 64

_STANDS_OUT = 3.0  # standard deviations
_LARGEST = 0.98  # chance at one rank

Whole = NDArray[np.int64]
Floats = NDArray[np.float64]


def used(tokens: Whole) -> Whole:
    """Return (n, RANKS) the different actions up to each place, the latest first; -1 for none.

    Args:
        tokens: (n,) actions, one after the other.
    """
    latest: list[int] = []
    rows = np.full((len(tokens), RANKS), -1, np.int64)
    for row, token in zip(rows, tokens.tolist(), strict=True):
        latest = [token, *(one for one in latest if one != token)][:RANKS]
        row[: len(latest)] = latest
    return rows


def follow(used: Whole, tokens: Whole) -> Whole:
    """Return (n, RANKS) what was used lately, once n histories went on by an action each.

    Args:
        used: (n, RANKS) before.
        tokens: (n,) what came.
    """
    rows = np.column_stack([tokens, used])
    gone = np.zeros(rows.shape, bool)
    gone[:, 1:] = used == tokens[:, None]
    gone[:, -1] |= ~gone.any(axis=1)
    return rows[~gone].reshape(used.shape)


def weighted(tokens: Whole) -> Floats:
    """Return (CELLS,) what a unit contributes: its hits and misses at each rank, weighted.

    Args:
        tokens: (n,) its actions.
    """
    before, came = used(tokens)[:-1], tokens[1:, None]
    if not len(came):
        return np.zeros(CELLS)
    hit = before == came
    missed = (before >= 0) & (np.cumsum(hit, axis=1) == 0)
    shares = np.concatenate([hit.mean(axis=0), missed.mean(axis=0)])
    return WEIGHT * max(1.0, len(tokens) / LONG) * shares


def read(cells: Floats, deviation: float) -> Floats:
    """Return (RANKS,) the chance of the action at each rank; 0 where nothing stands out.

    Args:
        cells: (CELLS,) as they were released.
        deviation: of the noise on each.
    """
    hits, misses = np.split(cells, 2)
    seen = hits > _STANDS_OUT * deviation
    tried = np.where(seen, hits + np.maximum(misses, 0.0), 1.0)
    here = np.where(seen, np.minimum(hits / tried, _LARGEST), 0.0)
    left = np.cumprod(np.concatenate([[1.0], 1.0 - here[:-1]]))
    chances: Floats = here * left
    return chances
