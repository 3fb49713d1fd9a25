"""Whether the time that noise takes tells how large it was.

    python -m benchmarks.noise_timing [DRAWS]

Draws a thousand values at a time, as often as named (200,000 by default), and correlates the time
of each such draw with the sum of the magnitudes, the largest one and the signed sum: Pearson's r,
and Spearman's, which outliers of a busy machine do not hide. Beside it the same without waiting
for the end of the public time slot, to show that the measurement would see a dependence.
Exits with 1 where a correlation of what leaves is 0.01 or more beyond three standard errors.
"""

import math
import sys
import time

import numpy as np
from scipy import stats

from deskbound_strategies.mechanism import Lattice
from deskbound_strategies.noise import RoundedGaussian, os_source

LENGTH, DRAWS, LIMIT = 1000, 200_000, 0.01
WORDS = ("sum of magnitudes", "largest magnitude", "signed sum")


def measure(sampler: RoundedGaussian, draws: int, *, waits: bool) -> dict[str, tuple[float, float]]:
    """Return (Pearson, Spearman) of time and each of ``WORDS``."""
    times, sizes, source = np.empty(draws), np.empty((3, draws)), os_source()
    drawn = np.empty(LENGTH, dtype=np.int64)
    for index in range(draws):
        start = time.perf_counter_ns()
        if waits:
            drawn = sampler.draw(LENGTH, source)
        else:
            sampler._fill(drawn, source)
        times[index] = time.perf_counter_ns() - start
        size = np.abs(drawn)
        sizes[:, index] = size.sum(), size.max(), drawn.sum()
    return {
        word: (
            float(np.corrcoef(times, values)[0, 1]),
            float(stats.spearmanr(times, values).statistic),
        )
        for word, values in zip(WORDS, sizes, strict=True)
    }


def main(draws: int = DRAWS) -> int:
    """Measure and print; return the exit code."""
    sampler = RoundedGaussian(Lattice(1.0, 28_816, 2.0).scale)
    error = 1 / math.sqrt(draws)
    print(f"{draws:,} times {LENGTH:,} draws; standard error {error:.4f}")
    worst = 0.0
    for waits in (False, True):
        print("as it leaves" if waits else "without the time slot, for comparison")
        for word, (pearson, spearman) in measure(sampler, draws, waits=waits).items():
            print(f"  {word:20} Pearson {pearson:+.4f}   Spearman {spearman:+.4f}")
            worst = max(worst, abs(pearson), abs(spearman)) if waits else worst
    print(f"largest as it leaves: {worst:.4f}; the limit is {LIMIT}")
    return int(worst >= LIMIT + 3 * error)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:2])))
