"""What a sequence of rounds gives away about one unit: curves to add up, filters, figures to show.

Two accountants, both Opacus's: Renyi curves (RDP, Mironov 2017; sampled Gaussian, Mironov, Talwar
and Zhang 2019) decide what is admitted, and the numerical one (PRV, Gopi, Lee and Wutschitz 2021)
states what was spent. The tests hold both against Google's dp-accounting.

*Filter.* A server may choose the next round after it has seen the last, so the cap must hold under
full adaptivity. Feldman and Zrnic (2021) and Lecuyer (2021) show that at one order ``a`` fixed in
advance, stopping before the sum of the curves' values exceeds ``r`` is (a, r)-RDP, however the
rounds were chosen; by Balle et al. (2020) that is (epsilon, delta)-DP with::

    epsilon = r + log(1 - 1/a) - (log delta + log a) / (a - 1)

The n ``FILTER_ORDERS`` are combined by a union bound, each with delta / n: a round is admitted iff
at least one order stays within its own limit. At the end some order still is, and there the
process equals the one stopped by that order alone, so the hockey-stick divergence
``E (1 - exp(epsilon - loss))+`` is at most the sum of the n stopped ones: delta.

A figure shown by ``epsilon_of`` or ``epsilon_prv`` describes the rounds that were as if fixed in
advance; the cap is what holds regardless.

*Noise.* Each draw is charged 2^-60 of statistical distance (``noise.py``), for the largest model
allowed: ``noise_delta``. The filter takes it off delta first.
"""

import math
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import numpy as np

from deskbound_strategies.contract import RoundContract
from deskbound_strategies.mechanism import MAX_DIMENSION
from deskbound_strategies.noise import DISTANCE_BITS

# Published, fixed: a stored curve is a row of values at these orders and means nothing otherwise.
# Whole numbers only: there the curve is a finite sum of positive terms, and both accountants agree
# to 1e-9. At fractional orders Opacus 1.6 ends its alternating series early (off by up to 30 %).
ORDERS: tuple[int, ...] = (
    2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 20, 22, 24, 28, 32, 40, 48, 64, 96,
    128, 192, 256,
)  # fmt: skip
FILTER_ORDERS: tuple[int, ...] = (2, 3, 4, 6, 9, 14, 24, 48)


@dataclass(frozen=True, slots=True)
class SampledGaussian:
    """What one round does to a unit it may sample.

    Attributes:
        sampling_rate: q, in (0, 1].
        noise_multiplier: sigma > 0.
        steps: how often, at least 1.
    """

    sampling_rate: float
    noise_multiplier: float
    steps: int

    def __post_init__(self) -> None:
        if not (0.0 < self.sampling_rate <= 1.0 and 0.0 < self.noise_multiplier < math.inf):
            raise ValueError("the sampling rate must lie in (0, 1], the noise must be positive")
        if self.steps < 1:
            raise ValueError("an event has at least one step")


@dataclass(frozen=True, slots=True)
class RdpCurve:
    """Renyi divergences at ``ORDERS``; curves of rounds on the same unit add up.

    Raises:
        ValueError: when a value is negative or NaN, or there is not one for each order.
    """

    values: tuple[float, ...] = (0.0,) * len(ORDERS)

    def __post_init__(self) -> None:
        if len(self.values) != len(ORDERS) or not all(value >= 0.0 for value in self.values):
            raise ValueError("a curve has one non-negative value for each order")

    def __add__(self, other: "RdpCurve") -> "RdpCurve":
        # Rounded up: a sum of many small charges never falls short of the true one.
        pairs = zip(self.values, other.values, strict=True)
        return RdpCurve(tuple(_add_up(a, b) for a, b in pairs))

    def at(self, order: int) -> float:
        """Return the divergence at one of ``ORDERS``."""
        return self.values[ORDERS.index(order)]

    def to_bytes(self) -> bytes:
        """Return the values as little-endian float64."""
        return np.asarray(self.values, dtype="<f8").tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what ``to_bytes`` wrote.

        Raises:
            ValueError: when the length or a value does not fit.
        """
        if len(data) != 8 * len(ORDERS):
            raise ValueError("a curve has one non-negative value for each order")
        return cls(tuple(float(value) for value in np.frombuffer(data, dtype="<f8")))


def _add_up(a: float, b: float) -> float:
    if a == 0.0 or b == 0.0:
        return a + b
    return math.nextafter(a + b, math.inf)


def round_cost(contract: RoundContract) -> RdpCurve:
    """Return what one round costs every unit that could be sampled in it."""
    return curve_of(event_of(contract))


def event_of(contract: RoundContract) -> SampledGaussian:
    """Return the contract's numbers that matter to an accountant.

    Raises:
        ValueError: when the contract samples with a probability above 1 or takes no step.
    """
    return SampledGaussian(contract.sampling_rate, contract.noise_multiplier, contract.steps)


@lru_cache(maxsize=256)
def curve_of(event: SampledGaussian) -> RdpCurve:
    """Return the event's curve; infinite at an order where it overflows."""
    one = _step(event.sampling_rate, event.noise_multiplier)
    values = (event.steps * value for value in one)
    # Tiny rates cancel to nothing or below; charge at least the rounding that hides them.
    floor = event.steps * 1e-12
    return RdpCurve(tuple(max(value, floor) if value < math.inf else math.inf for value in values))


@lru_cache(maxsize=4096)
def _step(rate: float, sigma: float) -> tuple[float, ...]:
    """Return the divergences of one step: however many follow, they are worked out once."""
    return tuple(_divergence(rate, sigma, order) for order in ORDERS)


def _divergence(rate: float, sigma: float, order: int) -> float:
    from opacus.accountants.analysis import rdp  # noqa: PLC0415 - it loads torch: seconds

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            value = rdp.compute_rdp(q=rate, noise_multiplier=sigma, steps=1, orders=float(order))
        except ArithmeticError:  # noise so small that its square is zero
            return math.inf
    return float(value)


def noise_delta(steps: int, dimension: int = MAX_DIMENSION) -> float:
    """Return what the sampler's distance to real rounded Gaussian noise adds to delta."""
    return steps * dimension * 2.0**-DISTANCE_BITS


def epsilon_of(curve: RdpCurve, delta: float) -> float:
    """Return epsilon at ``delta`` by the conversion of Balle et al. (2020), over all orders."""
    if not 0.0 < delta < 1.0:
        return math.inf
    found = (
        value + math.log1p(-1 / order) - (math.log(delta) + math.log(order)) / (order - 1)
        for order, value in zip(ORDERS, curve.values, strict=True)
    )
    return max(0.0, min(found)) if any(curve.values) else 0.0


def epsilon_prv(events: Sequence[SampledGaussian], delta: float) -> float:
    """Return an upper bound of epsilon at ``delta``, numerically composed (PRV).

    Falls back to the Renyi bound, which is never lower by more than the numerical error, where
    the numerical accountant cannot work: very small or very large losses.
    """
    if not events:
        return 0.0
    total = RdpCurve()
    for event in events:
        total += curve_of(event)
    renyi = epsilon_of(total, delta)
    if not 0.01 < renyi < 64.0:
        return renyi
    return min(renyi, _prv(frozenset(_merged(events).items()), delta, max(renyi, 0.3)))


def _merged(events: Sequence[SampledGaussian]) -> Counter[tuple[float, float]]:
    steps: Counter[tuple[float, float]] = Counter()
    for event in events:
        steps[event.noise_multiplier, event.sampling_rate] += event.steps
    return steps


@lru_cache(maxsize=256)
def _prv(steps: frozenset[tuple[tuple[float, float], int]], delta: float, roughly: float) -> float:
    from opacus.accountants import PRVAccountant  # noqa: PLC0415 - it loads torch: seconds

    accountant = PRVAccountant()
    accountant.history = [(sigma, rate, count) for (sigma, rate), count in sorted(steps)]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return float(accountant.get_epsilon(delta, eps_error=min(0.004, roughly / 300)))
    except (ValueError, RuntimeError, ArithmeticError, MemoryError):
        return math.inf


def admits(spent: RdpCurve, cost: RdpCurve, cap: "Cap", *, steps: int) -> bool:
    """Return whether a block that spent so much may take part in a round of this cost.

    Args:
        spent: what the block was charged so far.
        cost: of the round.
        cap: what the block may give away.
        steps: noisy steps that the block was charged so far, the round's included.
    """
    delta = cap.delta - noise_delta(steps)
    if delta <= 0.0:
        return False
    after = spent + cost
    return any(after.at(order) <= _limit(cap.epsilon, delta, order) for order in FILTER_ORDERS)


def _limit(epsilon: float, delta: float, order: int) -> float:
    share = math.log(delta / len(FILTER_ORDERS))
    return epsilon - math.log1p(-1 / order) + (share + math.log(order)) / (order - 1)


@dataclass(frozen=True, slots=True)
class Cap:
    """A bound nobody may exceed: epsilon at delta, of one block of data."""

    epsilon: float
    delta: float


def guaranteed(spent: RdpCurve, delta: float, *, steps: int = 0) -> float:
    """Return the least cap epsilon whose filter would have admitted so much: holds adaptively."""
    if not any(spent.values):
        return 0.0
    left = delta - noise_delta(steps)
    if left <= 0.0:
        return math.inf
    return min(spent.at(order) - _limit(0.0, left, order) for order in FILTER_ORDERS)
