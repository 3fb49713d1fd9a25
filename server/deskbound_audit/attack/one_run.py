"""From guesses about who took part to a lower bound of epsilon, in one run of the training.

Steinke, Nasr and Jagielski (2023), "Privacy Auditing with One (1) Training Run", arXiv 2305.08846.
``m`` canaries take part with even odds each, on their own. From what was released the auditor
guesses for ``r`` of them whether they did and abstains on the others. If the training is (epsilon,
delta)-DP (add/remove one), the number ``W`` of right guesses obeys (Theorem 5.2)::

    P[W >= v] <= beta + 2 m delta alpha
    beta      =  P[B >= v],  B binomial with r trials of chance e^eps / (1 + e^eps)
    alpha     =  max over i >= 1 of  P[v > B >= v - i] / i

An epsilon for which the right side is below the significance is rejected; the largest such one is
the lower bound. It assumes nothing about the mechanism. Several ``r`` are tried, each at its share
of the significance (Bonferroni), so the confidence stays what is stated.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

SHARES = (1.0, 0.5, 0.125)  # of the canaries that are guessed; fixed before anything is seen
LARGEST = 64.0


@dataclass(frozen=True, slots=True)
class OneRun:
    """The best of the bounds.

    Attributes:
        canaries: m.
        guesses: r.
        correct: v.
        epsilon: lower bound.
        ceiling: what the bound would be had every one of the m guesses been right: no audit with
            so few canaries can show more.
        confidence: that epsilon is not below the bound.
    """

    canaries: int
    guesses: int
    correct: int
    epsilon: float
    ceiling: float
    confidence: float


def audit(
    scores: NDArray[np.float64],
    took_part: NDArray[np.bool_],
    delta: float,
    *,
    confidence: float = 0.95,
) -> OneRun:
    """Return a lower bound of epsilon at ``delta``.

    Args:
        scores: (m,) log likelihood ratios, or anything whose sign is the guess and whose size is
            how sure the auditor is of it.
        took_part: (m,) the truth.
        delta: of the claim.
        confidence: of the bound.
    """
    canaries = len(scores)
    share = (1.0 - confidence) / len(SHARES)
    surest = np.argsort(-np.abs(scores), kind="stable")
    right = ((scores > 0.0) == took_part)[surest]
    counts = sorted({max(1, round(part * canaries)) for part in SHARES})
    found = [
        (lower_bound(canaries, guesses, int(right[:guesses].sum()), delta, share), guesses)
        for guesses in counts
    ]
    epsilon, guesses = max(found)
    ceiling = lower_bound(canaries, canaries, canaries, delta, share)
    return OneRun(canaries, guesses, int(right[:guesses].sum()), epsilon, ceiling, confidence)


def lower_bound(
    canaries: int, guesses: int, correct: int, delta: float, significance: float
) -> float:
    """Return the largest epsilon that so many right guesses reject, to 1e-4; 0 for none."""
    if p_value(canaries, guesses, correct, 0.0, delta) > significance:
        return 0.0
    low, high = 0.0, LARGEST
    while high - low > 1e-4:
        middle = (low + high) / 2
        if p_value(canaries, guesses, correct, middle, delta) > significance:
            high = middle
        else:
            low = middle
    return low


def p_value(canaries: int, guesses: int, correct: int, epsilon: float, delta: float) -> float:
    """Return the bound of the chance of at least so many right guesses (Theorem 5.2).

    Raises:
        ValueError: unless ``0 <= correct <= guesses <= canaries``.
    """
    if not 0 <= correct <= guesses <= canaries:
        raise ValueError("there are no more right guesses than guesses than canaries")
    chance = 1.0 / (1.0 + math.exp(-epsilon))
    beta = float(binom.sf(correct - 1, guesses, chance))
    if correct == 0:
        return 1.0
    steps = np.arange(1, correct + 1)
    between = binom.sf(correct - steps - 1, guesses, chance) - beta
    alpha = max(0.0, float(np.max(between / steps)))
    return min(1.0, beta + 2.0 * canaries * delta * alpha)
