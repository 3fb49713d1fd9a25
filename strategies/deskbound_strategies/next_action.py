"""The first task: which action comes next, out of the whole published vocabulary."""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from deskbound_strategies.codec import Layout
from deskbound_strategies.model import (
    ARGUMENT_COLUMN,
    HAS_ARGUMENT,
    KIND_COLUMN,
    NextActionModel,
    token_scores,
)
from deskbound_strategies.task import Batch, Metrics, Task, Unit, collate, layout_of
from deskbound_strategies.vocabulary import VOCABULARY_HASH

GUESSES = 5
_EVALUATED_AT_ONCE = 16


class NextAction:
    """Predicts each action of a unit from those before it."""

    name = "next_action"
    vocabulary_hash = VOCABULARY_HASH

    def layout(self) -> Layout:
        """Return the layout of the model's weights."""
        return layout_of(NextActionModel(0))

    def build_model(self, seed: int) -> NextActionModel:
        """Return a new model whose weights depend on the seed alone."""
        return NextActionModel(seed)

    def collate(self, units: Sequence[Unit]) -> Batch:
        """Put units side by side, padded at the end."""
        return collate(units)

    def loss_per_unit(self, model: nn.Module, batch: Batch) -> Tensor:
        """Return (units,) mean negative log likelihoods of the actions that have one before them.

        A unit of a single action has nothing to predict: its loss is zero, and so is its gradient.
        """
        found = cast("Tensor", model(batch))[:, :-1]
        wanted = batch.tokens[:, 1:]
        counts = batch.present[:, 1:].float()
        kind = found.gather(2, KIND_COLUMN[wanted].unsqueeze(2)).squeeze(2)
        argument = found.gather(2, ARGUMENT_COLUMN[wanted].unsqueeze(2)).squeeze(2)
        likelihood = (kind + argument * HAS_ARGUMENT[wanted]) * counts
        return -likelihood.sum(dim=1) / counts.sum(dim=1).clamp(min=1.0)

    def evaluate(self, model: nn.Module, units: Sequence[Unit]) -> Metrics:
        """Return how often the model's first guess, or one of its first five, was right."""
        positions = first = among = 0
        ordered = sorted((unit for unit in units if len(unit) > 1), key=len)
        with torch.no_grad():
            for start in range(0, len(ordered), _EVALUATED_AT_ONCE):
                batch = self.collate(ordered[start : start + _EVALUATED_AT_ONCE])
                guesses = token_scores(model(batch)[:, :-1]).topk(GUESSES, dim=-1).indices
                right = guesses == batch.tokens[:, 1:, None]
                right &= batch.present[:, 1:, None]
                positions += int(batch.present[:, 1:].sum())
                first += int(right[..., 0].sum())
                among += int(right.any(dim=-1).sum())
        return Metrics(positions, first / max(positions, 1), among / max(positions, 1))


TASK: Task = NextAction()
