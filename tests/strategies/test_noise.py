"""The sampler against an independent oracle (mpmath), bit by bit and in the mass."""

import hashlib
from collections.abc import Iterator
from decimal import Decimal

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from deskbound_strategies import noise
from deskbound_strategies.noise import RoundedGaussian, exact_cdf, exact_magnitude, os_source

WORD = 8
TOP = 1 << 62


def seeded(seed: int) -> noise.ByteSource:
    """Fair bits that are the same in every run."""
    return np.random.Generator(np.random.Philox(seed)).bytes


def words(*values: int) -> noise.ByteSource:
    """A source that hands out these 64-bit words, then zeros."""
    data = b"".join(value.to_bytes(WORD, "little") for value in values)
    position = 0

    def source(count: int) -> bytes:
        nonlocal position
        found = data[position : position + count]
        position += count
        return found + bytes(count - len(found))

    return source


@pytest.fixture(scope="module", autouse=True)
def many_digits() -> Iterator[None]:
    """Comparisons with 2^-62 need more than float64; whatever other tests need less."""
    with mpmath.workdps(80):
        yield


def true_cdf(scale: float, magnitude: int) -> mpmath.mpf:
    """P(|k| <= magnitude), by another library."""
    return mpmath.erf((mpmath.mpf(magnitude) + mpmath.mpf("0.5")) / (scale * mpmath.sqrt(2)))


@pytest.mark.parametrize("scale", [1.0, 1.7, 12.345, 4096.0])
def test_the_table_is_the_true_distribution_at_every_magnitude(scale: float) -> None:
    table = RoundedGaussian(scale)._thresholds[1:-1]
    assert table.size == int(6 * scale)
    step = max(1, table.size // 3000)
    for magnitude in range(0, table.size, step):
        true = true_cdf(scale, magnitude) * TOP
        assert abs(int(table[magnitude]) - true) < 2 ** (62 - 51) + 1


@pytest.mark.parametrize("scale", [66_123.7, float(2**20), 2.0**21])
def test_the_table_is_the_true_distribution_at_large_scales(scale: float) -> None:
    table = RoundedGaussian(scale)._thresholds[1:-1]
    assert np.all(np.diff(table) >= 0)
    rng = np.random.default_rng(1)
    for magnitude in [0, 1, 2, table.size - 1, *rng.integers(0, table.size, 300)]:
        true = true_cdf(scale, int(magnitude)) * TOP
        assert abs(int(table[magnitude]) - true) < 2 ** (62 - 51) + 1


@pytest.mark.parametrize("digits", [40, 80, 300])
@pytest.mark.parametrize("scale", [1.0, 3.3, 70_000.1])
def test_the_decimal_cdf_is_as_exact_as_it_says(scale: float, digits: int) -> None:
    for deviations in (0.0, 0.01, 0.7, 2.0, 5.9, 9.5, 30.0):
        magnitude = int(deviations * scale)
        with mpmath.workdps(digits + 20):
            true = mpmath.erf((magnitude + mpmath.mpf("0.5")) / (scale * mpmath.sqrt(2)))
            found = mpmath.mpf(str(exact_cdf(scale, magnitude, digits)))
            assert abs(found - true) < mpmath.mpf(10) ** (4 - digits)


def test_pi_is_pi() -> None:
    with mpmath.workdps(400):
        assert abs(mpmath.mpf(str(noise._PI)) - mpmath.pi) < mpmath.mpf(10) ** -355


@given(
    scale=st.floats(1.0, 2.0**14, allow_nan=False),
    word=st.integers(0, 2**64 - 1),
    seed=st.integers(0, 1000),
)
@settings(max_examples=300, deadline=None)
def test_every_draw_is_the_inverse_of_the_exact_cdf(scale: float, word: int, seed: int) -> None:
    rest = hashlib.sha256(seed.to_bytes(4)).digest()
    more = [int.from_bytes(rest[i : i + 8], "little") for i in range(0, 32, 8)]
    drawn = int(RoundedGaussian(scale).draw(1, words(word, *more))[0])
    fraction, magnitude = word >> 2, abs(drawn)
    # U lies in [fraction, fraction + 1) / 2^62; it must meet the cell [F(m-1), F(m)).
    assert true_cdf(scale, magnitude) * TOP > fraction
    assert magnitude == 0 or true_cdf(scale, magnitude - 1) * TOP < fraction + 1
    assert drawn == 0 or (drawn < 0) == bool(word & 1)


@pytest.mark.parametrize("scale", [5.0, 66_123.7])
def test_next_to_a_threshold_further_bits_decide(scale: float) -> None:
    sampler = RoundedGaussian(scale)
    for magnitude in (0, 3, int(2.5 * scale)):
        shifted = mpmath.floor(true_cdf(scale, magnitude) * 2**126)
        head, tail = divmod(int(shifted), 1 << 64)
        below = sampler.draw(1, words(head << 2, tail - 1))
        above = sampler.draw(1, words(head << 2, tail + 1))
        assert (int(below[0]), int(above[0])) == (magnitude, magnitude + 1)


def test_a_tie_in_126_bits_is_settled_by_still_more() -> None:
    scale, magnitude = 9.0, 4
    with mpmath.workdps(120):
        value = mpmath.erf((magnitude + mpmath.mpf("0.5")) / (scale * mpmath.sqrt(2)))
        shifted = int(mpmath.floor(value * 2**190))
    head, middle, tail = shifted >> 128, (shifted >> 64) % 2**64, shifted % 2**64
    assert exact_magnitude(scale, head, words(middle, tail - 1)) == magnitude
    assert exact_magnitude(scale, head, words(middle, tail + 1)) == magnitude + 1


def test_beyond_the_table_the_tail_goes_on() -> None:
    assert abs(int(RoundedGaussian(10.0).draw(1, words(2**64 - 2, 1 << 63))[0])) > 80


@pytest.mark.parametrize("above", [1e-9, 1e-11, 1e-13])
def test_draws_past_the_end_of_the_table_are_exact(above: float) -> None:
    scale, fraction = 10.0, TOP - int(above * TOP)
    magnitude = abs(int(RoundedGaussian(scale).draw(1, words(fraction << 2, 1 << 63))[0]))
    assert magnitude > 60
    assert true_cdf(scale, magnitude - 1) * TOP < fraction < true_cdf(scale, magnitude) * TOP


def test_a_source_of_nothing_but_ones_ends() -> None:
    assert RoundedGaussian(2.0).draw(1, lambda count: b"\xff" * count)[0] < -50


@pytest.mark.parametrize("scale", [1.0, 1.37, 8.0])
def test_a_million_draws_pass_chi_square(scale: float) -> None:
    count = 1_000_000
    drawn = RoundedGaussian(scale).draw(count, seeded(7))
    reach = int(4 * scale)
    edges = np.arange(-reach, reach + 1)
    masses = stats.norm.cdf((edges + 0.5) / scale) - stats.norm.cdf((edges - 0.5) / scale)
    tail = stats.norm.sf((reach + 0.5) / scale)
    expected = np.concatenate([[tail], masses, [tail]]) * count
    clipped = np.clip(drawn, -reach - 1, reach + 1)
    observed = np.bincount(clipped + reach + 1, minlength=edges.size + 2)
    assert stats.chisquare(observed, expected, sum_check=False).pvalue > 1e-4


def test_a_million_draws_pass_kolmogorov_smirnov_at_a_realistic_scale() -> None:
    scale = 66_123.7
    drawn = RoundedGaussian(scale).draw(1_000_000, seeded(11))
    spread = drawn + np.random.default_rng(3).uniform(-0.5, 0.5, drawn.size)
    assert stats.kstest(spread / scale, "norm").pvalue > 1e-4
    assert abs(float(np.corrcoef(drawn[:-1], drawn[1:])[0, 1])) < 0.005


def test_draws_do_not_depend_on_how_they_are_chunked(monkeypatch: pytest.MonkeyPatch) -> None:
    sampler = RoundedGaussian(1000.0)
    whole = sampler.draw(5000, seeded(5))
    monkeypatch.setattr(noise, "_CHUNK", 64)
    assert np.array_equal(whole, sampler.draw(5000, seeded(5)))


def test_the_operating_systems_bits_are_fresh_each_time() -> None:
    sampler = RoundedGaussian(1000.0)
    assert not np.array_equal(sampler.draw(100), sampler.draw(100))
    first, second = os_source(), os_source()
    assert first(32) != second(32)
    assert first(32) != bytes(32)


def test_a_numpy_seed_changes_nothing() -> None:
    sampler = RoundedGaussian(1000.0)
    np.random.seed(1)  # noqa: NPY002 - the very thing that must not matter
    first = sampler.draw(100)
    np.random.seed(1)  # noqa: NPY002
    assert not np.array_equal(first, sampler.draw(100))


@pytest.mark.parametrize("scale", [0.5, 2.0**21 + 1, float("nan"), float("inf")])
def test_a_scale_out_of_range_is_refused(scale: float) -> None:
    with pytest.raises(ValueError, match="scale"):
        RoundedGaussian(scale)


def test_decimal_context_of_the_caller_does_not_matter() -> None:
    from decimal import localcontext

    with localcontext() as context:
        context.prec = 3
        found = exact_cdf(4.0, 3, 50)
    assert abs(found - exact_cdf(4.0, 3, 60)) < Decimal("1e-46")
