"""Every figure against Google's dp-accounting; the filter against everything."""

import math
import warnings

import numpy as np
import pytest
from dp_accounting import dp_event
from dp_accounting.pld import PLDAccountant
from dp_accounting.rdp import RdpAccountant
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.stats import norm

from deskbound_strategies import accounting
from deskbound_strategies.accounting import (
    FILTER_ORDERS,
    ORDERS,
    Cap,
    RdpCurve,
    SampledGaussian,
    admits,
    curve_of,
    epsilon_of,
    epsilon_prv,
    guaranteed,
    noise_delta,
    round_cost,
)
from tests.helpers.agreement import a_contract

DELTA = 1e-5
GRID = [
    SampledGaussian(q, sigma, steps)
    for q, sigma, steps in [
        (0.001, 0.6, 50), (0.01, 8.0, 1000), (0.02, 0.7, 1000), (0.05, 1.0, 200),
        (0.1, 1.1, 200), (0.1, 2.0, 500), (0.2, 1.0, 10), (0.25, 0.9, 100), (0.3, 3.0, 150),
        (0.5, 4.0, 300),
    ]
]  # fmt: skip
EVENTS = st.builds(
    SampledGaussian, st.floats(0.001, 0.5), st.floats(0.5, 10.0), st.integers(1, 200)
)


def other(event: SampledGaussian) -> dp_event.DpEvent:
    """The event in the other library's words."""
    gaussian = dp_event.GaussianDpEvent(event.noise_multiplier)
    return dp_event.PoissonSampledDpEvent(event.sampling_rate, gaussian)


def other_rdp(events: list[SampledGaussian]) -> RdpAccountant:
    accountant = RdpAccountant(ORDERS)
    for event in events:
        accountant.compose(other(event), event.steps)
    return accountant


def other_pld(events: list[SampledGaussian], interval: float = 1e-3) -> PLDAccountant:
    accountant = PLDAccountant(value_discretization_interval=interval)
    for event in events:
        accountant.compose(other(event), event.steps)
    return accountant


@given(event=EVENTS)
@settings(deadline=None, max_examples=60)
def test_curves_agree_with_the_other_library(event: SampledGaussian) -> None:
    theirs = other_rdp([event])._rdp
    for mine, true in zip(curve_of(event).values, theirs, strict=True):
        assert mine == pytest.approx(true, rel=1e-6, abs=event.steps * 2e-12)


@pytest.mark.parametrize("event", GRID, ids=str)
def test_the_numerical_figure_is_within_one_percent_of_the_other(event: SampledGaussian) -> None:
    theirs = other_pld([event], 1e-4 if event.steps >= 1000 else 1e-3).get_epsilon(DELTA)
    mine = epsilon_prv([event], DELTA)
    assert mine == pytest.approx(theirs, rel=0.01)


def test_mixed_rounds_compose_as_in_the_other_library() -> None:
    events = [GRID[4], GRID[6], GRID[4]]
    total = curve_of(events[0]) + curve_of(events[1]) + curve_of(events[2])
    assert epsilon_of(total, DELTA) == pytest.approx(other_rdp(events).get_epsilon(DELTA), rel=1e-6)
    theirs = other_pld(events).get_epsilon(DELTA)
    assert epsilon_prv(events, DELTA) == pytest.approx(theirs, rel=0.01)
    assert epsilon_prv(events, DELTA) == epsilon_prv(events[::-1], DELTA)


def exact_gaussian(shift: float, delta: float) -> float:
    """Balle and Wang (2018), Theorem 8: of a Gaussian whose mean moves by so many deviations."""

    def over(epsilon: float) -> float:
        near = norm.cdf(shift / 2 - epsilon / shift)
        far = math.exp(epsilon + norm.logcdf(-shift / 2 - epsilon / shift))
        return float(near - far - delta)

    return float(brentq(over, 0.0, 100.0))


@pytest.mark.parametrize("delta", [1e-5, 1e-6, 1e-8])
@pytest.mark.parametrize("sigmas", [[0.65], [1.2], [4.2], [100.0], [30.0] * 200, [1.2, 3.0, 3.0]])
def test_whoever_takes_every_unit_pays_what_a_gaussian_costs(
    sigmas: list[float], delta: float
) -> None:
    events = [SampledGaussian(1.0, sigma, 1) for sigma in sigmas]
    exact = exact_gaussian(math.sqrt(sum(sigma**-2 for sigma in sigmas)), delta)
    assert exact <= epsilon_prv(events, delta) <= exact + 0.006


def test_counting_every_unit_composes_with_sampled_rounds() -> None:
    events = [SampledGaussian(1.0, 3.0, 1), SampledGaussian(0.2, 3.0, 200)]
    theirs = other_pld(events).get_epsilon(DELTA)
    assert theirs <= epsilon_prv(events, DELTA) <= 1.01 * theirs


@given(events=st.lists(EVENTS, min_size=1, max_size=4), delta=st.floats(1e-8, 1e-3))
@settings(deadline=None, max_examples=40)
def test_the_guarantee_is_never_below_an_independent_accountant(
    events: list[SampledGaussian], delta: float
) -> None:
    total = RdpCurve()
    for event in events:
        total += curve_of(event)
    held = guaranteed(total, delta)
    assert held >= other_rdp(events).get_epsilon(delta) - 1e-9
    assert held >= epsilon_of(total, delta)


@given(
    events=st.lists(EVENTS, min_size=1, max_size=12),
    epsilon=st.floats(0.5, 10.0),
    delta=st.sampled_from([1e-6, 1e-5]),
)
@settings(deadline=None, max_examples=30)
def test_what_the_filter_lets_through_stays_under_the_cap(
    events: list[SampledGaussian], epsilon: float, delta: float
) -> None:
    spent, steps, admitted = RdpCurve(), 0, []
    for event in events:
        cost, after = curve_of(event), steps + event.steps
        if admits(spent, cost, Cap(epsilon, delta), steps=after):
            spent, steps = spent + cost, after
            admitted.append(event)
    if admitted:
        assert guaranteed(spent, delta, steps=steps) <= epsilon * (1 + 1e-12)
        assert other_rdp(admitted).get_epsilon(delta) <= epsilon


@given(event=EVENTS, delta=st.floats(1e-8, 1e-3))
@settings(deadline=None, max_examples=30)
def test_each_filter_order_gets_its_share_of_delta(event: SampledGaussian, delta: float) -> None:
    """The union bound, with the other library converting order by order."""
    theirs = []
    for order in FILTER_ORDERS:
        accountant = RdpAccountant([order])
        accountant.compose(other(event), event.steps)
        theirs.append(accountant.get_epsilon(delta / len(FILTER_ORDERS)))
    assert guaranteed(curve_of(event), delta) >= min(theirs) - 1e-9


def test_the_filter_closes_and_stays_closed() -> None:
    cost, cap = curve_of(SampledGaussian(0.1, 1.5, 10)), Cap(4.0, 1e-6)
    spent, admitted = RdpCurve(), 0
    while admits(spent, cost, cap, steps=10 * (admitted + 1)):
        spent, admitted = spent + cost, admitted + 1
    assert admitted > 0
    assert not admits(spent, cost, cap, steps=10 * (admitted + 1))
    assert admits(RdpCurve(), cost, cap, steps=10)
    # Not wasteful either: most of what the plain Renyi bound would allow is allowed.
    plain = spent
    while epsilon_of(plain + cost, 1e-6) <= 4.0:
        plain += cost
    assert spent.values[0] >= 0.6 * plain.values[0]


def test_an_order_the_filter_uses_is_one_that_is_kept() -> None:
    assert set(FILTER_ORDERS) <= set(ORDERS)
    assert all(type(order) is int and order >= 2 for order in ORDERS)
    assert list(ORDERS) == sorted(set(ORDERS))


def test_noise_costs_delta_and_too_many_steps_cost_all_of_it() -> None:
    assert noise_delta(100, 1_000_000) == 100 * 1_000_000 * 2.0**-60
    assert noise_delta(1) == 2.0**21 * 2.0**-60
    cheap = curve_of(SampledGaussian(0.001, 10.0, 1))
    assert not admits(RdpCurve(), cheap, Cap(4.0, 1e-9), steps=1000)
    assert guaranteed(cheap, 1e-9, steps=1000) == math.inf
    assert guaranteed(cheap, 1e-6, steps=10**4) > guaranteed(cheap, 1e-6)


@given(event=EVENTS)
@settings(deadline=None, max_examples=30)
def test_a_curve_survives_storage_and_only_grows(event: SampledGaussian) -> None:
    curve = curve_of(event)
    assert RdpCurve.from_bytes(curve.to_bytes()) == curve
    twice = curve + curve
    assert all(b >= 2 * a > 0 for a, b in zip(curve.values, twice.values, strict=True))
    assert curve + RdpCurve() == curve


@pytest.mark.parametrize(
    "data",
    [b"", b"\0" * 7, b"\0" * 8 * (len(ORDERS) + 1), np.full(len(ORDERS), -1.0).tobytes(),
     np.full(len(ORDERS), np.nan).tobytes()],
)  # fmt: skip
def test_bytes_that_are_no_curve_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="one non-negative value"):
        RdpCurve.from_bytes(data)


@pytest.mark.parametrize(
    ("q", "sigma", "steps"),
    [(0.0, 1.0, 1), (1.1, 1.0, 1), (0.1, 0.0, 1), (0.1, math.inf, 1), (0.1, math.nan, 1),
     (math.nan, 1.0, 1), (0.1, 1.0, 0)],
)  # fmt: skip
def test_an_event_out_of_range_is_refused(q: float, sigma: float, steps: int) -> None:
    with pytest.raises(ValueError, match=r"rate|step"):
        SampledGaussian(q, sigma, steps)


def test_a_rounds_cost_is_that_of_its_numbers() -> None:
    contract = a_contract(sampling_rate=0.1, noise_multiplier=2.0, steps=7)
    assert round_cost(contract) == curve_of(SampledGaussian(0.1, 2.0, 7))


def test_nothing_released_costs_nothing() -> None:
    assert epsilon_of(RdpCurve(), DELTA) == epsilon_prv([], DELTA) == 0.0
    assert guaranteed(RdpCurve(), DELTA) == 0.0


def test_extreme_rounds_get_a_bound_rather_than_an_error() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert epsilon_prv([SampledGaussian(1.0, 2.0, 5)], DELTA) > 4.9
        assert epsilon_prv([SampledGaussian(0.5, 0.05, 50)], DELTA) > 100
        assert 0 < epsilon_prv([SampledGaussian(1e-6, 50.0, 1)], DELTA) < 0.5
    assert epsilon_of(curve_of(GRID[0]), 0.0) == math.inf


@pytest.mark.parametrize("rate", [0.1, 1.0])
def test_next_to_no_noise_costs_without_bound_and_is_no_crash(rate):
    curve = curve_of(SampledGaussian(rate, 1e-300, 1))
    assert set(curve.values) == {math.inf}
    assert epsilon_of(curve, DELTA) == math.inf


def test_other_steps_of_the_same_noise_are_not_worked_out_again():
    one = curve_of(SampledGaussian(0.0625, 1.75, 1))
    before = accounting._step.cache_info().misses
    many = curve_of(SampledGaussian(0.0625, 1.75, 640))
    assert accounting._step.cache_info().misses == before
    assert many.values == pytest.approx([640 * value for value in one.values])
