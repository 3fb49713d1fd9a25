"""How far one unit more moves the gradients of the others, on the real model."""

import numpy as np
import torch
from opacus import GradSampleModule

from deskbound_strategies.mechanism import KERNEL_SLACK
from deskbound_strategies.task import Unit, find_task
from deskbound_strategies.vocabulary import APPS, GAPS, TOKENS

UNITS_IN_A_STEP = 1000


def a_unit(rng: np.random.Generator, length: int) -> Unit:
    """A unit of random actions."""
    sizes = (len(TOKENS), len(APPS), GAPS, 24)
    return Unit(*(rng.integers(0, size, length) for size in sizes))


def test_batches_move_a_gradient_by_less_than_its_share_of_the_slack() -> None:
    rng = np.random.default_rng(5)
    task = find_task("next_action")
    model = GradSampleModule(task.build_model(0), batch_first=True, loss_reduction="sum")

    def gradients(units: list[Unit]) -> torch.Tensor:
        torch.autograd.backward(task.loss_per_unit(model, task.collate(units)).sum())
        flat = [parameter.grad_sample.flatten(1) for parameter in model.parameters()]
        for parameter in model.parameters():
            parameter.grad_sample = parameter.grad = None
        return torch.cat(flat, dim=1).double()

    units = [a_unit(rng, int(length)) for length in rng.integers(8, 256, 16)]
    together = gradients(units)
    for size in (1, 7, 15):
        apart = gradients(units[:size])
        moved = (together[:size] - apart).norm(dim=1) / apart.norm(dim=1)
        assert moved.max().item() < KERNEL_SLACK / UNITS_IN_A_STEP
