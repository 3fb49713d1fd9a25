import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbound_server.plan import RoundPlan
from deskbound_strategies.contract import RoundContract
from tests.helpers.server import new_plan

NAMES = {
    "run": "0" * 32, "number": 3, "vocabulary_hash": "a" * 64, "model_hash": "b" * 64,
    "anchors": "c" * 64, "issued": 100,
}  # fmt: skip


def test_a_plan_survives_the_database():
    plan = new_plan(server_optimizer="fedadam", server_learning_rate=0.05, seed=7)
    assert RoundPlan.from_bytes(plan.to_bytes()) == plan


def test_the_contract_carries_the_plans_terms():
    contract = new_plan(deadline_seconds=30).contract(**NAMES)
    assert (contract.round, contract.issued, contract.deadline) == (3, 100, 130)
    assert contract.learning_rate == new_plan().local_learning_rate
    assert RoundContract.from_bytes(contract.to_bytes()) == contract


@pytest.mark.parametrize(
    ("terms", "word"),
    [
        ({}, "plain"),
        ({"aggregation": "median"}, "median"),
        ({"aggregation": "trimmed-mean"}, "trimmed-mean-20"),
        ({"aggregation": "trimmed-mean", "trim": 0.07}, "trimmed-mean-07"),
        ({"aggregation": "trimmed-mean", "trim": 0.29}, "trimmed-mean-29"),
    ],
)
def test_the_contract_says_how_replies_are_combined(terms, word):
    assert new_plan(**terms).contract(**NAMES).aggregation == word


def test_an_explicit_norm_bound_is_taken_as_it_is():
    assert new_plan(norm_bound=7.5).admitted_norm(10_000) == 7.5


@given(
    st.sampled_from(["sgd", "adam"]),
    st.integers(1, 20),
    st.floats(0.5, 4.0),
    st.integers(100, 20_000),
    st.integers(0, 2**32 - 1),
)
def test_the_derived_norm_bound_admits_honest_laptops(optimizer, steps, sigma, dimension, seed):
    plan = new_plan(norm_bound=0.0, local_optimizer=optimizer, steps=steps, noise_multiplier=sigma)
    rng = np.random.default_rng(seed)
    total, first, second = np.zeros(dimension), np.zeros(dimension), np.zeros(dimension)
    for step in range(1, steps + 1):
        signal = rng.normal(size=dimension)
        signal *= 2 * plan.clip / np.linalg.norm(signal)  # all units agree: the worst case
        noise = rng.normal(size=dimension) * sigma * plan.clip / plan.divisor
        gradient = signal + noise
        if optimizer == "adam":
            first = 0.9 * first + 0.1 * gradient
            second = 0.999 * second + 0.001 * gradient**2
            gradient = (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
        total -= plan.local_learning_rate * gradient
    assert np.linalg.norm(total) <= plan.admitted_norm(dimension)


def test_the_derived_norm_bound_is_no_invitation():
    assert new_plan(norm_bound=0.0).admitted_norm(20_000) < 100


def test_a_day_of_data_affords_some_rounds_and_no_more():
    generous = new_plan(rounds=500, noise_multiplier=1.0, sampling_rate=0.25, steps=2)
    assert 1 <= generous.affordable_rounds() < 500
    costlier = new_plan(rounds=500, noise_multiplier=1.0, sampling_rate=0.25, steps=4)
    assert costlier.affordable_rounds() < generous.affordable_rounds()
    assert new_plan(rounds=2).affordable_rounds() == 2
