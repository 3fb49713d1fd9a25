import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbound_server.publication import Candidate, Cause, Check, in_words, judge, next_model
from deskbound_strategies.codec import TensorSpec
from deskbound_strategies.server_optimizer import ServerOptimizer, initial_state

LAYOUT = (TensorSpec("w", (2,)),)
losses = st.floats(0.0, 100.0)


def candidate(value: float, moment: float = 0.0) -> Candidate:
    state = initial_state(ServerOptimizer("fedavgm"), LAYOUT)
    state.moments["velocity"]["w"] = np.full(2, moment, np.float32)
    return Candidate({"w": np.array([0.0, value], np.float32)}, state)


@given(losses, losses, st.floats(0.0, 10.0))
def test_a_model_is_released_unless_it_is_worse_by_more_than_the_margin(loss, before, margin):
    found = judge(loss, before, margin)
    assert (found.cause is Cause.WORSE) == (loss > before + margin)
    assert (found.loss, found.before) == (loss, before)


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite_is_never_better(loss):
    assert judge(loss, 5.0, 1e9) == Check(Cause.NOT_FINITE, None, 5.0)


def test_without_held_out_data_what_is_finite_is_released():
    assert judge(None, None, 0.0).cause is None
    assert candidate(1.0).tried(None, None, 0.0).check == Check()


@pytest.mark.parametrize("wrong", [(math.nan, 0.0), (math.inf, 0.0), (1.0, math.inf)])
def test_weights_or_memory_that_are_not_finite_are_held_back_untried(wrong):
    tried = candidate(*wrong).tried(lambda _: pytest.fail("it was tried"), 5.0, 1.0)
    assert tried.check == Check(Cause.NOT_FINITE, None, 5.0)


def test_a_model_is_tried_on_the_data():
    tried = candidate(7.0).tried(lambda weights: float(weights["w"][1]), 5.0, 1.0)
    assert tried.check == Check(Cause.WORSE, 7.0, 5.0)
    assert "7.000" in in_words(tried.check)
    assert "5.000" in in_words(tried.check)


def test_a_mean_that_overflows_float32_makes_a_model_that_is_held_back():
    optimizer = ServerOptimizer("fedavg", learning_rate=10.0)
    weights = {"w": np.zeros(2, np.float32)}
    mean = {"w": np.array([1.0, 1e38])}
    made = next_model(optimizer, initial_state(optimizer, LAYOUT), weights, mean)
    assert made.tried(None, None, 0.0).check.cause is Cause.NOT_FINITE


def test_every_cause_has_words_and_a_release_has_none():
    assert all(in_words(Check(cause, 2.0, 1.0)) for cause in Cause)
    assert in_words(Check(None, 2.0, 1.0)) == ""
