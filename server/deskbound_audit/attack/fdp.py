"""A tighter bound from the same guesses, for mechanisms known to be sampled Gaussians.

Mahloujifar, Melis and Chaudhuri (2024), "Auditing f-Differential Privacy in One Run",
arXiv 2410.22235: the whole trade-off curve of a mechanism limits how many of ``r`` guesses can be
right, not one (epsilon, delta) of it. Here the family is the contract's own rounds with another
noise multiplier: the least sigma whose curve the guesses reject is more noise than there is, and
its epsilon is the bound. It assumes that the mechanism is a sampled Gaussian of
some sigma, which ``one_run`` does not; so it is shown, and the verdict does not rest on it.

The curve of each sigma comes from Google's dp-accounting (privacy loss distributions, worst of add
and remove); without that package there is no such figure.
"""

import importlib.util
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from deskbound_audit.attack.one_run import SHARES, OneRun
from deskbound_strategies.accounting import SampledGaussian, epsilon_prv

_EPSILONS = np.concatenate([np.linspace(0.0, 4.0, 81), np.linspace(4.1, 16.0, 60)])
_WIDEST, _SIGMAS = 16.0, 97  # sigmas tried: from a part of the claim to that multiple, 6 % apart


def lower_bound(found: OneRun, event: SampledGaussian, delta: float) -> float | None:
    """Return a lower bound of epsilon at ``delta``, None without dp-accounting.

    Args:
        found: guesses, of which how many were right; its confidence is used, and ``r`` is taken
            as fixed, which costs the same share of the significance as there.
        event: all rounds together, with the sigma that is claimed.
        delta: of the claim.
    """
    if importlib.util.find_spec("dp_accounting") is None:
        return None
    significance = (1.0 - found.confidence) / len(SHARES)

    sigmas = event.noise_multiplier * np.geomspace(1.0 / _WIDEST, _WIDEST, _SIGMAS)

    def rejected(index: int) -> bool:
        return rejects(found, _trade_off(event, float(sigmas[index])), significance)

    low, high = 0, _SIGMAS - 1
    if not rejected(high):
        return 0.0  # so much noise cannot be told from no leak at all
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if rejected(middle) else (middle, high)
    return epsilon_prv([_with(event, float(sigmas[high]))], delta)


def rejects(found: OneRun, blow_up_inverse: Callable[[float], float], significance: float) -> bool:
    """Return whether so many right guesses are too many under a trade-off curve.

    The recursion of the paper's Algorithm 3 (``audit_rh_with_cap``), for membership guesses.

    Args:
        found: m canaries, r guesses, v right.
        blow_up_inverse: for the chance of an event with a unit, the least chance without it.
        significance: chance of rejecting a true curve.
    """
    canaries, guesses, correct = found.canaries, found.guesses, found.correct
    right = significance * correct / canaries
    wrong = significance * (guesses - correct) / canaries
    for number in range(correct - 1, -1, -1):
        next_wrong = max(wrong, blow_up_inverse(min(right, 1.0)))
        if next_wrong == wrong:
            break
        right += number / (guesses - number) * (next_wrong - wrong)
        wrong = next_wrong
    return right + wrong > guesses / canaries


@lru_cache(maxsize=64)
def _trade_off(event: SampledGaussian, sigma: float) -> Callable[[float], float]:
    """Return ``x -> max over epsilon of (x - delta(epsilon)) / e^epsilon`` and its mirror."""
    deltas = _profile(event, sigma)
    growth = np.exp(_EPSILONS)

    def least(chance: float) -> float:
        direct = float(np.max((chance - deltas) / growth))
        mirrored = float(np.max(1.0 - deltas - growth * (1.0 - chance)))
        return max(0.0, direct, mirrored)

    return least


def _profile(event: SampledGaussian, sigma: float) -> NDArray[np.float64]:
    import dp_accounting  # noqa: PLC0415 - optional
    from dp_accounting import pld  # noqa: PLC0415 - optional

    accountant = pld.PLDAccountant(value_discretization_interval=1e-3)
    gaussian = dp_accounting.GaussianDpEvent(sigma)
    accountant.compose(
        dp_accounting.PoissonSampledDpEvent(event.sampling_rate, gaussian), event.steps
    )
    return np.array([accountant.get_delta(epsilon) for epsilon in _EPSILONS])


def _with(event: SampledGaussian, sigma: float) -> SampledGaussian:
    return SampledGaussian(event.sampling_rate, sigma, event.steps)
