"""How many laptops answer a round, if each does so on its own with the same chance. Pure."""

from dataclasses import dataclass

from scipy.stats import binom

RARE = 0.01


@dataclass(frozen=True, slots=True)
class Cohort:
    """Who answers.

    Attributes:
        expected: mean number of replies.
        low: fewer come in one round of a hundred.
        needed: fewest replies for which the floor lets a model be released.
        enough: chance that as many come.
    """

    expected: float
    low: int
    needed: int
    enough: float


def cohort_of(laptops: int, participation: float, needed: int) -> Cohort:
    """Return who answers of so many laptops.

    Args:
        laptops: that are asked.
        participation: chance of each to answer.
        needed: the floor's minimum.
    """
    return Cohort(
        laptops * participation,
        int(binom.ppf(RARE, laptops, participation)),
        needed,
        float(binom.sf(needed - 1, laptops, participation)),
    )
