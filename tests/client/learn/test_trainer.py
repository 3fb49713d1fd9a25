"""A round on the laptop: what comes out, what chance decides, and what is refused."""

import numpy as np
import pytest
import torch

from deskbound_client.learn.trainer import poisson_sample, train
from deskbound_strategies.errors import Refusal, RefusalCode
from deskbound_strategies.next_action import TASK
from deskbound_strategies.noise import os_source
from deskbound_strategies.task import load_weights, weights_of
from tests.helpers.learning import contract, repeatable, some_units

WEIGHTS = weights_of(TASK.build_model(1))


def test_an_update_has_the_layout_of_the_task():
    update = train(TASK, WEIGHTS, some_units([4, 9]), contract(), repeatable(1))
    assert [(n, u.shape) for n, u in update.items()] == [(s.name, s.shape) for s in TASK.layout()]
    assert {u.dtype for u in update.values()} == {np.dtype(np.float32)}
    assert all(np.isfinite(u).all() and u.any() for u in update.values())


def test_the_incoming_weights_are_not_touched():
    before = {name: value.copy() for name, value in WEIGHTS.items()}
    train(TASK, WEIGHTS, some_units([4]), contract(), repeatable(1))
    assert all((before[name] == WEIGHTS[name]).all() for name in before)


@pytest.mark.parametrize("units", [[], some_units([1]), some_units([1, 1, 1])])
def test_with_nothing_to_learn_the_update_is_noise_all_the_same(units):
    update = train(TASK, WEIGHTS, units, contract(), repeatable(2))
    assert all(u.any() for u in update.values())


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_the_update_is_a_function_of_units_contract_and_bits(optimizer):
    terms = contract(local_optimizer=optimizer)
    first, same, other = (
        train(TASK, WEIGHTS, some_units([8, 5]), terms, repeatable(seed)) for seed in (1, 1, 2)
    )
    assert all((first[name] == same[name]).all() for name in first)
    assert any((first[name] != other[name]).any() for name in first)


def test_no_global_generator_is_read_or_seeded():
    torch.manual_seed(7)
    np.random.seed(7)  # noqa: NPY002 - the global generator is what this test is about
    states = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    train(TASK, WEIGHTS, some_units([8, 5]), contract())
    assert (torch.get_rng_state() == states[0]).all()
    assert (np.random.get_state()[1] == states[1]).all()  # noqa: NPY002


def test_noise_differs_even_when_global_generators_are_seeded():
    updates = []
    for _ in range(2):
        torch.manual_seed(7)
        np.random.seed(7)  # noqa: NPY002 - the global generator is what this test is about
        updates.append(train(TASK, WEIGHTS, [], contract()))
    assert all((updates[0][name] != updates[1][name]).any() for name in WEIGHTS)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(value):
    broken = {name: array.copy() for name, array in WEIGHTS.items()}
    broken["heads.bias"][3] = value
    with pytest.raises(Refusal) as refused:
        train(TASK, broken, [], contract())
    assert refused.value.code is RefusalCode.WEIGHTS_NOT_FINITE


def test_weights_of_another_shape_or_name_are_refused():
    for change in ({"heads.bias": np.zeros(3, np.float32)}, {"extra": np.zeros(1, np.float32)}):
        with pytest.raises(Refusal) as refused:
            train(TASK, WEIGHTS | change, [], contract())
        assert refused.value.code is RefusalCode.WEIGHTS_MALFORMED


def test_without_much_noise_training_learns_its_units():
    units = some_units([12] * 4)
    terms = contract(
        sampling_rate=1.0, noise_multiplier=0.01, clip=5.0, divisor=4.0, steps=40,
        local_optimizer="adam", learning_rate=0.01,
    )  # fmt: skip
    update = train(TASK, WEIGHTS, units, terms, repeatable(3))
    model = TASK.build_model(0)
    load_weights(model, {name: WEIGHTS[name] + update[name] for name in WEIGHTS})
    before = TASK.loss_per_unit(TASK.build_model(1), TASK.collate(units)).mean()
    after = TASK.loss_per_unit(model, TASK.collate(units)).mean()
    assert after < 0.5 * before


def test_each_unit_is_sampled_at_the_rate_and_alone():
    draws = np.zeros((4_000, 6))
    source = repeatable(4)
    for row in draws:
        row[poisson_sample(6, 0.3, source)] = 1
    # 4,000 draws: one standard error of a rate is 0.0072, of a covariance 0.0033.
    np.testing.assert_allclose(draws.mean(axis=0), 0.3, atol=5 * 0.0072)
    covariance = np.cov(draws.T)
    np.testing.assert_allclose(covariance, np.diag([0.21] * 6), atol=5 * 0.0047)


def test_sampling_at_the_ends_and_from_the_operating_system():
    assert poisson_sample(50, 1.0, os_source()).tolist() == list(range(50))
    assert poisson_sample(0, 0.5, os_source()).size == 0
    assert poisson_sample(1_000, 1e-12, os_source()).size == 0
    sizes = {poisson_sample(1_000, 0.5, os_source()).tobytes() for _ in range(3)}
    assert len(sizes) == 3


@pytest.mark.parametrize("units", [[], some_units([4] * 20)])
def test_told_to_stop_it_returns_nothing(units):
    asked = []

    def stop():
        asked.append(1)
        return len(asked) == 3

    terms = contract(steps=50, sampling_rate=1.0)
    with pytest.raises(Refusal) as refused:
        train(TASK, WEIGHTS, units, terms, should_stop=stop)
    assert refused.value.code is RefusalCode.INTERNAL
    assert len(asked) == 3


def test_being_asked_changes_nothing():
    first = train(TASK, WEIGHTS, some_units([8, 5]), contract(), repeatable(1))
    same = train(
        TASK, WEIGHTS, some_units([8, 5]), contract(), repeatable(1), should_stop=lambda: False
    )
    assert all((first[name] == same[name]).all() for name in first)
