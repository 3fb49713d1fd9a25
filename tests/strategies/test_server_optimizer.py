import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from deskbound_strategies.codec import TensorSpec
from deskbound_strategies.errors import Refusal
from deskbound_strategies.server_optimizer import (
    NAMES,
    ServerOptimizer,
    advance,
    initial_state,
    state_from_bytes,
    state_to_bytes,
)

LAYOUT = (TensorSpec("weight", (2, 2)), TensorSpec("bias", (3,)))
values = st.floats(-10, 10, width=32)


def means():
    return st.fixed_dictionaries(
        {spec.name: hnp.arrays(np.float64, spec.shape, elements=values) for spec in LAYOUT}
    )


def zeros():
    return {spec.name: np.zeros(spec.shape, np.float32) for spec in LAYOUT}


@given(means())
def test_fedavg_at_rate_one_adds_the_mean(mean):
    rule = ServerOptimizer("fedavg")
    weights, state = advance(rule, initial_state(rule, LAYOUT), zeros(), mean)
    for name, value in weights.items():
        np.testing.assert_array_equal(value, mean[name].astype(np.float32))
    assert state.step == 1


def test_fedavgm_gathers_speed_as_written_in_the_paper():
    rule = ServerOptimizer("fedavgm", learning_rate=0.5, momentum=0.9)
    state, weights = initial_state(rule, LAYOUT), zeros()
    velocity = position = 0.0
    for mean in (1.0, -2.0, 0.25):
        constant = {spec.name: np.full(spec.shape, mean) for spec in LAYOUT}
        weights, state = advance(rule, state, weights, constant)
        velocity = 0.9 * velocity + mean
        position += 0.5 * velocity
        np.testing.assert_allclose(weights["bias"], position, rtol=1e-6)


def test_fedadam_takes_a_first_step_of_the_learning_rate_whatever_the_scale():
    rule = ServerOptimizer("fedadam", learning_rate=0.1, stability=1e-9)
    for scale in (1e-3, 1.0, 1e3):
        mean = {spec.name: np.full(spec.shape, -scale) for spec in LAYOUT}
        weights, _ = advance(rule, initial_state(rule, LAYOUT), zeros(), mean)
        np.testing.assert_allclose(weights["weight"], -0.1, rtol=1e-4)


@pytest.mark.parametrize("name", NAMES)
@given(rounds=st.lists(means(), min_size=2, max_size=5), cut=st.integers(1, 4))
def test_a_run_saved_and_resumed_computes_the_same_bits(name, rounds, cut):
    rule = ServerOptimizer(name, learning_rate=0.3)
    straight, resumed = (zeros(), initial_state(rule, LAYOUT)), (zeros(), None)
    state = initial_state(rule, LAYOUT)
    for number, mean in enumerate(rounds):
        straight = advance(rule, straight[1], straight[0], mean)
        if number == cut:
            state = state_from_bytes(rule, state_to_bytes(rule, state, LAYOUT), LAYOUT)
        weights, state = advance(rule, state, resumed[0], mean)
        resumed = (weights, None)
    for spec in LAYOUT:
        assert straight[0][spec.name].tobytes() == resumed[0][spec.name].tobytes()
    assert straight[1].step == state.step == len(rounds)


@pytest.mark.parametrize("name", NAMES)
def test_advance_leaves_its_arguments_alone(name):
    rule = ServerOptimizer(name)
    weights, state = zeros(), initial_state(rule, LAYOUT)
    mean = {spec.name: np.ones(spec.shape) for spec in LAYOUT}
    advance(rule, state, weights, mean)
    assert not weights["bias"].any()
    assert all(not tensor.any() for moment in state.moments.values() for tensor in moment.values())


def test_the_state_of_another_optimizer_is_refused():
    momentum = ServerOptimizer("fedavgm")
    data = state_to_bytes(momentum, initial_state(momentum, LAYOUT), LAYOUT)
    with pytest.raises(Refusal):
        state_from_bytes(ServerOptimizer("fedadam"), data, LAYOUT)


@pytest.mark.parametrize(
    "settings",
    [
        {"name": "sgd"},
        {"learning_rate": 0.0},
        {"learning_rate": float("nan")},
        {"momentum": 1.0},
        {"second_momentum": -0.1},
        {"stability": 0.0},
    ],
)
def test_constants_out_of_range_are_refused(settings):
    with pytest.raises(ValueError, match="server optimizer"):
        ServerOptimizer(**settings)
