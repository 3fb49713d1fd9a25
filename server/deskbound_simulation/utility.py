"""How good each model is on days that nobody trained on, beside what counting alone can do.

A number of laptops, drawn from the seed, is measured; all their positions count alike. Baselines
are fitted on each laptop's own training days, without any noise: what it could do alone.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deskbound_client.learn.evaluate import measure
from deskbound_simulation.activity import Activity
from deskbound_simulation.seeds import seeded_chances
from deskbound_strategies.baselines import baselines, score
from deskbound_strategies.contract import RoundContract
from deskbound_strategies.task import Metrics, Task, Unit

LAPTOPS = 12  # measured at most
POSITIONS = 6_000  # and about so many of their actions

Weights = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Utility:
    """What was measured on the same positions.

    Attributes:
        laptops: how many were measured.
        positions: how many actions were guessed.
        baselines: by name.
        models: one for each model given, in order.
    """

    laptops: int
    positions: int
    baselines: dict[str, Metrics]
    models: list[Metrics]


def measure_all(
    task: Task,
    models: Iterable[Weights],
    activity: Activity,
    asked: RoundContract,
    *,
    laptops: int,
    seed: int,
    told: Callable[[], None] = lambda: None,
) -> Utility:
    """Measure models and baselines.

    Args:
        task: of the models.
        models: weights, in order.
        activity: of the laptops.
        asked: a contract that says how days are cut.
        laptops: how many there are.
        seed: of the draw.
        told: called after each model.
    """
    chosen = seeded_chances(seed, "measured").permutation(laptops)[:LAPTOPS]
    scores: dict[str, list[Metrics]] = {}
    held_out: list[Unit] = []
    measured = 0
    for laptop in map(int, chosen):
        some = _few(activity.held_out(laptop, asked), POSITIONS // min(LAPTOPS, laptops))
        training = [unit for cut in activity.training(laptop, asked).values() for unit in cut.units]
        if not some or not training:
            continue
        measured += 1
        held_out += some
        for name, guess in baselines(training).items():
            scores.setdefault(name, []).append(score(guess, some))
    found: list[Metrics] = []
    for weights in models if held_out else ():
        found.append(measure(task, weights, held_out))
        told()
    pooled = {name: _pooled(each) for name, each in scores.items()}
    positions = sum(len(unit) - 1 for unit in held_out)
    return Utility(measured, positions, pooled, found)


def _few(units: list[Unit], positions: int) -> list[Unit]:
    """Return the first units of a day, until they have so many positions."""
    taken, total = list[Unit](), 0
    for unit in units:
        if total >= positions:
            break
        if len(unit) > 1:
            taken.append(unit)
            total += len(unit) - 1
    return taken


def _pooled(each: list[Metrics]) -> Metrics:
    positions = sum(one.positions for one in each)
    share = max(positions, 1)
    return Metrics(
        positions,
        sum(one.hit1 * one.positions for one in each) / share,
        sum(one.hit5 * one.positions for one in each) / share,
    )
