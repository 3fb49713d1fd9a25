"""The Gaussian mechanism on a lattice: what turns a sum of clipped gradients into what may leave.

Two verbs, as in Apple's pfl-research: ``constrain_sensitivity`` bounds what one unit contributes,
``add_noise`` hides it. ``privatise`` is the second verb for code that clips by itself.

The summed vector is rounded to a lattice of step gamma and rounded Gaussian noise is added in
integers. A lattice point plus rounded noise is the rounding of that point plus real Gaussian
noise; so what comes out is post-processing of the Gaussian mechanism with noise multiplier sigma,
and the accountants of the subsampled Gaussian apply as they stand.

Sensitivity, adjacency add/remove one unit. Let ``s`` be the vector computed with the unit and
``s'`` the one without it, both rounded to the lattice::

    |s - s'| <= C                         the unit's clipped contribution
              + C 2^-20                   its norm in floating point (``CLIP_SLACK``)
              + C 2^-20                   summing in float64, both sides (``SUM_SLACK``)
              + C 2^-12                   to spare (``KERNEL_SLACK``)
              + sqrt(d) gamma             rounding, at most gamma / 2 per coordinate and side

* ``CLIP_SLACK`` holds for contributions whose norm was taken in float64 over at most 2^21
  coordinates (relative error 2^21 * 2^-53) and that were scaled in float32 or better (2^-24).
* ``SUM_SLACK``: adding ``n`` vectors in float64 in any order errs by at most
  ``n 2^-53 * sum of their norms``, which is ``n^2 2^-53 C``; for up to 2^16 units 2^-21 C a side.

* ``KERNEL_SLACK``: nothing needs it as long as a gradient is computed from its unit and the weights
  alone, which ``learn/trainer.py`` does by taking units one at a time. In a batch it would not
  suffice: weights made for it let kernels of other shapes move other units by more than C
  (``tests/client/privacy/test_neighbours.py``).

The step is a power of two, so rounding and the released multiples are exact in float64, and at
most about C / (100 sqrt(d)), so the sensitivity exceeds C by no more than 1 %.
"""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from deskbound_strategies.errors import Refusal, RefusalCode
from deskbound_strategies.noise import MAX_SCALE, ByteSource, rounded_gaussian

MAX_DIMENSION = 2**21
MAX_UNITS = 2**16
MAX_INFLATION = 0.01
CLIP_SLACK = 2.0**-20
SUM_SLACK = 2.0**-20
KERNEL_SLACK = 2.0**-12
_SLACK = CLIP_SLACK + SUM_SLACK + KERNEL_SLACK

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Lattice:
    """Where the sum of a step is rounded to, and how much noise it takes there.

    Attributes:
        clip: C, L2 bound of one unit's contribution.
        dimension: d, number of coordinates; at most 2^21.
        noise_multiplier: sigma, standard deviation of the noise over the sensitivity.
        step: gamma, distance between lattice points along a coordinate; a power of two.
        sensitivity: L2 distance that adding or removing one unit can cause, rounding included.
        scale: R, standard deviation of the noise in lattice steps.

    Raises:
        ValueError: when a number is out of range.
    """

    clip: float
    dimension: int
    noise_multiplier: float
    step: float = field(init=False)
    sensitivity: float = field(init=False)
    scale: float = field(init=False)

    def __post_init__(self) -> None:
        finite = math.isfinite(self.clip) and math.isfinite(self.noise_multiplier)
        if not finite or not 2.0**-64 <= self.clip <= 2.0**64 or self.noise_multiplier <= 0:
            raise ValueError("clip and noise multiplier must be positive and finite")
        if not 1 <= self.dimension <= MAX_DIMENSION:
            raise ValueError("the dimension must lie between 1 and 2^21")
        root = math.sqrt(self.dimension)
        room = (MAX_INFLATION - _SLACK - 2.0**-40) * self.clip
        step = 2.0 ** math.floor(math.log2(room / root))
        if step * root > room:  # log2 may have rounded up
            step /= 2
        sensitivity = _up(self.clip * (1 + _SLACK) + root * step)
        scale = _up(self.noise_multiplier * (sensitivity / step))
        if sensitivity > (1 + MAX_INFLATION) * self.clip or scale > MAX_SCALE:
            raise ValueError("the noise multiplier is too large for this dimension")
        object.__setattr__(self, "step", step)
        object.__setattr__(self, "sensitivity", sensitivity)
        object.__setattr__(self, "scale", scale)


def _up(value: float) -> float:
    """Return a float no smaller than the exact result that rounded to ``value``."""
    return value * (1 + 2.0**-48)


def clip_scales(norms: Vector, clip: float) -> Vector:
    """Return the factor in [0, 1] for each unit's gradient; 0 where its norm is not a number.

    A unit whose gradient overflowed counts as a unit that contributes nothing: a property of that
    unit alone, so the bound holds, and no error tells the world about it.

    Args:
        norms: (units,) L2 norms taken in float64.
        clip: C.
    """
    finite = np.isfinite(norms)
    safe = np.where(finite, norms, 1.0)
    return np.where(finite, np.minimum(1.0, clip / np.maximum(safe, clip)), 0.0)


def constrain_sensitivity(gradients: NDArray[np.floating], lattice: Lattice) -> Vector:
    """Return the (d,) sum of the per-unit gradients, each clipped to norm C as a whole.

    Args:
        gradients: (units, d) per-unit gradients, float32 or float64; at most 2^16 units.
        lattice: gives C and d.

    Raises:
        ValueError: when the shape does not fit the lattice.
    """
    if gradients.ndim != 2 or gradients.shape[1] != lattice.dimension:
        raise ValueError("one row of d coordinates per unit is needed")
    if gradients.shape[0] > MAX_UNITS:
        raise ValueError("at most 2^16 units fit into one step")
    total = np.zeros(lattice.dimension)
    for row in gradients:
        wide = row.astype(np.float64)
        norm = np.sqrt(np.dot(wide, wide))
        scale = clip_scales(norm[None], lattice.clip)[0]
        if scale > 0.0:
            total += wide * scale
    return total


def privatise(flat_sum: Vector, lattice: Lattice, source: ByteSource | None = None) -> Vector:
    """Return the sum of one step's clipped gradients, on the lattice, with noise.

    Args:
        flat_sum: (d,) sum over the sampled units, float64, summed in float64.
        lattice: of this contract and model.
        source: fair bits; the operating system's generator unless a test passes its own.

    Returns:
        (d,) float64; every value is an exact multiple of ``lattice.step``.

    Raises:
        Refusal: ``internal`` when the vector is not finite, of another shape or type, or larger
            than 2^16 clipped units can be. Clipped sums never are (see ``clip_scales``), so
            this shows a fault in the caller and nothing about data.
    """
    if flat_sum.shape != (lattice.dimension,) or flat_sum.dtype != np.float64:
        raise Refusal(RefusalCode.INTERNAL)
    largest = 2 * MAX_UNITS * lattice.clip
    if not np.all(np.abs(flat_sum) <= largest):  # false for NaN, too
        raise Refusal(RefusalCode.INTERNAL)
    return add_noise(flat_sum, lattice, source)


def add_noise(flat_sum: Vector, lattice: Lattice, source: ByteSource | None = None) -> Vector:
    """Round a finite vector to the lattice and add rounded Gaussian noise in integers."""
    noise = rounded_gaussian(lattice.scale).draw(lattice.dimension, source)
    noise += np.rint(flat_sum / lattice.step).astype(np.int64)
    return noise.astype(np.float64) * lattice.step
