"""How good the shared model is here: on days it never saw, beside what this laptop could do alone.

The figures stay on the laptop; nothing of them has a way out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deskbound_strategies.baselines import baselines, score
from deskbound_strategies.task import Metrics, Task, Unit, load_weights


@dataclass(frozen=True, slots=True)
class Comparison:
    """The shared model and the baselines on the same held-out positions.

    Attributes:
        model: the shared model.
        baselines: most frequent, repeat last, most recently used, Markov 1 and 2, by name.
    """

    model: Metrics
    baselines: dict[str, Metrics]


def split_days(days: Sequence[Sequence[Unit]], held_out: int = 1) -> tuple[list[Unit], list[Unit]]:
    """Return the units of all but the last days, and those of the last ``held_out`` days.

    Raises:
        ValueError: when that leaves nothing on one side.
    """
    if not 0 < held_out < len(days):
        raise ValueError("there must be days to learn from and days to be tested on")
    training = [unit for day in days[:-held_out] for unit in day]
    return training, [unit for day in days[-held_out:] for unit in day]


def measure(
    task: Task, weights: Mapping[str, NDArray[np.float32]], units: Sequence[Unit]
) -> Metrics:
    """Return how well a model with these weights predicts these units.

    Raises:
        Refusal: when the weights are not those of the task or are not finite.
    """
    model = task.build_model(0)
    load_weights(model, weights)
    return task.evaluate(model, units)


def compare(
    task: Task,
    weights: Mapping[str, NDArray[np.float32]],
    training: Sequence[Unit],
    held_out: Sequence[Unit],
) -> Comparison:
    """Set the shared model beside the baselines fitted on this laptop's training units.

    Raises:
        Refusal: when the weights are not those of the task or are not finite.
    """
    fitted = baselines(training)
    return Comparison(
        model=measure(task, weights, held_out),
        baselines={name: score(guess, held_out) for name, guess in fitted.items()},
    )
