"""May a new model be released? A model that is broken, or much worse than the last, is held back.

Pure. What it is tried on is public (``held_out.py``), so the verdict tells nothing of anybody's
data that the model would not tell. It stops what is loud; a group that makes the model a little
worse each round stays below the margin.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np

from deskbound_strategies.aggregation import FloatTensors
from deskbound_strategies.codec import Tensors
from deskbound_strategies.server_optimizer import OptimizerState, ServerOptimizer, advance


class Cause(StrEnum):
    """Why a model is held back."""

    NOT_FINITE = "not-finite"  # a weight or the held-out loss is infinite or no number
    WORSE = "worse"  # its held-out loss exceeds the last released one's by more than the margin


@dataclass(frozen=True, slots=True)
class Check:
    """What came of trying a model.

    Attributes:
        cause: why it is held back, or None to release it.
        loss: its mean held-out loss per unit, nats; None when there is no finite one.
        before: that of the last released model, or of the first; None without held-out data.
    """

    cause: Cause | None = None
    loss: float | None = None
    before: float | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model that may become the next one.

    Attributes:
        weights, state: of the model and the server's optimizer after it.
        check: what came of trying it.
    """

    weights: Tensors
    state: OptimizerState
    check: Check = field(default_factory=Check)

    def tried(
        self, loss_of: Callable[[Tensors], float] | None, before: float | None, margin: float
    ) -> "Candidate":
        """Return it with the verdict.

        Args:
            loss_of: tries finite weights on held-out data, nats; None when there is none.
            before: loss of the model it follows, nats.
            margin: how much worse it may be, nats.
        """
        if not all(map(_finite, (self.weights, *self.state.moments.values()))):
            return replace(self, check=Check(Cause.NOT_FINITE, None, before))
        loss = None if loss_of is None else loss_of(self.weights)
        return replace(self, check=judge(loss, before, margin))


def next_model(
    optimizer: ServerOptimizer, state: OptimizerState, weights: Tensors, mean: FloatTensors
) -> Candidate:
    """Return what a round made, whatever it is; see ``server_optimizer.advance``."""
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is held back
        return Candidate(*advance(optimizer, state, weights, mean))


def _finite(tensors: Tensors) -> bool:
    return all(bool(np.isfinite(value).all()) for value in tensors.values())


def judge(loss: float | None, before: float | None, margin: float) -> Check:
    """Return whether a model whose weights are finite may be released.

    Args:
        loss: its held-out loss, nats; None when there is nothing to try it on.
        before: that of the model it follows, nats; None when there is none.
        margin: how much worse it may be, nats.
    """
    if loss is not None and not math.isfinite(loss):
        return Check(Cause.NOT_FINITE, None, before)
    if loss is not None and before is not None and loss > before + margin:
        return Check(Cause.WORSE, loss, before)
    return Check(None, loss, before)


def in_words(check: Check) -> str:
    """Return why a model is held back, with the figures, as people read it."""
    if check.cause is Cause.WORSE:
        return f"held-out loss {check.loss:.3f}, before {check.before:.3f} nats"
    return "a weight or the held-out loss is not finite" if check.cause else ""
