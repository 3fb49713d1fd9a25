"""What many days give away together about one person: one unit in each of them.

Two bounds. The simple one looks at one day after the other and holds however the rounds were
chosen: epsilons add up, and each further delta grows by ``exp`` of the epsilons before it (Dwork
and Roth 2014, Theorem 2.2 and Lemma 2.2). The order does not matter for epsilon; the least delta
comes with the smallest epsilons first. The other one composes round by round (``group.py``), at the
delta of a single day, as if the rounds had been fixed in advance.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from deskbound_strategies.accounting import RdpCurve, SampledGaussian, epsilon_of, noise_delta
from deskbound_strategies.group import group_curve

LARGEST_EXPONENT = 700.0  # exp of more is no float


@dataclass(frozen=True, slots=True)
class Together:
    """The simple bound on one unit in each of some days.

    Attributes:
        days: how many were charged at all.
        epsilon: sum.
        delta: at which it holds; 1 when it would exceed 1.
    """

    days: int
    epsilon: float
    delta: float

    @property
    def holds(self) -> bool:
        """Whether the bound says anything."""
        return self.delta < 1.0


def together(days: Iterable[tuple[float, float]]) -> Together:
    """Return the simple bound for days of which each has its own (epsilon, delta).

    A day with epsilon 0 was never charged, and is left out.
    """
    ordered = sorted(day for day in days if day[0] > 0.0)
    epsilon = delta = 0.0
    for one, its_delta in ordered:
        delta += its_delta * math.exp(min(epsilon, LARGEST_EXPONENT))
        epsilon += one
    return Together(len(ordered), epsilon, min(1.0, delta))


def composed(rounds: Iterable[tuple[SampledGaussian, int]], delta: float) -> float:
    """Return epsilon of rounds for somebody who left one unit in each of the days they charged.

    Args:
        rounds: what each was, and how many of the days it charged; with 0 it does not count.
        delta: of the figure.

    Returns:
        Infinity where no order bounds it, 0 where nothing was charged.
    """
    total, steps = RdpCurve(), 0
    for event, days in rounds:
        if days:
            total += group_curve(event, days)
            steps += event.steps
    return epsilon_of(total, delta - noise_delta(steps))
