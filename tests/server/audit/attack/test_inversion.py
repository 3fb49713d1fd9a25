"""On updates of the laptop's real training code."""

from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest

from deskbound_audit.attack import inversion, people, plants
from deskbound_audit.attack.audit import _tensors
from deskbound_audit.attack.releases import hold, hostile_weights
from deskbound_audit.attack.trainers import find_trainer
from deskbound_strategies.task import find_task
from tests.helpers.learning import contract

TASK = find_task("next_action")
WEIGHTS = hostile_weights(TASK, 0)
UNITS = people.units(3, inversion.MOST_ACTIONS, 5)
SURE = contract(sampling_rate=1.0, noise_multiplier=1.0, steps=1, divisor=1.0, learning_rate=1.0)


def recovered(unit, asked, plant):
    with plant():
        sums = hold(find_trainer().train, TASK, WEIGHTS, [unit], asked, rounds=1)
    return inversion.recover(_tensors(sums[0], TASK.layout()), WEIGHTS, unit)


def test_plain_training_tells_what_was_done_and_in_which_order():
    found = [recovered(unit, replace(SURE, clip=1e6), plants.exact_sums) for unit in UNITS]
    assert [one.words for one in found] == [1.0] * 3
    assert np.mean([one.right for one in found]) > 0.8


def test_clipping_alone_hides_nothing():
    found = recovered(UNITS[0], replace(SURE, clip=0.1), plants.exact_sums)
    assert found.words == 1.0
    assert found.right > 0.8


def test_what_is_released_tells_neither():
    found = [recovered(unit, SURE, nullcontext) for unit in UNITS]
    _, prior = inversion.most_frequent(people.units(50, inversion.MOST_ACTIONS, 6))
    assert np.mean([one.right for one in found]) <= prior
    assert np.mean([one.words for one in found]) == pytest.approx(0.5, abs=0.2)


def test_a_common_subsequence_counts_order_and_not_place():
    assert inversion._common([1, 2, 3, 4], [9, 1, 3, 4]) == 3
    assert inversion._common([1, 2], [2, 1]) == 1
    assert inversion._common([], [1]) == 0
