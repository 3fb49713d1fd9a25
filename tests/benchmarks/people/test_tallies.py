"""The benchmark's counts are what laptops' own training would send."""

import numpy as np
import pytest

from benchmarks.people.tallies import (
    CLIP,
    DELTA,
    UNIT_ACTIONS,
    UNIT_SECONDS,
    days,
    released,
    sigma_for,
    tally,
)
from deskbound_client.learn.trainer import SGD_MOMENTUM, train
from deskbound_strategies.accounting import SampledGaussian, epsilon_prv
from deskbound_strategies.action_counts import ActionCounts
from deskbound_strategies.task import weights_of
from deskbound_strategies.units import units
from tests.helpers.crowd import SIZE, three_people
from tests.helpers.learning import contract, repeatable

TASK = ActionCounts(SIZE, "0" * 64)


@pytest.fixture(scope="module")
def crowd():
    return three_people()


def sent(crowd, number, kind, **terms):
    """What the training of one laptop comes to, flattened."""
    person = crowd.people[number]
    found = [
        unit for day in days(person) for unit in units(day, kind, UNIT_SECONDS, UNIT_ACTIONS[kind])
    ]
    asked = contract(
        task=TASK.name, clip=CLIP, divisor=1.0, learning_rate=1.0,
        **{"sampling_rate": 1.0, "noise_multiplier": 1e-3, "steps": 1} | terms,
    )  # fmt: skip
    change = train(TASK, weights_of(TASK.build_model(0)), found, asked, repeatable(number))
    return np.concatenate([change[spec.name].ravel() for spec in TASK.layout()]).astype(float)


@pytest.mark.parametrize("kind", ["session", "day"])
def test_units_are_cut_counted_and_clipped_as_on_a_laptop(crowd, kind):
    tallies = tally(crowd, list(crowd.people), kind)
    wanted = sum(sent(crowd, number, kind) for number in range(3))
    found = tallies.summed(np.ones(tallies.units))
    # Three laptops, a million cells: nobody is further off than six standard deviations.
    np.testing.assert_allclose(found, wanted, atol=6 * 1e-3 * np.sqrt(3) + 1e-4)
    norms = np.sqrt(np.bincount(tallies.unit, tallies.value**2))
    assert norms.max() <= CLIP * (1 + 1e-9)
    assert np.isclose(norms.max(), CLIP), "some unit is clipped, or this shows little"


@pytest.mark.parametrize(("rate", "steps"), [(1.0, 1), (0.2, 6)])
def test_the_noise_is_that_of_all_laptops_and_steps(crowd, rate, steps):
    sigma = 1.5
    laptops = sum(
        sent(crowd, number, "session", sampling_rate=rate, noise_multiplier=sigma, steps=steps)
        for number in range(3)
    )
    tallies = tally(crowd, list(crowd.people), "session")
    here = released(tallies, sigma, np.random.default_rng(2), rate, steps)
    assert laptops.shape == here.shape
    assert abs(here.std() / laptops.std() - 1) < 0.02
    left = np.arange(steps, 0, -1)
    weights = (1 - SGD_MOMENTUM**left) / (1 - SGD_MOMENTUM)
    assert abs(here.std() / (sigma * CLIP * np.sqrt(3 * (weights**2).sum())) - 1) < 0.02


@pytest.mark.parametrize(("rate", "steps"), [(1.0, 1), (0.2, 100)])
def test_noise_is_chosen_for_what_all_steps_cost(rate, steps):
    sigma = sigma_for(2.0, rate=rate, steps=steps)
    event = SampledGaussian(rate, sigma, steps)
    assert abs(epsilon_prv([event], DELTA) - 2.0) < 0.01


def test_a_person_as_a_unit_adds_no_more_than_one_session_may(crowd):
    counted = tally(crowd, list(crowd.people), "person")
    assert counted.units == counted.laptops == 3
    norms = np.sqrt(np.bincount(counted.unit, counted.value**2))
    np.testing.assert_allclose(norms, CLIP)


def test_who_weighs_less_adds_less_of_what_it_counted_and_of_its_noise(crowd):
    counted, shares = tally(crowd, list(crowd.people), "session"), np.array([1.0, 0.5, 0.0])
    plain = released(counted, 0.0, np.random.default_rng(1), shares=shares)
    first, second = (counted.summed((counted.owner == number).astype(float)) for number in (0, 1))
    np.testing.assert_allclose(plain, first + 0.5 * second)
    noised = released(counted, 2.0, np.random.default_rng(1), shares=shares) - plain
    assert abs(noised.std() / (2.0 * CLIP * np.sqrt(1.25)) - 1) < 0.02
