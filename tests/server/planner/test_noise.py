import math

import pytest
from dp_accounting import dp_event
from dp_accounting.pld import PLDAccountant
from dp_accounting.rdp import RdpAccountant
from hypothesis import given, settings
from hypothesis import strategies as st

from deskbound_server.planner.noise import GRAIN, charged, least_epsilon, sigma_for
from deskbound_strategies.accounting import FILTER_ORDERS, noise_delta

DELTA = 1e-6


def charged_by_others(rate, sigma, steps):
    """The filter's figure from dp-accounting's curve: a share of delta for each order (Balle)."""
    accountant = RdpAccountant(list(FILTER_ORDERS))
    accountant.compose(dp_event.PoissonSampledDpEvent(rate, dp_event.GaussianDpEvent(sigma)), steps)
    share = (DELTA - noise_delta(steps)) / len(FILTER_ORDERS)
    return min(
        divergence + math.log1p(-1 / order) - (math.log(share) + math.log(order)) / (order - 1)
        for order, divergence in zip(FILTER_ORDERS, accountant._rdp, strict=True)
    )


@pytest.mark.parametrize(
    ("epsilon", "rate", "steps"),
    [(4.0, 0.2, 100), (1.0, 0.2, 25), (2.0, 0.1, 50), (8.0, 0.05, 200)],
)
def test_the_noise_costs_what_was_asked_and_no_grain_less_would_do(epsilon, rate, steps):
    sigma = sigma_for(epsilon, DELTA, rate, steps)
    cost = charged_by_others(rate, sigma, steps)
    assert epsilon * 0.99 < cost <= epsilon
    assert charged_by_others(rate, sigma - 1 / GRAIN, steps) > epsilon * (1 - 2e-9)
    assert charged(rate, sigma, steps, DELTA) == pytest.approx(cost, rel=1e-6)


def test_the_charge_is_above_the_numerically_composed_cost_of_another_accountant():
    sigma = sigma_for(4.0, DELTA, 0.2, 100)
    accountant = PLDAccountant()
    accountant.compose(dp_event.PoissonSampledDpEvent(0.2, dp_event.GaussianDpEvent(sigma)), 100)
    assert 0.7 * 4.0 < accountant.get_epsilon(DELTA) < 4.0


@settings(deadline=None, max_examples=10)
@given(
    st.floats(0.3, 20.0), st.floats(1.0, 4.0), st.sampled_from([0.01, 0.1, 0.2, 0.5]),
    st.sampled_from([1, 10, 100]),
)  # fmt: skip
def test_a_smaller_epsilon_never_takes_less_noise(epsilon, times, rate, steps):
    small, large = (
        sigma_for(epsilon, DELTA, rate, steps),
        sigma_for(epsilon * times, DELTA, rate, steps),
    )
    assert large is not None or small is None
    assert small is None or small >= large


@settings(deadline=None, max_examples=10)
@given(st.sampled_from([0.5, 1.0, 4.0]), st.integers(1, 200), st.integers(0, 200))
def test_more_steps_never_take_less_noise(epsilon, steps, more):
    assert sigma_for(epsilon, DELTA, 0.1, steps) <= sigma_for(epsilon, DELTA, 0.1, steps + more)


def test_where_no_noise_is_enough_it_says_so_and_from_where_on_some_is():
    """The filter's own price: it has eight orders, the largest 48, and vouches for no less."""
    least = least_epsilon(DELTA, 0.1, 10)
    assert 0.1 < least < 0.5
    assert sigma_for(least * 0.99, DELTA, 0.1, 10) is None
    assert sigma_for(least * 1.01, DELTA, 0.1, 10) is not None
