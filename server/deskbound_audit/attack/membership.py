"""How well an attacker tells members from others: the curve, its area, its foot."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LOW = 0.01  # the rate of false alarms at which an attack is judged (Carlini et al. 2022)


@dataclass(frozen=True, slots=True, eq=False)
class Roc:
    """Rates of an attack at every threshold.

    Attributes:
        false_alarms: (k,) share of outsiders that are taken for members, rising from 0 to 1.
        found: (k,) share of members that are found.
        area: under the curve; 0.5 is guessing.
        found_at_low: share of members found at one false alarm in a hundred.
    """

    false_alarms: NDArray[np.float64]
    found: NDArray[np.float64]
    area: float
    found_at_low: float


def roc(scores: NDArray[np.float64], members: NDArray[np.bool_]) -> Roc:
    """Return the curve of an attack; equal scores are one threshold.

    Raises:
        ValueError: when all are members, or none is.
    """
    if members.all() or not members.any():
        raise ValueError("there must be members and others")
    order = np.argsort(-scores, kind="stable")
    ranked, truth = scores[order], members[order]
    ends = np.append(np.flatnonzero(np.diff(ranked) != 0.0), len(ranked) - 1)
    found = np.append(0.0, np.cumsum(truth)[ends] / truth.sum())
    alarms = np.append(0.0, np.cumsum(~truth)[ends] / (~truth).sum())
    area = float(np.trapezoid(found, alarms))
    at_low = float(found[np.searchsorted(alarms, LOW, side="right") - 1])
    return Roc(alarms, found, area, at_low)


def most_allowed(false_alarm: float, epsilon: float, delta: float) -> float:
    """Return the largest share of members that (epsilon, delta)-DP lets any attack find."""
    direct = np.exp(epsilon) * false_alarm + delta
    mirrored = 1.0 - np.exp(-epsilon) * (1.0 - delta - false_alarm)
    return float(min(1.0, direct, mirrored))
