"""Reading what somebody did out of the update of a single unit.

For the task ``next_action``, in the manner of DAGER (Petrov et al. 2024, arXiv 2405.15586): exact,
no optimisation. Two leaks of an update without noise are used:

* *Which words.* Only rows of the embedding that a unit uses get a gradient.
* *In which order.* The gradient of the layer that mixes an action with the two before it is a sum
  of outer products with just these triples, so each lies in its row space. From the first action
  on, the word is sought whose triple does; of several, one whose triple is new; where none does,
  the search turns back.

With noise there is no row without a gradient and no space that excludes anything; the same
procedure then returns its best guesses, and what they are worth is counted.

Everything is in favour of the attacker: one unit alone in the round, sampled for certain, its
length, its application and the hours known, and weights of the attacker's choice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from deskbound_audit.attack.membership import roc
from deskbound_strategies.model import EMBEDDING_ROWS, embedding_rows
from deskbound_strategies.task import Batch, Unit
from deskbound_strategies.vocabulary import GAPS, TOKENS

Tensors = Mapping[str, NDArray[np.floating]]
Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
_Path = list[tuple[int, Vector]]  # candidates, and their embeddings
_Triple = tuple[int, ...]

MOST_ACTIONS = 24  # the row space has 32 dimensions; longer units fill it and give no order away
_TOKENS_TRIED = 48
_STEPS = 600  # how often the search may look for a next word
_IN = 1e-4  # relative distance below which a triple lies in the row space
_FLAT = 1e-4  # relative size of a singular value that counts as none


@dataclass(frozen=True, slots=True)
class Recovered:
    """What came out for one unit.

    Attributes:
        tokens: guessed for each action but the last, in order.
        right: share of the actions that are found in their order: the longest common subsequence
            of guess and truth over the truth (ROUGE-L recall, as in DAGER).
        words: area under the curve of telling rows that were used from the others by the size of
            their gradient; 1 is certainty, 0.5 is guessing.
    """

    tokens: tuple[int, ...]
    right: float
    words: float


def recover(update: Tensors, weights: Tensors, unit: Unit) -> Recovered:
    """Attack the update of one unit.

    Args:
        update: gradient-like tensors, by name, as released.
        weights: that were sent.
        unit: the truth, for its length and context and for counting what is right.
    """
    sizes = np.linalg.norm(update["embedding.weight"], axis=1)
    used = np.zeros(EMBEDDING_ROWS, dtype=np.bool_)
    used[_rows(unit.tokens[:-1], unit.apps[:-1], unit.gaps[:-1], unit.hours[:-1]).ravel()] = True
    guessed = _Search(sizes, _row_space(update["mix.weight"]), weights, unit).words()
    truth = unit.tokens[:-1].tolist()
    right = _common(guessed, truth) / len(truth)
    return Recovered(tuple(guessed), right, roc(sizes, used).area)


def most_frequent(units: list[Unit]) -> tuple[int, float]:
    """Return the commonest word of other people's units and how often it is right in these.

    It is what an attacker who receives nothing would guess for every action.

    Args:
        units: at least one.
    """
    words = np.concatenate([unit.tokens[:-1] for unit in units])
    counts = np.bincount(words, minlength=len(TOKENS))
    return int(counts.argmax()), float(counts.max() / counts.sum())


class _Search:
    """Follows words whose triples lie in the row space, and turns back where none does.

    Args:
        sizes: of the gradients of the embedding's rows.
        space: row space of the mixing layer's gradient.
        weights: that were sent.
        unit: for its length, applications and hours.
    """

    def __init__(
        self,
        sizes: NDArray[np.float64],
        space: NDArray[np.float64],
        weights: Tensors,
        unit: Unit,
    ) -> None:
        self._space, self._unit = space, unit
        self._table = np.asarray(weights["embedding.weight"], np.float64)
        tokens = _likeliest(sizes)
        self._tokens = np.repeat(tokens, GAPS + 1)
        self._gaps = np.tile(np.arange(GAPS + 1), len(tokens))
        self._left = _STEPS

    def words(self) -> list[int]:
        """Return the words in order: the longest way found, the rest as near as may be."""
        nothing = np.zeros(self._table.shape[1])
        path = self._follow([], nothing, nothing, frozenset())
        words = [int(self._tokens[index]) for index, _ in path]
        own = [nothing, nothing, *(vector for _, vector in path)]
        for place in range(len(words), len(self._unit) - 1):
            vectors, misses = self._misses(place, own[-1], own[-2])
            best = int(np.argmin(misses))
            words.append(int(self._tokens[best]))
            own.append(vectors[best])
        return words

    def _follow(self, path: _Path, last: Vector, second: Vector, met: frozenset[_Triple]) -> _Path:
        """Return the longest continuation of a path within the steps that are left."""
        if len(path) == len(self._unit) - 1 or self._left == 0:
            return path
        self._left -= 1
        vectors, misses = self._misses(len(path), last, second)
        before = tuple(index for index, _ in path[-2:])
        inside = [int(index) for index in np.flatnonzero(misses < _IN)]
        longest = path
        for index in sorted(inside, key=lambda one: ((*before, one) in met, misses[one])):
            own = vectors[index]
            found = self._follow([*path, (index, own)], own, last, met | {(*before, index)})
            longest = max(longest, found, key=len)
            if len(longest) == len(self._unit) - 1:
                break
        return longest

    def _misses(self, place: int, last: Vector, second: Vector) -> tuple[Matrix, Vector]:
        """Return each candidate's embedding and its triple's relative distance to the space."""
        app = np.full(len(self._tokens), self._unit.apps[place])
        hour = np.full(len(self._tokens), self._unit.hours[place])
        own: Matrix = self._table[_rows(self._tokens, app, self._gaps, hour)].sum(axis=1)
        tail = np.broadcast_to(np.concatenate([last, second]), (len(own), 2 * len(last)))
        triples = np.hstack([own, tail])
        outside = triples - triples @ self._space @ self._space.T
        distance: Vector = np.linalg.norm(outside, axis=1) / np.linalg.norm(triples, axis=1)
        return own, distance


def _common(first: Sequence[int], second: Sequence[int]) -> int:
    """Return the length of the longest common subsequence."""
    lengths = [0] * (len(second) + 1)
    for one in first:
        before = lengths[:]
        for index, other in enumerate(second):
            longer = before[index] + 1 if one == other else max(lengths[index], before[index + 1])
            lengths[index + 1] = longer
    return lengths[-1]


def _row_space(gradient: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return (columns, rank) an orthonormal basis of the row space."""
    _, values, rows = np.linalg.svd(np.asarray(gradient, np.float64), full_matrices=False)
    basis: Matrix = rows[values > _FLAT * values[0]].T
    return basis


def _likeliest(sizes: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the words whose rows have the largest gradients."""
    every = np.arange(len(TOKENS))
    none = np.zeros_like(every)
    rows = sizes[_rows(every, none, none, none)[:, :2]]
    found: NDArray[np.int64] = np.argsort(-np.log(rows + 1e-300).sum(axis=1))[:_TOKENS_TRIED]
    return found


def _rows(
    tokens: NDArray[np.int64],
    apps: NDArray[np.int64],
    gaps: NDArray[np.int64],
    hours: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return (n, 5) rows of the embedding that each action uses."""
    token, app, gap, hour = (
        torch.from_numpy(np.asarray(one))[None] for one in (tokens, apps, gaps, hours)
    )
    batch = Batch(token, app, gap, hour, present=torch.ones_like(token, dtype=torch.bool))
    found: NDArray[np.int64] = embedding_rows(batch)[0].numpy()
    return found
