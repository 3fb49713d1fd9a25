"""What rounds give away about several units at once: one unit in each of many days, for instance.

A round samples each unit of a group on its own, so with a group of ``m`` the released sum is moved
by as many clips as units of it were drawn: a mixture of Gaussians whose shift is Binomial(m, q).
That is the tight pair of distributions for a group under Poisson sampling (Ganesh 2024, *Tight
Group-Level DP Guarantees for DP-SGD with Sampling via Mixture of Gaussians Mechanisms*).

*Adding the group.* At a whole order ``a`` the Renyi divergence of the mixture from the single
Gaussian is a finite sum of positive terms: with ``b_i`` the binomial weights and ``c_s`` the
coefficients of ``(sum_i b_i exp(-i^2 / 2 sigma^2) z^i)^a``,

    (a - 1) D = log sum_s c_s exp(s^2 / 2 sigma^2)

*Removing it.* ``(a - 1) D' = log E L(x)^(1-a)`` for ``x ~ N(0, sigma^2)`` and ``L`` the ratio of
the densities. ``log L`` is convex, so the integrand is log-concave with a mode between
``-(a - 1) m q`` and 0 and no wider than the Gaussian; the polynomial above has real negative roots
only (``exp(-i^2 t)`` is a multiplier sequence), so it is analytic for ``|Im x| < pi sigma^2`` and
the trapezoid rule errs by less than 2^-50 at the step used. Where that takes too many points, the
inequality of the means gives ``D' <= (a (m q)^2 + m q (1 - q)) / 2 sigma^2``.

Divergences of rounds add up, as long as the rounds are taken as if fixed in advance.
"""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from deskbound_strategies.accounting import ORDERS, RdpCurve, SampledGaussian

MAX_GROUP = 4096
_MOST_POINTS = 1 << 16
_MOST_TERMS = 1 << 14  # of a polynomial; higher orders are left out then, which is never wrong
_REACH = 12.0  # standard deviations beyond the mode; what is left out is below 2^-100
Row = NDArray[np.float64]


@lru_cache(maxsize=512)
def group_curve(event: SampledGaussian, units: int) -> RdpCurve:
    """Return what a round costs a group of so many units, each of which it may sample.

    Args:
        event: the round.
        units: size of the group, at least 1; with 1 it is the curve of a single unit.

    Raises:
        ValueError: when the size is out of range.
    """
    if not 1 <= units <= MAX_GROUP:
        raise ValueError("a group has between 1 and 4096 units")
    added = _adding(event, units)
    values = []
    for order, one in zip(ORDERS, added, strict=True):
        # For a single unit adding is the worse of the two (Mironov, Talwar and Zhang 2019).
        both = one if units == 1 or one == math.inf else max(one, _removing(event, units, order))
        values.append(event.steps * both)
    return RdpCurve(tuple(values))


def _weights(event: SampledGaussian, units: int) -> Row:
    """Return log of the binomial weights, (units + 1,); minus infinity where there is none."""
    q = event.sampling_rate
    if q == 1.0:
        return np.where(np.arange(units + 1) == units, 0.0, -np.inf)
    found = [
        math.lgamma(units + 1) - math.lgamma(i + 1) - math.lgamma(units - i + 1)
        + i * math.log(q) + (units - i) * math.log1p(-q)
        for i in range(units + 1)
    ]  # fmt: skip
    return np.asarray(found)


def _adding(event: SampledGaussian, units: int) -> list[float]:
    """Return the divergence of one step at each of ``ORDERS``; infinite where it is not computed.

    What floating point may have lost is added: each of ``a m`` logarithms of sums errs by less
    than 2^-50 of the largest exponent.
    """
    width = 2.0 * event.noise_multiplier**2
    logs = _weights(event, units)
    shifts = np.arange(units + 1, dtype=np.float64)
    base = logs - shifts**2 / width if width > 0.0 else np.full_like(logs, np.nan)
    power, found, order = base, dict.fromkeys(ORDERS, math.inf), 1
    while order < ORDERS[-1] and (order + 1) * units < _MOST_TERMS and np.all(base < np.inf):
        longer = np.full(power.size + units, -np.inf)
        for i in range(units + 1):
            part = longer[i : i + power.size]
            np.logaddexp(part, power + base[i], out=part)
        power, order = longer, order + 1
        if order in found:
            squares = np.arange(power.size, dtype=np.float64) ** 2 / width
            lost = 2.0**-50 * order * units * (1.0 + float(squares[-1]))
            total = float(np.logaddexp.reduce(power + squares))
            found[order] = max(0.0, (total + lost) / (order - 1))
    return [found[order] for order in ORDERS]


def _removing(event: SampledGaussian, units: int, order: int) -> float:
    sigma, q = event.noise_multiplier, event.sampling_rate
    mean = units * q
    bound = (order * mean**2 + mean * (1.0 - q)) / (2.0 * sigma**2)
    step = min(sigma / 16, sigma**2 / 8, 1.2 * sigma**2 / math.sqrt(units * order))
    low, high = -(order - 1) * mean - _REACH * sigma, _REACH * sigma
    if not (high - low) / step < _MOST_POINTS:
        return bound
    x = np.arange(low, high + step, step)
    ratio = np.full(x.size, -np.inf)
    for i, weight in enumerate(_weights(event, units)):
        np.logaddexp(ratio, weight + (2.0 * i * x - i * i) / (2.0 * sigma**2), out=ratio)
    logs = -(x**2) / (2.0 * sigma**2) + (1 - order) * ratio
    total = float(np.logaddexp.reduce(logs)) + math.log(step / (sigma * math.sqrt(2.0 * math.pi)))
    lost = 2.0**-48 * order * (1.0 + float(np.abs(ratio).max()))
    return min(bound, max(0.0, (total + lost) / (order - 1)))
