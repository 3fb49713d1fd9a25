"""How much noise an epsilon takes, by the filter that laptops charge a day of data with. Pure."""

from functools import lru_cache

from deskbound_strategies.accounting import SampledGaussian, curve_of, guaranteed

GRAIN = 1000  # a plan's sigma has three places
MOST_SIGMA = 1000.0  # of a plan
# Laptops add up round by round and round up each time; so much is left for that.
_SPARE = 1e-9


def charged(rate: float, sigma: float, steps: int, delta: float) -> float:
    """Return what the laptops' filter takes of a day's epsilon for so many steps.

    Args:
        rate: q.
        sigma: noise multiplier.
        steps: of all rounds together.
        delta: of the day.
    """
    curve = curve_of(SampledGaussian(rate, sigma, steps))
    return guaranteed(curve, delta, steps=steps)


def least_epsilon(delta: float, rate: float, steps: int) -> float:
    """Return what the filter takes under the largest noise: it vouches for nothing below."""
    return charged(rate, MOST_SIGMA, steps, delta)


@lru_cache(maxsize=4096)
def sigma_for(epsilon: float, delta: float, rate: float, steps: int) -> float | None:
    """Return the least noise multiplier, in thousandths, with which all steps cost so much at most.

    More noise never costs more, so halving finds it; what was worked out on the way is kept.

    Args:
        epsilon: of one day of data, at least 0.
        delta: of the day.
        rate: q.
        steps: of all rounds together.

    Returns:
        None where even the largest noise of a plan costs more.
    """

    def enough(grains: int) -> bool:
        return charged(rate, grains / GRAIN, steps, delta) <= epsilon * (1 - _SPARE)

    most = round(MOST_SIGMA * GRAIN)
    if not enough(most):
        return None
    low, high = 0, GRAIN
    while high < most and not enough(high):
        low, high = high, min(most, 2 * high)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high / GRAIN
