"""Sensitivity, rounding and noise of one step, on adversarial and random vectors."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from deskbound_strategies.errors import Refusal, RefusalCode
from deskbound_strategies.mechanism import (
    MAX_INFLATION,
    Lattice,
    clip_scales,
    constrain_sensitivity,
    privatise,
)
from deskbound_strategies.noise import rounded_gaussian

CLIPS = st.floats(1e-6, 1e6)


def zeros(count: int) -> bytes:
    """Bits whose draws are all zero: U = 0 lies in the cell of magnitude 0."""
    return bytes(count)


def rounded(vector: np.ndarray, lattice: Lattice) -> np.ndarray:
    """What the mechanism makes of a vector before it adds noise."""
    return np.rint(vector / lattice.step) * lattice.step


def norm(vector: np.ndarray) -> float:
    """L2 norm without rounding to speak of."""
    return math.sqrt(math.fsum(float(x) ** 2 for x in vector))


@given(clip=CLIPS, dimension=st.integers(1, 2**21), sigma=st.floats(0.3, 4.0))
def test_a_lattice_keeps_its_bounds(clip: float, dimension: int, sigma: float) -> None:
    lattice = Lattice(clip, dimension, sigma)
    mantissa, _ = math.frexp(lattice.step)
    assert mantissa == 0.5  # a power of two
    assert clip < lattice.sensitivity <= (1 + MAX_INFLATION) * clip
    # C + sqrt(d) gamma fits into the sensitivity, in exact arithmetic.
    spare = Fraction(lattice.sensitivity) - Fraction(clip)
    assert Fraction(lattice.step) ** 2 * dimension < spare**2
    # The noise is at least sigma times the sensitivity, and not noticeably more.
    noise = Fraction(lattice.scale) * Fraction(lattice.step)
    wanted = Fraction(sigma) * Fraction(lattice.sensitivity)
    assert wanted <= noise <= wanted * (1 + Fraction(1, 2**40))
    # Not needlessly fine either: the next coarser step would break the bound.
    assert 2 * lattice.step * math.sqrt(dimension) > (MAX_INFLATION - 2.0**-11) * clip


@pytest.mark.parametrize(
    ("clip", "dimension", "sigma"),
    [
        (0.0, 10, 1.0), (-1.0, 10, 1.0), (math.nan, 10, 1.0), (math.inf, 10, 1.0),
        (1.0, 0, 1.0), (1.0, 2**21 + 1, 1.0), (1.0, 10, 0.0), (1.0, 10, math.nan),
        (1.0, 2**21, 1e6), (1e300, 10, 1.0), (1e-300, 10, 1.0),
    ],
)  # fmt: skip
def test_a_lattice_out_of_range_is_refused(clip: float, dimension: int, sigma: float) -> None:
    with pytest.raises(ValueError, match=r"must|too large"):
        Lattice(clip, dimension, sigma)


ROWS = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12),
    elements=st.floats(-(2.0**100), 2.0**100, width=32),
)


@given(gradients=ROWS, clip=CLIPS)
@settings(deadline=None)
def test_one_unit_more_moves_the_rounded_sum_by_no_more_than_the_sensitivity(
    gradients: np.ndarray, clip: float
) -> None:
    lattice = Lattice(clip, gradients.shape[1], 1.0)
    with_unit = rounded(constrain_sensitivity(gradients, lattice), lattice)
    for left_out in range(gradients.shape[0]):
        others = np.delete(gradients, left_out, axis=0)
        without = rounded(constrain_sensitivity(others, lattice), lattice)
        assert norm(with_unit - without) <= lattice.sensitivity


def test_the_rounding_bound_is_needed() -> None:
    """A unit just under C, placed to push every coordinate across a rounding boundary."""
    dimension = 4000
    lattice = Lattice(1.0, dimension, 1.0)
    whole = math.floor(1 / math.sqrt(dimension) / lattice.step)
    unit = np.full((1, dimension), (whole + 0.02) * lattice.step)
    base = np.full((1, dimension), lattice.step * 0.49)
    without = rounded(constrain_sensitivity(base, lattice), lattice)
    moved = rounded(constrain_sensitivity(np.vstack([base, unit]), lattice), lattice)
    assert norm(unit[0]) <= lattice.clip < norm(moved - without) <= lattice.sensitivity


def test_clipping_keeps_direction_and_leaves_small_gradients_alone() -> None:
    lattice = Lattice(1.0, 2, 1.0)
    small = np.array([[0.3, 0.4]])
    assert np.array_equal(constrain_sensitivity(small, lattice), small[0])
    large = constrain_sensitivity(np.array([[300.0, 400.0]]), lattice)
    assert np.allclose(large, [0.6, 0.8], rtol=1e-15)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_unit_that_overflowed_contributes_nothing_and_raises_nothing(bad: float) -> None:
    lattice = Lattice(1.0, 3, 1.0)
    good = np.array([[0.1, 0.2, 0.3]])
    broken = np.array([[1.0, bad, 0.0]])
    with np.errstate(invalid="ignore"):
        total = constrain_sensitivity(np.vstack([good, broken]), lattice)
    assert np.array_equal(total, good[0])
    assert clip_scales(np.array([bad, 0.0, 2.0]), 1.0).tolist() == [0.0, 1.0, 0.5]


def test_gradients_of_another_shape_are_a_mistake() -> None:
    lattice = Lattice(1.0, 3, 1.0)
    with pytest.raises(ValueError, match="d coordinates"):
        constrain_sensitivity(np.zeros((2, 4)), lattice)
    with pytest.raises(ValueError, match="units"):
        constrain_sensitivity(np.zeros((2**16 + 1, 3)), lattice)


@given(
    vector=hnp.arrays(np.float64, st.integers(1, 40), elements=st.floats(-60_000, 60_000)),
    sigma=st.floats(0.3, 4.0),
)
@settings(deadline=None, max_examples=40)
def test_every_output_is_a_lattice_point_whatever_the_input(
    vector: np.ndarray, sigma: float
) -> None:
    lattice = Lattice(1.0, vector.size, sigma)
    released = privatise(vector, lattice)
    assert released.dtype == np.float64
    for value in released:
        assert Fraction(float(value)) % Fraction(lattice.step) == 0


def test_no_output_tells_two_neighbours_apart_by_its_low_bits() -> None:
    """The attack that identifies float32 noise in one of four outputs finds none here."""
    lattice = Lattice(1.0, 100_000, 1.0)
    half = lattice.step / 2
    for vector in (np.zeros(100_000), np.full(100_000, lattice.clip / 400 + half * 0.77)):
        released = privatise(vector, lattice) / lattice.step
        assert np.array_equal(released, np.rint(released))


def test_noise_is_added_to_the_rounded_sum_and_nothing_else_is_done() -> None:
    lattice = Lattice(1.0, 64, 1.0)
    vector = np.linspace(-3, 3, 64)
    assert np.array_equal(privatise(vector, lattice, zeros), rounded(vector, lattice))
    generator = np.random.Generator(np.random.Philox(4))
    noise = rounded_gaussian(lattice.scale).draw(64, np.random.Generator(np.random.Philox(4)).bytes)
    released = privatise(vector, lattice, generator.bytes)
    assert np.array_equal(released - rounded(vector, lattice), noise * lattice.step)


def test_the_noise_has_the_accountants_standard_deviation() -> None:
    for sigma, clip in itertools.product((0.7, 2.0), (0.25, 3.0)):
        lattice = Lattice(clip, 200_000, sigma)
        source = np.random.Generator(np.random.Philox(9)).bytes
        spread = privatise(np.zeros(200_000), lattice, source).std()
        assert abs(spread / (sigma * lattice.sensitivity) - 1) < 0.01


@pytest.mark.parametrize(
    "vector",
    [
        np.array([0.0, math.nan]), np.array([0.0, math.inf]), np.array([0.0, -math.inf]),
        np.array([0.0, 1e9]), np.zeros(3), np.zeros((2, 1)), np.zeros(2, dtype=np.float32),
    ],
)  # fmt: skip
def test_a_vector_that_clipping_never_makes_is_refused(vector: np.ndarray) -> None:
    with pytest.raises(Refusal) as caught:
        privatise(vector, Lattice(1.0, 2, 1.0))
    assert caught.value.code is RefusalCode.INTERNAL
