"""Groups of units, against another accountant and against plain quadrature."""

import math

import mpmath
import numpy as np
import pytest
from dp_accounting import dp_event
from dp_accounting.pld import PLDAccountant
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from deskbound_strategies.accounting import ORDERS, RdpCurve, SampledGaussian, curve_of, epsilon_of
from deskbound_strategies.group import MAX_GROUP, _removing, group_curve

EVENTS = st.builds(SampledGaussian, st.floats(0.001, 0.5), st.floats(0.5, 8.0), st.integers(1, 60))


def mixture(event: SampledGaussian, units: int) -> dp_event.DpEvent:
    """The same round in the other library's words."""
    shifts = list(range(units + 1))
    weights = stats.binom.pmf(shifts, units, event.sampling_rate)
    return dp_event.MixtureOfGaussiansDpEvent(
        event.noise_multiplier, shifts, list(weights / weights.sum())
    )


@given(event=EVENTS)
@settings(deadline=None, max_examples=40)
def test_a_group_of_one_is_one_unit(event: SampledGaussian) -> None:
    alone = curve_of(event).values
    for mine, theirs in zip(group_curve(event, 1).values, alone, strict=True):
        assert mine == pytest.approx(theirs, rel=1e-6, abs=event.steps * 1e-8)


def by_integration(q: float, sigma: float, units: int, order: int) -> tuple[float, float]:
    """Return both divergences by numerical integration of their definition."""
    weights = [mpmath.binomial(units, i) * mpmath.mpf(q) ** i * (1 - mpmath.mpf(q)) ** (units - i)
               for i in range(units + 1)]  # fmt: skip
    wide = 2 * mpmath.mpf(sigma) ** 2

    def ratio(x: mpmath.mpf) -> mpmath.mpf:
        return mpmath.fsum(
            w * mpmath.exp((2 * x * i - i * i) / wide) for i, w in enumerate(weights)
        )

    def divergence(power: int) -> float:
        ends = mpmath.linspace(-order * units * q - 14 * sigma, order * units + 14 * sigma, 30)
        total = mpmath.quad(
            lambda x: ratio(x) ** power * mpmath.exp(-x * x / wide) / mpmath.sqrt(wide * mpmath.pi),
            ends,
        )
        return float(mpmath.log(total) / (order - 1))

    return divergence(order), divergence(1 - order)


@pytest.mark.parametrize(
    ("q", "sigma", "units", "order"),
    [(0.1, 2.0, 6, 4), (0.02, 1.0, 3, 9), (0.5, 0.7, 5, 2), (0.3, 4.0, 9, 16), (0.1, 1.0, 6, 48)],
)
def test_both_directions_are_those_of_the_densities(
    q: float, sigma: float, units: int, order: int
) -> None:
    """Numerical integration in 25 digits, of the definition and nothing cleverer."""
    with mpmath.workdps(25):
        adding, removing = by_integration(q, sigma, units, order)
    event = SampledGaussian(q, sigma, 1)
    found = group_curve(event, units).at(order)
    assert found >= max(adding, removing)
    assert found == pytest.approx(max(adding, removing), rel=1e-6)
    assert _removing(event, units, order) == pytest.approx(removing, rel=1e-9)


def check_against_theirs(event: SampledGaussian, units: int, delta: float) -> None:
    other = PLDAccountant(value_discretization_interval=1e-2)
    other.compose(mixture(event, units), event.steps)
    # The other one rounds losses up to its interval.
    room = 1e-2 * math.sqrt(event.steps) * 5 + 1e-6
    assert epsilon_of(group_curve(event, units), delta) >= other.get_epsilon(delta) - room


SHORT = st.builds(SampledGaussian, st.floats(0.001, 0.5), st.floats(1.0, 8.0), st.integers(1, 10))


@given(event=SHORT, units=st.integers(2, 5), delta=st.sampled_from([1e-7, 1e-5]))
@settings(max_examples=8)
def test_the_figure_is_never_below_the_other_accountants(
    event: SampledGaussian, units: int, delta: float
) -> None:
    check_against_theirs(event, units, delta)


@pytest.mark.slow
@given(event=EVENTS, units=st.integers(2, 8), delta=st.sampled_from([1e-7, 1e-5]))
@settings(max_examples=40)
def test_nor_for_larger_groups_and_longer_rounds(
    event: SampledGaussian, units: int, delta: float
) -> None:
    check_against_theirs(event, units, delta)


def test_a_group_costs_more_than_a_unit_and_far_less_than_the_sum_of_deltas() -> None:
    week, round_ = 6, SampledGaussian(0.1, 2.0, 10)
    one, all_days = (epsilon_of(group_curve(round_, size), 1e-6) for size in (1, week))
    assert one < all_days < 6 * week * one
    sizes = [epsilon_of(group_curve(round_, size), 1e-6) for size in range(1, 9)]
    assert sizes == sorted(sizes)


def test_extreme_rounds_get_a_bound_rather_than_an_error() -> None:
    big = group_curve(SampledGaussian(0.5, 0.3, 10), 500)
    assert all(value > 0 for value in big.values)
    assert big.values[-1] == math.inf, "an order that takes too long is left out"
    assert math.isfinite(big.values[0])
    certain = group_curve(SampledGaussian(1.0, 2.0, 1), 3)
    assert certain.at(2) == pytest.approx(2 * 9 / (2 * 4.0), rel=1e-9)  # a plain Gaussian of 3 C
    tiny = group_curve(SampledGaussian(0.1, 1e-200, 1), 2)
    assert set(tiny.values) == {math.inf}
    assert np.isfinite(group_curve(SampledGaussian(1e-9, 50.0, 1), 4).values).all()
    for size in (0, MAX_GROUP + 1):
        with pytest.raises(ValueError, match="group"):
            group_curve(SampledGaussian(0.1, 1.0, 1), size)


@given(event=EVENTS, units=st.integers(2, 6))
@settings(deadline=None, max_examples=15)
def test_steps_add_up(event: SampledGaussian, units: int) -> None:
    single = group_curve(SampledGaussian(event.sampling_rate, event.noise_multiplier, 1), units)
    total = RdpCurve(tuple(event.steps * value for value in single.values))
    assert group_curve(event, units) == total
    assert len(total.values) == len(ORDERS)
