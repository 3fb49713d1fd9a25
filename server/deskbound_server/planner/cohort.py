"""How many laptops answer a round, if each does so on its own with the same chance. Pure."""

from dataclasses import dataclass

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
    low, high = 0, laptops
    while low < high:
        middle = (low + high) // 2
        rare = _fewer(middle + 1, laptops, participation) < RARE
        low, high = (middle + 1, high) if rare else (low, middle)
    enough = 1.0 - _fewer(needed, laptops, participation)
    return Cohort(laptops * participation, low, needed, enough)


def _fewer(wanted: int, laptops: int, participation: float) -> float:
    """Return the chance that fewer than so many answer."""
    from scipy.special import bdtr  # noqa: PLC0415 - half a second that other commands need not wait

    if wanted > laptops:
        return 1.0
    return 0.0 if wanted <= 0 else float(bdtr(wanted - 1, laptops, participation))
