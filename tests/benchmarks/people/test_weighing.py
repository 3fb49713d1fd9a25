"""Laptops weigh by what their noised counts tell, and their noise weighs as they do."""

import math

import numpy as np
import pytest

from benchmarks.people.sets import Crowd, Person
from benchmarks.people.tallies import tally
from benchmarks.people.weighing import rise, weights
from deskbound_strategies.sketch import SCALE, SINGLE_WEIGHT
from deskbound_strategies.weighing import HALF


def a_tally(*days: int):
    """People with so many days of a few actions each; an action is worth the same of each."""
    rng = np.random.default_rng(1)
    people = [
        Person(rng.integers(0, 50, 4 * count), np.repeat(np.arange(count) * 86_400, 4))
        for count in days
    ]
    return tally(Crowd("made up", tuple(people), 50), people, "session", again=False)


def test_without_noise_a_weight_is_that_of_what_was_counted():
    found = weights(a_tally(30, 20, 10), 0.0, np.random.default_rng(1))
    told = np.array([30, 20, 10]) * 4 * SINGLE_WEIGHT / SCALE
    wanted = told / (told + HALF * told.mean())
    np.testing.assert_allclose(found / found.sum(), wanted / wanted.sum())


def test_an_amount_comes_with_the_noise_of_all_cells_of_single_actions():
    tallies, sigma = a_tally(*[3] * 400), 0.02
    found = weights(tallies, sigma, np.random.default_rng(1))
    found /= found.mean() * (1 + HALF)  # an average one's weight
    told = 3 * 4 * SINGLE_WEIGHT / SCALE
    amounts = HALF * told * found / (1 - found)  # the mean hardly moves among so many
    assert amounts.std() == pytest.approx(sigma * math.sqrt(50), rel=0.1)


def test_the_best_weights_are_what_laptops_hold():
    held = np.array([100.0, 40.0, 3.0, 1.0])
    assert rise(np.ones(4), held) == pytest.approx(1.0)
    assert rise(held, held) > rise(held / (held + held.mean()), held) > 1.0
    assert rise(3 * held, held) == pytest.approx(rise(held, held))
