"""The support attack: outputs that one input can give and its neighbour cannot.

Float noise is drawn from a grid that depends on its size and is rounded again when it is added, so
many outputs are impossible under a neighbour: seen once, they decide with certainty, whatever
epsilon is claimed. Here the attacker sees single coordinates of what really leaves the optimizer.
"""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn
from torch.optim import SGD

from deskbound_client.learn.optimizer import LatticeOptimizer
from deskbound_strategies.mechanism import Lattice

WIDTH = 100_000
Outputs = NDArray[np.float32]


def impossible(outputs: Outputs, centre: np.float32) -> NDArray[np.bool_]:
    """Return which outputs no float32 noise added to ``centre`` can give.

    Rounded addition is monotone, so only the floats next to the exact difference can do it.
    """
    exact = (outputs.astype(np.float64) - np.float64(centre)).astype(np.float32)
    found = np.zeros(outputs.size, dtype=bool)
    below = above = exact
    for _ in range(3):
        for candidate in (below, above):
            found |= (centre + candidate).astype(np.float32) == outputs
        below = np.nextafter(below, np.float32(-np.inf))
        above = np.nextafter(above, np.float32(np.inf))
    return ~found


def released(contribution: float, lattice: Lattice, steps: int) -> Iterator[Outputs]:
    """Yield what the real optimizer hands on for one unit that adds this to every coordinate."""
    layer = nn.Linear(WIDTH, 1, bias=False)
    optimizer = LatticeOptimizer(SGD(layer.parameters(), lr=1.0), lattice, divisor=1.0)
    (weights,) = optimizer.params
    for _ in range(steps):
        weights.grad_sample = torch.full((1, 1, WIDTH), contribution)
        optimizer.step()
        yield weights.grad.numpy().ravel().copy()


def off_the_lattice(outputs: Outputs, lattice: Lattice) -> NDArray[np.bool_]:
    """Return which outputs no number of lattice steps is: the only ones a neighbour excludes.

    Every whole number of steps has positive probability whatever the sum was, so support is the
    lattice itself, for every input.
    """
    steps = outputs.astype(np.float64) / lattice.step
    return steps != np.rint(steps)


def attack(steps: int) -> int:
    """Return how many of ``steps * WIDTH`` coordinates tell two neighbours apart for certain."""
    lattice = Lattice(1.0, WIDTH, 1.0)
    most = lattice.clip / np.sqrt(WIDTH)  # a unit that uses up its clip
    caught = 0
    for contribution in (0.0, most):
        other = np.float32(np.rint((most - contribution) / lattice.step) * lattice.step)
        for outputs in released(contribution, lattice, steps // 2):
            caught += int(np.sum(off_the_lattice(outputs, lattice) | impossible(outputs, other)))
    return caught


@pytest.mark.parametrize("library", ["torch", "numpy"])
def test_the_attack_works_on_the_noise_of_common_libraries(library: str) -> None:
    """The positive control: over a fifth of all outputs of 0 prove that it was not 1."""
    count, sigma = 1_000_000, 1.0
    if library == "torch":
        noise = torch.normal(0.0, sigma, (count,), generator=torch.Generator().manual_seed(1))
        outputs = noise.numpy()
    else:
        outputs = np.random.default_rng(1).normal(0.0, sigma, count).astype(np.float32)
    assert impossible(outputs, np.float32(1.0)).mean() > 0.20
    # No false alarm: what was made from 1 is never called impossible under 1.
    assert not impossible(outputs + np.float32(1.0), np.float32(1.0)).any()


def test_the_lattice_check_sees_what_is_off_it() -> None:
    lattice = Lattice(1.0, WIDTH, 1.0)
    off = np.float32(lattice.step) * np.float32(3.5)
    assert off_the_lattice(np.array([off, 4 * lattice.step], np.float32), lattice).tolist() == [
        True,
        False,
    ]


def test_it_finds_nothing_in_a_million_coordinates() -> None:
    assert attack(steps=10) == 0


@pytest.mark.slow
def test_it_finds_nothing_in_ten_million_coordinates() -> None:
    assert attack(steps=100) == 0
