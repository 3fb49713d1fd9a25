"""What a laptop told by its counts, and how much its updates weigh then."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbound_client.learn.trainer import train
from deskbound_strategies.action_counts import TASK
from deskbound_strategies.sketch import SCALE, SINGLE_WEIGHT
from deskbound_strategies.task import weights_of
from deskbound_strategies.vocabulary import TOKENS
from deskbound_strategies.weighing import (
    HALF,
    SINGLES,
    TELLING,
    Told,
    mean_told,
    told,
    unscaled,
    weighed,
    weight,
)
from tests.helpers.learning import contract, repeatable, some_units

COUNTING = contract(
    task=TELLING, sampling_rate=1.0, steps=1, noise_multiplier=0.01, divisor=3.0, learning_rate=0.5
)
amounts = st.floats(-1e6, 1e6)
means = st.floats(1e-3, 1e6)


@pytest.fixture(scope="module")
def update():
    """What counting twenty short units comes to, nearly without noise."""
    empty = weights_of(TASK.build_model(0))
    return train(TASK, empty, some_units([5] * 20), COUNTING, repeatable(1))


def test_an_amount_is_what_units_move_the_cells_of_actions_by_in_clips(update):
    mine = told(COUNTING, update)
    assert mine is not None
    counted = 20 * 5 * SINGLE_WEIGHT / SCALE  # units so short are not clipped
    assert mine.noise == pytest.approx(0.01 * math.sqrt(len(TOKENS)))
    assert mine.amount == pytest.approx(counted, abs=5 * mine.noise)
    # Public constants of the round do not change it.
    empty = weights_of(TASK.build_model(0))
    other = replace(COUNTING, divisor=100.0, learning_rate=2.0)
    again = told(other, train(TASK, empty, some_units([5] * 20), other, repeatable(2)))
    assert again.amount == pytest.approx(counted, abs=5 * mine.noise)


def test_the_mean_is_read_from_the_model_that_the_round_made(update):
    mine = told(COUNTING, update)
    assert mean_told(COUNTING, update) == mine.amount, "a fleet of one"
    doubled = {name: 2 * values for name, values in update.items()}
    assert mean_told(COUNTING, doubled) == pytest.approx(2 * mine.amount)
    assert mean_told(COUNTING, {name: -values for name, values in update.items()}) == 0.0


@pytest.mark.parametrize(
    "asked",
    [
        replace(COUNTING, task="next_action"),
        replace(COUNTING, sampling_rate=0.99),
        replace(COUNTING, steps=2),
        replace(COUNTING, local_optimizer="adam"),
    ],
)
def test_what_does_not_count_all_units_once_tells_nothing(asked, update):
    assert told(asked, update) is None


@given(amounts, amounts, st.floats(0.0, 1e6), means)
def test_a_weight_lies_between_0_and_1_and_grows_with_what_was_told(one, other, noise, mean):
    low, high = sorted((one, other))
    less, more = weight(Told(low, noise), mean), weight(Told(high, noise), mean)
    assert 0.0 <= less <= more <= 1.0
    assert weight(Told(min(low, noise), noise), mean) == weight(Told(noise, noise), mean), (
        "below the noise an amount says nothing"
    )


@given(means)
def test_who_told_the_mean_and_who_never_told_count_as_one_laptop(mean):
    average = weight(Told(mean, 0.0), mean)
    assert average * unscaled(mean) == pytest.approx(1.0)
    assert weight(None, mean) == average == pytest.approx(1 / (1 + HALF))
    assert weight(Told(1e12 * mean, 0.0), mean) * unscaled(mean) <= 1 + HALF, "nobody is five"


def test_where_a_contract_weighs_nobody_an_update_is_the_same_bit_for_bit(update):
    assert weight(Told(3.0, 1.0), 0.0) == weight(None, 0.0) == unscaled(0.0) == 1.0
    assert weighed(update, 1.0) is update


def test_a_fleet_that_drowns_in_noise_weighs_nearly_alike():
    rng, mean = np.random.default_rng(1), 4.0
    shares = [weight(Told(mean + 100 * rng.normal(), 100.0), mean) for _ in range(1000)]
    assert min(shares) / max(shares) > 0.8


def test_all_of_an_update_is_scaled_and_stays_float32(update):
    half = weighed(update, 0.5)
    assert half.keys() == update.keys()
    for name, values in half.items():
        assert values.dtype == np.float32
        np.testing.assert_array_equal(values, update[name] * np.float32(0.5))


def test_names_are_those_of_the_counting_task(update):
    assert TASK.name == TELLING
    assert update[SINGLES].size == len(TOKENS)
