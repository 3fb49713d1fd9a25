"""Holds rounds through the laptop's training code and keeps what a server would receive."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from deskbound_audit.attack.trainers import Trainer
from deskbound_strategies import codec
from deskbound_strategies.contract import RoundContract
from deskbound_strategies.task import Task, Unit, Weights, load_weights, weights_of

Matrix = NDArray[np.float64]

CANARY_ACTIONS = 6
FILL = 0.3  # standard deviation of what a hostile server puts where a model starts with zeros


def hold(
    train: Trainer,
    task: Task,
    weights: Weights,
    units: Sequence[Unit],
    contract: RoundContract,
    *,
    rounds: int,
    after_each: Callable[[], None] = lambda: None,
) -> Matrix:
    """Return (rounds, d) noised sums, taken back out of the bytes that leave.

    Every round starts from the same weights. With one step of plain SGD the update is the noised
    sum times a public constant, which the server divides out.

    Args:
        train: the laptop's.
        task: what is trained.
        weights: as sent with every contract.
        units: of the day of data.
        contract: one step, ``sgd``.
        rounds: how many.
        after_each: called after each round.
    """
    layout = task.layout()
    scale = -contract.divisor / contract.learning_rate
    sums = np.empty((rounds, sum(spec.elements for spec in layout)))
    for row in sums:
        left = codec.encode(dict(train(task, weights, units, contract)), layout)
        row[:] = scale * flat(codec.decode(left, layout), layout)
        after_each()
    return sums


def flat(tensors: Mapping[str, NDArray[np.floating]], layout: codec.Layout) -> NDArray[np.float64]:
    """Return (d,) the values of a layout's tensors, in its order."""
    parts = [np.asarray(tensors[spec.name], np.float64).ravel() for spec in layout]
    return np.concatenate(parts)


def gradients(task: Task, weights: Weights, units: Sequence[Unit]) -> Matrix:
    """Return (units, d) gradients of each unit's loss, before any clipping.

    The auditor's own arithmetic: it shares the task's loss with the laptop and nothing else.
    """
    model = task.build_model(0)
    load_weights(model, weights)
    parameters = list(model.parameters())
    rows = np.empty((len(units), sum(parameter.numel() for parameter in parameters)))
    for row, unit in zip(rows, units, strict=True):
        loss = task.loss_per_unit(model, task.collate([unit])).sum()
        found = torch.autograd.grad(loss, parameters, materialize_grads=True)
        row[:] = torch.cat([one.flatten() for one in found]).double().numpy()
    return rows


def clipped(raw: Matrix, clip: float) -> Matrix:
    """Return rows scaled down to norm ``clip`` where they are longer."""
    norms = np.linalg.norm(raw, axis=1, keepdims=True)
    scaled: Matrix = raw * np.minimum(1.0, clip / np.maximum(norms, 1e-300))
    return scaled


def canaries(count: int, seed: int, like: Mapping[str, int]) -> list[Unit]:
    """Return units of a few actions chosen at random: nobody's work, and each unlike the others.

    Args:
        count: how many.
        seed: of the choice.
        like: how many values each column may take: ``tokens``, ``apps``, ``gaps``, ``hours``.
    """
    chances = np.random.default_rng([seed, 1])

    def column(name: str) -> NDArray[np.int64]:
        return chances.integers(0, like[name], CANARY_ACTIONS)

    names = ("tokens", "apps", "gaps", "hours")
    return [Unit(*(column(name) for name in names)) for _ in range(count)]


def coins(count: int, seed: int) -> NDArray[np.bool_]:
    """Return which units take part: each with even odds, on its own."""
    return np.random.default_rng([seed, 2]).random(count) < 0.5


def hostile_weights(task: Task, seed: int) -> Weights:
    """Return weights under which every part of the model passes gradients on.

    A matrix of zeros hides what lies before it. A server that wants to see all fills it.
    """
    model = task.build_model(seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1 and not parameter.any():
                parameter.normal_(0.0, FILL, generator=generator)
    return weights_of(model)
