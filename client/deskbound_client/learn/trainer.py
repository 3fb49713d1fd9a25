"""One round of DP-SGD on this laptop: shared weights and units in, a noised update out.

Nothing here depends on data except through the noised gradients: the divisor is the contract's,
an empty sample still takes its step of noise, a broken unit counts as nothing, and no loss or
count is returned. Which units take part, and the noise, come from the operating system's random
bits; torch's and numpy's global generators are neither read nor seeded.

The caller has reserved the budget before calling, and sets ``torch.set_num_threads``.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.optim import SGD, Adam, Optimizer

from deskbound_client.learn.optimizer import LatticeOptimizer
from deskbound_strategies.contract import RoundContract
from deskbound_strategies.errors import Refusal, RefusalCode
from deskbound_strategies.mechanism import Lattice
from deskbound_strategies.noise import ByteSource, os_source
from deskbound_strategies.task import Task, Unit, Weights, load_weights, weights_of

# Public constants of the local optimizers. A round has few steps, so what they remember has to
# settle within them; the longer memory is the server optimizer's.
SGD_MOMENTUM = 0.5
ADAM_BETAS = (0.9, 0.95)


def train(
    task: Task,
    weights: Mapping[str, NDArray[np.float32]],
    units: Sequence[Unit],
    contract: RoundContract,
    source: ByteSource | None = None,
    *,
    should_stop: Callable[[], bool] = lambda: False,
) -> Weights:
    """Take the contract's DP-SGD steps; return the change of the weights, in layout order.

    Args:
        task: what is learned.
        weights: the shared model, as it came with the contract.
        units: of the admitted days; may be empty.
        contract: accepted by this laptop's policy floor.
        source: fair bits; the operating system's generator unless a test passes its own.
        should_stop: asked before every unit and every step; then nothing is returned.

    Raises:
        Refusal: when the weights are not those of the task or are not finite, and ``internal``
            when it was told to stop.
    """
    source = source or os_source()
    model = task.build_model(0)
    load_weights(model, weights)
    optimizer = private_optimizer(model, contract, source)
    for _ in range(contract.steps):
        for index in poisson_sample(len(units), contract.sampling_rate, source):
            _go_on(should_stop)
            accumulate(task, model, optimizer, units[index])
        _go_on(should_stop)  # a step without units takes time as well
        optimizer.step()
        optimizer.zero_grad()
    trained = weights_of(model)
    return {name: trained[name] - weights[name] for name in trained}


def _go_on(should_stop: Callable[[], bool]) -> None:
    if should_stop():
        raise Refusal(RefusalCode.INTERNAL)


def private_optimizer(
    model: nn.Module, contract: RoundContract, source: ByteSource
) -> LatticeOptimizer:
    """Return the contract's local optimizer behind the contract's clipping and noise."""
    parameters = list(model.parameters())
    dimension = sum(parameter.numel() for parameter in parameters)
    lattice = Lattice(contract.clip, dimension, contract.noise_multiplier)
    return LatticeOptimizer(_local_optimizer(model, contract), lattice, contract.divisor, source)


def poisson_sample(count: int, rate: float, source: ByteSource) -> NDArray[np.int64]:
    """Return the indices of the units that take part in a step: each with chance ``rate``.

    The chance is ``rate`` rounded down to a multiple of 2^-53, so never above what is accounted.

    Args:
        count: how many units there are.
        rate: q, between 0 and 1.
        source: fair bits, eight bytes per unit.
    """
    words = np.frombuffer(source(8 * count), dtype="<u8") >> np.uint64(11)
    return np.flatnonzero(words < np.uint64(int(rate * 2.0**53)))


def _local_optimizer(model: nn.Module, contract: RoundContract) -> Optimizer:
    if contract.local_optimizer == "adam":
        return Adam(model.parameters(), lr=contract.learning_rate, betas=ADAM_BETAS)
    return SGD(model.parameters(), lr=contract.learning_rate, momentum=SGD_MOMENTUM)


def accumulate(task: Task, model: nn.Module, optimizer: LatticeOptimizer, unit: Unit) -> None:
    """Add one unit's clipped gradient to the sum, computed from that unit and the weights alone.

    Never in a batch: kernels round differently when another unit changes the batch's shape, and
    hostile weights blow that up until one unit more moves the sum by several clips.
    """
    loss = task.loss_per_unit(model, task.collate([unit])).sum()
    optimizer.add_unit(torch.autograd.grad(loss, optimizer.params, materialize_grads=True))
