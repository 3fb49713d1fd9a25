"""Estimates of which canary is in a release, and how well they explain it.

The model: ``u = sum of x_i g_i + noise``, with each ``x_i`` drawn on its own from a known prior and
white noise of known size. The linear estimate of least mean square error (Wiener) is the inner
product with each gradient, less what the other canaries and the noise put into it. Around it what
is left is treated as Gaussian: exact in the limit of many canaries, and never more than a score.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]
Prior = Mapping[float, float]

LEAST = 1e-9  # relative size of an eigenvalue that counts as a direction


class Wiener:
    """Reads releases that are made of given gradients.

    Args:
        gradients: (m, d) what each canary adds when it is sampled.
    """

    def __init__(self, gradients: Matrix) -> None:
        self._gradients = gradients
        gram = gradients @ gradients.T
        values, vectors = np.linalg.eigh(gram)
        kept = values > LEAST * values[-1]
        self._values, self._vectors = values[kept], vectors[:, kept]
        self._all = gram.sum(axis=1)  # what a release would read like if all x were 1
        self.free = gradients.shape[1] - int(kept.sum())  # directions that hold noise alone

    def outside(self, left: Matrix, right: Matrix) -> Matrix:
        """Return (rows, rows) products of the parts outside the span of the gradients.

        Args:
            left: (rows, d).
            right: (rows, d).
        """
        found: Matrix = left @ right.T - self._inside(left) @ self._inside(right).T
        return found

    def scores(self, sums: Matrix, noise: float, prior: Prior) -> Vector:
        """Return (m,) log likelihood ratios of taking part, over all releases.

        Args:
            sums: (rounds, d) releases.
            noise: standard deviation of the noise in a coordinate.
            prior: chance of each value of ``x`` in a round, for a canary that takes part.
        """
        mean, spread = _moments(prior)
        power = spread * self._values + noise**2
        own = spread * np.einsum(
            "ij,j,ij->i", self._vectors, self._values / power, self._vectors, optimize=True
        )
        own = np.clip(own, 1e-12, 1.0 - 1e-12)
        inner = (self._gradients @ sums.T).T - mean * self._all
        filtered = (inner @ self._vectors / power) @ self._vectors.T
        found = mean + spread * filtered / own
        variance = spread * (1.0 - own) / own
        values = np.array(list(prior))[:, None, None]
        chances = np.array(list(prior.values()))[:, None, None]
        terms = (values * found - values**2 / 2.0) / variance
        ratios: Vector = logsumexp(terms, axis=0, b=chances).sum(axis=0)
        return ratios

    def evidence(self, sums: Matrix, noise: float, prior: Prior) -> float:
        """Return the log likelihood of the releases, up to what all models of one span share."""
        mean, spread = _moments(prior)
        power = spread * self._values + noise**2
        centre = mean * (self._all @ self._vectors) / np.sqrt(self._values)
        misses = (self._inside(sums) - centre) ** 2 / power
        return float(-0.5 * (misses + np.log(power)).sum())

    def _inside(self, rows: Matrix) -> Matrix:
        """Return coordinates in the span of the gradients, on an orthonormal basis of it."""
        found: Matrix = rows @ self._gradients.T @ self._vectors / np.sqrt(self._values)
        return found


def _moments(prior: Prior) -> tuple[float, float]:
    """Return mean and variance of ``x`` for a canary that takes part with even odds."""
    mean = sum(value * chance for value, chance in prior.items()) / 2.0
    square = sum(value * value * chance for value, chance in prior.items()) / 2.0
    return mean, square - mean * mean
