"""How much a laptop counts in a crowd's sum: the more, the more units it holds.

Every laptop adds all the noise that its own privacy needs, however little it has to say. The best
sum of such replies weighs each by what it says (Wiener): with equal noise, by its number of units.
That number is private, so it is told once, with noise of its own, which is charged like the rest;
weights are worked out from what was told, and so is everything after it.
"""

import numpy as np
from numpy.typing import NDArray

from benchmarks.people.sets import Whole
from deskbound_strategies.accounting import SampledGaussian

Floats = NDArray[np.float64]

# One unit more or less changes the number by one; against the rest this costs next to nothing.
SIGMA = 30.0
EVENT = SampledGaussian(1.0, SIGMA, 1)
# Units at which a laptop counts half: fewer follow those who do much, more let in more noise.
HALF = 500.0


def weights(owner: Whole, laptops: int, rng: np.random.Generator) -> Floats:
    """Return (laptops,) weights from 0 to 1.

    Args:
        owner: (units,) whose each unit is.
        laptops: how many there are.
        rng: draws the noise of each laptop's number.
    """
    told = np.bincount(owner, minlength=laptops) + rng.normal(0.0, SIGMA, laptops)
    held = np.maximum(told, 1.0)
    return np.asarray(held / (held + HALF))
