"""Private counts: how often each action comes, after one other, or two, in a single round.

How often the next action is one that was used lately is counted, too (``recents.py``).

Counting is written as learning, so that a round of it is a round like any other: same gate,
contract, clipping, noise, ledger and log. The loss of a unit is linear in the weights, so its
gradient is minus the unit's counts, whatever the weights are; a step of SGD adds the noised counts
to them. ``sketch.py`` says where counts go and how they are read.

It is the baseline that a network has to beat at the same epsilon, and what one can start from.
"""

from collections.abc import Sequence
from typing import NamedTuple, cast

import numpy as np
import torch
from torch import Tensor, nn

from deskbound_strategies import recents, sketch
from deskbound_strategies.codec import Layout
from deskbound_strategies.task import Batch, Metrics, Task, Unit, collate, evaluate, layout_of
from deskbound_strategies.vocabulary import TOKENS, VOCABULARY_HASH

_READ_AT_ONCE = 1024  # places


class CountsModel(nn.Module):
    """Cells of actions, pairs, triples and recency; a unit touches few, so gradients are sparse.

    Args:
        actions: size of the vocabulary.
    """

    def __init__(self, actions: int) -> None:
        super().__init__()
        self.actions = actions
        self.singles = _cells(actions)
        self.pairs = _cells(actions * actions)
        self.triples = _cells(sketch.CELLS)
        self.again = _cells(recents.CELLS)

    def read(self) -> sketch.Counts:
        """Return what the cells say."""
        singles, pairs, triples, again = (
            cells.weight.detach().double().numpy()[:, 0]
            for cells in (self.singles, self.pairs, self.triples, self.again)
        )
        return sketch.read(singles, pairs, triples, again)


class ActionCounts:
    """Counts actions, pairs and triples of consecutive ones of a unit, and what is used again.

    Args:
        actions: size of the vocabulary, at most 1,000.
        vocabulary_hash: its hash.
    """

    name = "action_counts"
    held_out = False

    def __init__(self, actions: int = len(TOKENS), vocabulary_hash: str = VOCABULARY_HASH) -> None:
        self.actions = actions
        self.vocabulary_hash = vocabulary_hash

    def layout(self) -> Layout:
        """Return the layout of the cells."""
        return layout_of(self.build_model(0))

    def build_model(self, seed: int) -> CountsModel:  # noqa: ARG002 - nothing is random here
        """Return a model that has counted nothing."""
        return CountsModel(self.actions)

    def collate(self, units: Sequence[Unit]) -> Batch:
        """Put units side by side, padded at the end."""
        return collate(units)

    def loss_per_unit(self, model: nn.Module, batch: Batch) -> Tensor:
        """Return (units,) minus the weighted sums of the cells that a unit's actions have."""
        model = cast("CountsModel", model)
        found = _places(batch, model.actions)
        singles = model.singles(batch.tokens)[..., 0] * batch.present
        pairs = model.pairs(found.pairs)[..., 0] * found.pairs_present
        triples = model.triples(found.triples)[..., 0] * found.signs
        one: Tensor = sketch.SINGLE_WEIGHT * singles.sum(1)
        two: Tensor = sketch.PAIR_WEIGHT * pairs.sum(1)
        three: Tensor = sketch.TRIPLE_WEIGHT * triples.sum(1)
        again = (model.again.weight[:, 0] * found.again).sum(1)
        return -(one + two + three) / sketch.SCALE - again

    def scores(self, model: nn.Module, batch: Batch) -> Tensor:
        """Return (units, length, actions) log chances of what follows each action."""
        model = cast("CountsModel", model)
        counts = model.read()
        tokens = batch.tokens.numpy()
        used = np.concatenate([recents.used(one) for one in tokens])
        before = np.pad(tokens, ((0, 0), (1, 0)), constant_values=-1)[:, :-1].ravel()
        last = tokens.ravel()
        found = np.empty((last.size, model.actions))
        for start in range(0, last.size, _READ_AT_ONCE):
            some = slice(start, start + _READ_AT_ONCE)
            found[some] = counts.after_history(before[some], last[some], used[some])
        found = found.reshape(*tokens.shape, -1)
        return torch.from_numpy(np.log(np.maximum(found, np.finfo(np.float64).tiny)))

    def evaluate(self, model: nn.Module, units: Sequence[Unit]) -> Metrics:
        """Return how often the likeliest action, or one of the five likeliest, was right."""
        return evaluate(self, model, units)


class _Places(NamedTuple):
    """Where a batch's counts go; what is not there goes to some cell with weight zero."""

    pairs: Tensor  # (units, length - 1)
    pairs_present: Tensor
    triples: Tensor  # (units, length - 2)
    signs: Tensor
    again: Tensor  # (units, recents.CELLS), weighted


def _places(batch: Batch, actions: int) -> _Places:
    tokens = batch.tokens.numpy()
    pairs = sketch.pair_cells(tokens[:, :-1], tokens[:, 1:], actions)
    triples, signs = sketch.triple_cells(tokens[:, :-2], tokens[:, 1:-1], tokens[:, 2:])
    whole = batch.present.sum(1).tolist()
    again = [recents.weighted(row[:size]) for row, size in zip(tokens, whole, strict=True)]
    return _Places(
        torch.from_numpy(pairs),
        batch.present[:, 1:].float(),
        torch.from_numpy(triples),
        torch.from_numpy(signs).float() * batch.present[:, 2:],
        torch.from_numpy(np.stack(again)).float(),
    )


def _cells(count: int) -> nn.Embedding:
    return nn.Embedding(count, 1, sparse=True, _weight=torch.zeros(count, 1))


TASK: Task = ActionCounts()
