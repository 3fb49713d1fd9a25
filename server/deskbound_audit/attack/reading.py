"""What an attacker reads out of released sums, knowing the gradient of every canary.

Nothing here is told whether a fault was planted. In this order:

* *Noise.* What of the releases lies outside the span of the canaries' gradients is noise alone:
  its size is sigma as it really is.
* *Guessable noise.* A handful of seeds is tried; noise that one of them gives is taken off.
* *Noise used again.* Two rounds whose noise is alike betray each other: their difference has none.
* *Clipping.* Are the releases better explained by the gradients as they should have been clipped,
  or as they are?
* *Membership.* Of the better explanation, each canary's log likelihood ratio (``wiener.py``).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2

from deskbound_audit.attack.wiener import Matrix, Prior, Vector, Wiener

ALIKE = 6.0  # standard deviations from no correlation: by chance in 1 of 10^9 pairs
ODDS = 1e-6  # of the measured sigma's upper limit being too low
_QUIET = 1e-3  # least noise assumed, relative to C; below it arithmetic is the limit

Guess = Callable[[int, int], Vector]


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What was read.

    Attributes:
        scores: (m,) log likelihood ratio of each canary having taken part.
        sigma: measured standard deviation of the noise over C, of what could not be taken off.
        sigma_upper: its upper confidence limit, at ``ODDS``.
        guessed_seed: the seed whose noise was found and taken off, if any.
        alike: pairs of rounds whose noise was the same.
        clipped: whether clipped gradients explain the releases better than whole ones.
    """

    scores: Vector
    sigma: float
    sigma_upper: float
    guessed_seed: int | None
    alike: tuple[tuple[int, int], ...]
    clipped: bool


@dataclass(frozen=True, slots=True, eq=False)
class Reader:
    """Reads releases of one set of canaries.

    Attributes:
        as_clipped: by the gradients as the contract clips them.
        as_whole: by the gradients without clipping.
        clip: C.
        rate: q.
        guess: the noise that a seed gives in a round.
        seeds: that are tried.
    """

    as_clipped: Wiener
    as_whole: Wiener
    clip: float
    rate: float
    guess: Guess
    seeds: Sequence[int]

    def read(self, sums: Matrix) -> Reading:
        """Read (rounds, d) releases."""
        seed = self._guessed_seed(sums)
        if seed is not None:
            sums = sums - np.stack([self.guess(seed, number) for number in range(len(sums))])
        alike = self._alike(sums)
        prior: Prior = {0.0: 1.0 - self.rate, 1.0: self.rate}
        if alike:
            sums = np.stack([sums[first] - sums[second] for first, second in alike])
            once = self.rate * (1.0 - self.rate)
            prior = {0.0: 1.0 - 2.0 * once, 1.0: once, -1.0: once}
        sigma, upper = self._noise(sums)
        noise = max(sigma, _QUIET) * self.clip
        better = max(
            (self.as_clipped, self.as_whole), key=lambda one: one.evidence(sums, noise, prior)
        )
        return Reading(
            scores=better.scores(sums, noise, prior),
            sigma=sigma,
            sigma_upper=upper,
            guessed_seed=seed,
            alike=alike,
            clipped=better is self.as_clipped,
        )

    def _noise(self, sums: Matrix) -> tuple[float, float]:
        """Return sigma and its upper limit."""
        squares = max(0.0, float(np.trace(self.as_clipped.outside(sums, sums))))
        count = self.as_clipped.free * len(sums)
        upper = (squares / float(chi2.ppf(ODDS, count))) ** 0.5
        return (squares / count) ** 0.5 / self.clip, upper / self.clip

    def _guessed_seed(self, sums: Matrix) -> int | None:
        """Return the seed whose noise is in the first round, by no accident."""
        drawn = np.stack([self.guess(seed, 0) for seed in self.seeds])
        products = self.as_clipped.outside(drawn, sums[:1])[:, 0]
        lengths = np.linalg.norm(drawn, axis=1) * np.linalg.norm(sums[0])
        found = np.flatnonzero(products > ALIKE * lengths / self.as_clipped.free**0.5)
        return self.seeds[int(found[0])] if found.size else None

    def _alike(self, sums: Matrix) -> tuple[tuple[int, int], ...]:
        """Return disjoint pairs of rounds whose noise is the same."""
        products = self.as_clipped.outside(sums, sums)
        sizes = np.sqrt(np.maximum(np.diag(products), 0.0))
        if not (sizes > _QUIET * self.clip * self.as_clipped.free**0.5).all():
            return ()  # there is no noise to be alike
        likeness = products / np.outer(sizes, sizes)
        bound = max(ALIKE / self.as_clipped.free**0.5, 0.5)
        pairs: list[tuple[int, int]] = []
        used: set[int] = set()
        for first, second in np.argwhere(np.triu(likeness, 1) > bound).tolist():
            if not {first, second} & used:
                pairs.append((first, second))
                used |= {first, second}
        return tuple(pairs)
