"""Private evaluation: how often a model is right on laptops, clipped, noised and charged.

As with ``action_counts``, it is written as learning. The loss of a unit is minus what the model
scored on it, each figure times a cell that has no other use. So the gradient is minus the scores on
the cells and zero on the network, whatever the weights are, and a round of it is a round like any
other. What comes back for the network is noise alone, and tells how much of it is on the cells.

It is asked of days that no model was trained on yet. All figures are means over units.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from deskbound_strategies.codec import Layout
from deskbound_strategies.model import (
    ARGUMENT_COLUMN,
    COLUMNS,
    HAS_ARGUMENT,
    HEADS,
    KIND_COLUMN,
    NextActionModel,
    token_scores,
)
from deskbound_strategies.task import (
    GUESSES,
    Batch,
    Metrics,
    Task,
    Unit,
    Weights,
    collate,
    evaluate,
    layout_of,
)
from deskbound_strategies.vocabulary import VOCABULARY_HASH, Kind

WHAT = ("action", "kind", "argument")  # argument: given the right kind, where it has one
FIGURES = ("hit1", "hit5", "mrr")
NAMES = tuple(product(WHAT, FIGURES))
# How many units there are, and how many with arguments, then ``NAMES``. What matters most weighs
# most; no unit's scores, each from 0 to 1, then have a norm above 1.
_IMPORTANCE = np.array([1.0, 0.5, 1.0, 1.0, 1.0, *[0.5] * 6])
CELL_WEIGHTS = _IMPORTANCE / np.linalg.norm(_IMPORTANCE)
_NETWORK = "network."
_CELLS = "cells"
_TELLING = 4.0  # standard deviations of noise that a number of units must exceed

# For each kind, which columns are arguments that it can have.
_ARGUMENTS = torch.zeros(len(Kind), COLUMNS, dtype=torch.bool)
for _head in HEADS:
    for _kind in _head.kinds:
        _ARGUMENTS[int(_kind), _head.start : _head.stop] = True


class HitsModel(nn.Module):
    """The network that is tried, and the cells of its scores.

    Args:
        seed: of the network's weights; the cells are zero.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.network = NextActionModel(seed)
        self.cells = nn.Parameter(torch.zeros(len(CELL_WEIGHTS)))


class NextActionHits:
    """Counts how often the next action, its kind and its argument were guessed."""

    name = "next_action_hits"
    vocabulary_hash = VOCABULARY_HASH
    held_out = True

    def layout(self) -> Layout:
        """Return the layout of network and cells."""
        return layout_of(HitsModel(0))

    def build_model(self, seed: int) -> HitsModel:
        """Return a new network whose weights depend on the seed alone, and empty cells."""
        return HitsModel(seed)

    def collate(self, units: Sequence[Unit]) -> Batch:
        """Put units side by side, padded at the end."""
        return collate(units)

    def loss_per_unit(self, model: nn.Module, batch: Batch) -> Tensor:
        """Return (units,) minus the cells times the scores of a unit, which are constants."""
        model = cast("HitsModel", model)
        with torch.no_grad():
            scored = unit_scores(model.network, batch)
        return -(scored * torch.from_numpy(CELL_WEIGHTS).float() * model.cells).sum(dim=1)

    def scores(self, model: nn.Module, batch: Batch) -> Tensor:
        """Return (units, length, tokens) the network's scores of what follows each action."""
        return token_scores(cast("HitsModel", model).network(batch))

    def evaluate(self, model: nn.Module, units: Sequence[Unit]) -> Metrics:
        """Return how often the network's first guess, or one of its first five, was right."""
        return evaluate(self, model, units)


def around(network: Mapping[str, NDArray[np.float32]]) -> Weights:
    """Return weights of this task that try a model of ``next_action``."""
    cells = np.zeros(len(CELL_WEIGHTS), np.float32)
    return {**{_NETWORK + name: value for name, value in network.items()}, _CELLS: cells}


def unit_scores(network: NextActionModel, batch: Batch) -> Tensor:
    """Return (units, 2 + names) scores of each unit, from 0 to 1; see ``CELL_WEIGHTS``.

    A unit of a single action has nothing to guess and scores zero everywhere.
    """
    found = cast("Tensor", network(batch))[:, :-1]
    wanted, present = batch.tokens[:, 1:], batch.present[:, 1:]
    kinds = KIND_COLUMN[wanted]
    among = found.masked_fill(~_ARGUMENTS[kinds], -math.inf)
    ranks = (
        rank_among(token_scores(found), wanted),
        rank_among(found[..., : len(Kind)], kinds),
        rank_among(among, ARGUMENT_COLUMN[wanted]),
    )
    told = (present, present, present & HAS_ARGUMENT[wanted])
    parts = [_means(rank, where) for rank, where in zip(ranks, told, strict=True)]
    units = [where.any(dim=1).float()[:, None] for where in (told[0], told[2])]
    return torch.cat([*units, *parts], dim=1)


def rank_among(scores: Tensor, wanted: Tensor) -> Tensor:
    """Return how many scores come before the right one; ties go to the smaller index.

    Args:
        scores: (units, length, choices).
        wanted: (units, length) indices of the right ones.
    """
    mine = scores.gather(2, wanted[..., None])
    before = torch.arange(scores.shape[-1]) < wanted[..., None]
    return ((scores > mine) | ((scores == mine) & before)).sum(dim=2)


def _means(rank: Tensor, where: Tensor) -> Tensor:
    """Return (units, figures) means over the positions that count."""
    figures = torch.stack([rank < 1, rank < GUESSES, 1.0 / (rank + 1.0)], dim=2)
    return (figures * where[..., None]).sum(dim=1) / where.sum(dim=1).clamp(min=1)[:, None]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure, and the standard deviation that the noise gives it."""

    value: float
    error: float


def read_hits(
    before: Mapping[str, NDArray[np.float32]], after: Mapping[str, NDArray[np.float32]]
) -> dict[tuple[str, str], Estimate]:
    """Return what a round told: an estimate for each of ``NAMES`` that rises above the noise.

    The error is of the noise alone; that there are only so many units comes on top.

    Args:
        before: weights the round began with.
        after: those it released.
    """
    noise = [after[name] - before[name] for name in before if name.startswith(_NETWORK)]
    sigma = math.sqrt(float(np.mean(np.concatenate([one.ravel() for one in noise]) ** 2.0)))
    sums = (after[_CELLS].astype(np.float64) - before[_CELLS]) / CELL_WEIGHTS
    errors = sigma / CELL_WEIGHTS
    found = {}
    for place, name in enumerate(NAMES, start=2):
        units = 1 if name[0] == "argument" else 0
        if sums[units] > _TELLING * errors[units]:
            value = float(np.clip(sums[place] / sums[units], 0.0, 1.0))
            error = math.hypot(errors[place], value * errors[units]) / sums[units]
            found[name] = Estimate(value, error)
    return found


TASK: Task = NextActionHits()
