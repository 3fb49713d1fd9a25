"""The first task: which action comes next, out of the whole published vocabulary."""

from collections.abc import Sequence
from functools import cache
from typing import cast

from torch import Tensor, nn

from deskbound_strategies.codec import Layout
from deskbound_strategies.model import (
    TOKEN_COLUMNS,
    TOLD,
    NextActionModel,
    token_scores,
)
from deskbound_strategies.task import Batch, Metrics, Task, Unit, collate, evaluate, layout_of
from deskbound_strategies.vocabulary import VOCABULARY_HASH


class NextAction:
    """Predicts each action of a unit from those before it."""

    name = "next_action"
    vocabulary_hash = VOCABULARY_HASH
    held_out = False

    def layout(self) -> Layout:
        """Return the layout of the model's weights."""
        return _layout()

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
        told = found.gather(2, TOKEN_COLUMNS[wanted]) * TOLD[wanted]
        likelihood = told.sum(dim=2) * counts
        return -likelihood.sum(dim=1) / counts.sum(dim=1).clamp(min=1.0)

    def scores(self, model: nn.Module, batch: Batch) -> Tensor:
        """Return (units, length, tokens) log probabilities of what follows each action."""
        return token_scores(cast("Tensor", model(batch)))

    def evaluate(self, model: nn.Module, units: Sequence[Unit]) -> Metrics:
        """Return how often the model's first guess, or one of its first five, was right."""
        return evaluate(self, model, units)


@cache
def _layout() -> Layout:
    """Look at a model once: a layout is a constant, and asked for several times a round."""
    return layout_of(NextActionModel(0))


TASK: Task = NextAction()
