"""What the model expects next, in tokens and probabilities; it stays on the laptop."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from deskbound_strategies.task import Task, Unit, load_weights


def forecast(
    task: Task, weights: Mapping[str, NDArray[np.float32]], unit: Unit, guesses: int
) -> list[tuple[int, float]]:
    """Return the likeliest next tokens after a unit with their probabilities, best first.

    Args:
        task: whose model it is.
        weights: of the model.
        unit: the actions so far, at least one.
        guesses: how many tokens.

    Raises:
        Refusal: when the weights are not those of the task or are not finite.
    """
    model = task.build_model(0)
    load_weights(model, weights)
    with torch.no_grad():
        scores = task.scores(model, task.collate([unit]))[0, -1]
        best = scores.exp().topk(guesses)
    return list(zip(best.indices.tolist(), best.values.tolist(), strict=True))
