"""Whether noise that is correlated across steps could help: how near independent noise is to best.

    python -m benchmarks.correlated_noise

What matters for learning is the error of the running sums of gradients, which is what weights are.
A mechanism that correlates noise across steps (matrix factorisation: Denisov et al. 2022,
Choquette-Choo et al. 2023) adds ``B z`` to them, with ``A = B C`` their matrix, at a sensitivity of
``max u' C'C u`` over what one unit may do in each step, ``u`` in [-1, 1]. If every unit may take
part in every step, the least error is that of *independent* noise (``least``). A unit that is
sampled with rate q has less noise to fear and less to say; the table tells how much worse than
that optimum sampling is, at the same epsilon.
"""

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.optimize import brentq
from scipy.stats import norm

from deskbound_strategies.accounting import SampledGaussian, epsilon_prv

DELTA, STEPS = 1e-6, 200
EPSILONS, RATES = (8.0, 4.0, 2.0, 1.0), (0.01, 0.05, 0.1, 0.2, 0.5)

Floats = NDArray[np.float64]


def products(steps: int) -> Floats:
    """Return (steps, steps) A'A of running sums: how often each two steps are in one."""
    last = np.maximum.outer(np.arange(steps), np.arange(steps))
    return np.asarray(steps - last, dtype=float)


def least(steps: int) -> tuple[float, Floats]:
    """Return the least squared error of all running sums, and what each step may reveal for it.

    It is ``min tr(A'A X^-1)`` over ``X`` with ``u'Xu <= 1`` for all ``u`` in [-1, 1]^steps, and the
    best ``X`` is diagonal: noise is independent, and falls a little. That nothing else is better
    follows from ``R``, the correlations of A'A. A symmetric chain of signs that turns between steps
    i and i + 1 with probability (1 - R[i, i+1]) / 2 has ``E uu' = R``, so ``tr(XR) <= 1`` for every
    ``X`` that is allowed. Among all those, X^-1 A'A X^-1 must be a multiple of R, as it is here.

    Returns:
        The error at sensitivity 1, and (steps,) the diagonal of X.
    """
    roots = np.sqrt(np.diag(products(steps)))
    return float(roots.sum() ** 2), roots / roots.sum()


def over_constant(steps: int) -> float:
    """Return the root of the least error over that of the same noise in every step."""
    return float(np.sqrt(least(steps)[0] / (steps * np.trace(products(steps)))))


def over_full(rate: float, epsilon: float, steps: int = STEPS) -> float:
    """Return noise over signal of a sampled unit, over that of one that is in every step."""

    def over(sigma: float) -> float:
        return epsilon_prv([SampledGaussian(rate, sigma, steps)], DELTA) - epsilon

    return float(brentq(over, 0.4, 100.0, xtol=1e-3)) / rate / in_every_step(epsilon, steps)


def in_every_step(epsilon: float, steps: int = STEPS) -> float:
    """Return the noise multiplier of steps that every unit is in: exact (Balle and Wang 2018)."""

    def over(sigma: float) -> float:
        far, near = -epsilon * sigma - 0.5 / sigma, -epsilon * sigma + 0.5 / sigma
        return float(norm.cdf(near) - np.exp(epsilon + norm.logcdf(far))) - DELTA

    return float(brentq(over, 0.05, 100.0)) * float(np.sqrt(steps))


def main() -> None:
    """Print how near sampling comes to the optimum."""
    table = Table(title=f"noise over signal, {STEPS} steps, delta {DELTA:g}; in every step: 1")
    table.add_column("epsilon", justify="right")
    for rate in RATES:
        table.add_column(f"q {rate:g}", justify="right")
    for epsilon in EPSILONS:
        cells = (f"{over_full(rate, epsilon):.2f}" for rate in RATES)
        table.add_row(f"{epsilon:g}", *cells)
    console = Console()
    console.print(table)
    console.print(f"the best of all mechanisms that are in every step: {over_constant(STEPS):.3f}")


if __name__ == "__main__":
    main()
