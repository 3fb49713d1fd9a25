"""Rounded Gaussian noise in whole numbers, drawn without a tell.

What is drawn: integers with ``P(k) = Phi((k + 1/2) / R) - Phi((k - 1/2) / R)``, that is, a real
Gaussian of standard deviation ``R`` rounded to the nearest integer. Integers have no low-order
bits that could betray what they were added to, as the float noise of common libraries does.

How: inversion, decided by exact arithmetic. Let ``U`` be an infinite string of fair bits read as a
number in [0, 1), and ``F(m) = erf((m + 1/2) / (R sqrt 2)) = P(|k| <= m)``. The magnitude is the
one ``m`` with ``F(m-1) <= U < F(m)``; a separate fair bit is the sign. A table of ``F`` in float64
answers nearly always; where ``U`` lies too near a threshold for the table to be trusted, or beyond
its end, the answer is worked out in decimal arithmetic, with as many further bits of ``U`` and as
many digits as it takes.

Why the statistical distance to ``P`` is at most 2^-60 per draw, given fair bits:

1. *Table.* ``F(x_j + t)`` is evaluated as a Taylor polynomial of degree 8 from anchors
   ``x_j = j/64``, ``|t| <= 1/128``. Truncation: at most ``|F^(9)| / 9! * 2^-63``; by Cramer's
   inequality ``phi(x) |He_8(x)| <= 1.09 sqrt(8!) / sqrt(2 pi)``, so it is below 2^-71. Rounding:
   anchors are correct to 2^-54; ``x = (m + 1/2) / R`` has relative error 2^-53 and
   ``F'(x) x <= 0.49``; ``t`` is exact (both terms are multiples of the ulp of the smaller, and
   the difference is small); Horner's terms sum to less than 2^-6 and cost less than 2^-55; the
   last addition costs 2^-54. Altogether less than 2^-51. Only IEEE 754 ``+ - * /`` are used, no
   library's idea of ``erf``.
2. *Window.* A draw is taken from the table only if the bits of ``U`` drawn so far are further
   than 2^-46 from both thresholds of its cell. The table's error (2^-51) and the bits not yet
   drawn (2^-62) together are smaller, so the infinitely precise comparison has the same outcome:
   these draws carry no error at all.
3. *Otherwise* bits and digits are added until an interval around ``F`` excludes ``U``: no error
   either. It gives up past 1,024 bits, which happens with probability below 2^-900.

So the distance is below 2^-900 for fair bits; the accountant charges 2^-60 all the same. The bits
are AES-256-CTR under a fresh key from the operating system.

*Time.* Looking a draw up takes longer for some values than for others, and the exact path, taken
about once in 2^26 draws, longer still. So ``draw`` ends at a whole multiple of a public time per
draw after it began, and how long it took says next to nothing of what was drawn
(``benchmarks/noise_timing.py``).
"""

import math
import os
import time
from collections.abc import Callable
from decimal import Context, Decimal, localcontext
from functools import lru_cache

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from numpy.typing import NDArray

ByteSource = Callable[[int], bytes]

DISTANCE_BITS = 60  # what the accountant charges per draw: 2^-60
MIN_SCALE, MAX_SCALE = 1.0, float(2**21)

_BITS = 62  # bits of U in a first word; the lowest bit of the word is the sign
_WINDOW = 1 << (_BITS - 46)
_END = 6.0  # the table covers magnitudes up to 6 R, all but 2e-9 of the draws
_ANCHORS_PER_UNIT = 64
_DEGREE = 8
_GUIDE_BITS = 20
_CHUNK = 1 << 16
_MAX_BITS = 1024
NANOSECONDS_PER_DRAW = 250  # three to five times what a draw takes: nearly always one slot
_PI = Decimal(
    "3.14159265358979323846264338327950288419716939937510582097494459230781640628620899862803482534"
    "2117067982148086513282306647093844609550582231725359408128481117450284102701938521105559644622"
    "9489549303819644288109756659334461284756482337867831652712019091456485669234603486104543266482"
    "13393607260249141273724587006606315588174881520920962829254091715364367892590360"
)


def os_source() -> ByteSource:
    """Return a stream of AES-256-CTR bytes under a fresh key from the operating system."""
    encryptor = Cipher(algorithms.AES256(os.urandom(32)), modes.CTR(bytes(16))).encryptor()
    return lambda count: encryptor.update(bytes(count))


@lru_cache(maxsize=2)
def rounded_gaussian(scale: float) -> "RoundedGaussian":
    """Return the sampler of this scale; its table is kept for the rounds that follow."""
    return RoundedGaussian(scale)


class RoundedGaussian:
    """Draws integers distributed as a Gaussian of standard deviation ``scale``, rounded.

    Args:
        scale: R, in lattice steps; between 1 and 2^21. The tables take about 48 R bytes and 4 MB.

    Raises:
        ValueError: when the scale is outside its range.
    """

    def __init__(self, scale: float) -> None:
        if not MIN_SCALE <= scale <= MAX_SCALE:
            raise ValueError("the noise scale must lie between 1 and 2^21 lattice steps")
        self.scale = float(scale)
        self._thresholds = _table(self.scale)
        starts = np.arange(1 << _GUIDE_BITS, dtype=np.int64) << (_BITS - _GUIDE_BITS)
        guide = np.searchsorted(self._thresholds[1:-1], starts, side="right")
        self._guide = guide.astype(np.int32)

    def draw(self, count: int, source: ByteSource | None = None) -> NDArray[np.int64]:
        """Return ``count`` independent draws.

        Args:
            count: how many.
            source: where fair bits come from; the operating system's generator unless a test
                passes its own.
        """
        began = time.perf_counter_ns()
        source = source or os_source()
        drawn = np.empty(count, dtype=np.int64)
        for start in range(0, count, _CHUNK):
            part = drawn[start : start + _CHUNK]
            self._fill(part, source)
        _wait_for_the_next(began, max(1, count) * NANOSECONDS_PER_DRAW)
        return drawn

    def _fill(self, out: NDArray[np.int64], source: ByteSource) -> None:
        words = np.frombuffer(source(8 * out.size), dtype="<u8")
        fractions = (words >> np.uint64(2)).view(np.int64)
        sign = (words & np.uint64(1)).view(np.int64)
        magnitude, unsure = self._look_up(fractions)
        for index in np.flatnonzero(unsure):
            magnitude[index] = exact_magnitude(self.scale, int(fractions[index]), source)
        np.subtract(magnitude ^ -sign, -sign, out=out)

    def _look_up(self, fractions: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return each draw's cell and whether the table is too coarse to be sure of it."""
        thresholds = self._thresholds
        cell = self._guide[fractions >> (_BITS - _GUIDE_BITS)].astype(np.int64)
        upper = thresholds[cell + 1]
        behind = np.flatnonzero(upper <= fractions)
        if behind.size:
            found = np.searchsorted(thresholds[1:-1], fractions[behind], side="right")
            cell[behind] = found
            upper[behind] = thresholds[found + 1]
        unsure = upper - fractions <= _WINDOW
        unsure |= fractions - thresholds[cell] <= _WINDOW
        unsure |= cell >= thresholds.size - 2
        return cell, unsure


def _wait_for_the_next(began: int, quantum: int) -> None:
    """Wait until a whole number of quanta, at least one, has passed; both in nanoseconds."""
    end = began + quantum * -(-(time.perf_counter_ns() - began) // quantum)
    while (left := end - time.perf_counter_ns()) > 0:
        if left > 200_000:  # sleeping is not exact to less
            time.sleep((left - 100_000) / 1e9)


def exact_magnitude(scale: float, fraction: int, source: ByteSource) -> int:
    """Return the ``m`` with ``F(m-1) <= U < F(m)``, drawing further bits of U while needed.

    Args:
        scale: R.
        fraction: the first 62 bits of U.
        source: where further bits come from.
    """
    bits, low, high = _BITS, 0, 64 * math.ceil(scale)
    while low < high:
        middle = (low + high) // 2
        side = _compare(scale, middle, fraction, bits)
        if side == 0 and bits >= _MAX_BITS:
            break
        if side == 0:
            fraction = (fraction << 64) | int.from_bytes(source(8), "little")
            bits += 64
        elif side > 0:
            low = middle + 1
        else:
            high = middle
    return low


def _compare(scale: float, magnitude: int, fraction: int, bits: int) -> int:
    """Return 1 if U >= F(magnitude) for certain, -1 if U < F for certain, 0 if undecided."""
    digits = 24 + math.ceil(bits * 0.302)
    with localcontext(Context(prec=digits)):
        threshold = exact_cdf(scale, magnitude, digits)
        error = Decimal(1).scaleb(5 - digits)
        unit = Decimal(1) / Decimal(1 << bits)
        if Decimal(fraction) * unit - threshold > error:
            return 1
        return -1 if threshold - Decimal(fraction + 1) * unit > error else 0


def exact_cdf(scale: float, magnitude: int, digits: int) -> Decimal:
    """Return ``F(magnitude) = erf((magnitude + 1/2) / (R sqrt 2))`` to 10^(4 - digits).

    Every term of ``sqrt(2/pi) exp(-x^2/2) (x + x^3/3 + x^5/15 + ...)`` is positive, so nothing
    cancels and the relative error is at most the number of operations, fewer than 10^4, times
    the unit roundoff.
    """
    with localcontext(Context(prec=digits)):
        return _erf_of((Decimal(magnitude) + Decimal("0.5")) / Decimal(scale), digits)


def _erf_of(x: Decimal, digits: int) -> Decimal:
    """Return ``erf(x / sqrt 2)`` for ``x >= 0`` in the current decimal context."""
    if x * x > Decimal(5) * digits:  # 1 - erf < exp(-x^2 / 2) < 10^-digits
        return Decimal(1)
    square, term, total, odd = x * x, x, x, 1
    smallest = Decimal(1).scaleb(-digits - 2)
    # Past odd > 2 x^2 the terms at least halve, so the rest is no larger than the last one.
    while term > smallest * total or odd < 2 * square:
        odd += 2
        term = term * square / odd
        total += term
    return (Decimal(2) / _PI).sqrt() * (-square / 2).exp() * total


@lru_cache(maxsize=1)
def _taylor() -> NDArray[np.float64]:
    """Return coefficients (degree + 1, anchors) of ``F`` around ``j / 64``, highest first."""
    count = int(_END * _ANCHORS_PER_UNIT) + 1
    columns = np.empty((_DEGREE + 1, count))
    with localcontext(Context(prec=40)):
        for j in range(count):
            x = Decimal(j) / _ANCHORS_PER_UNIT
            density = (Decimal(2) / _PI).sqrt() * (-x * x / 2).exp()
            columns[_DEGREE, j] = float(_erf_of(x, 40))
            before, hermite, factorial = Decimal(0), Decimal(1), 1
            for n in range(1, _DEGREE + 1):
                factorial *= n
                sign = 1 if n % 2 else -1
                columns[_DEGREE - n, j] = float(sign * density * hermite / factorial)
                before, hermite = hermite, x * hermite - (n - 1) * before
    return columns


def _table(scale: float) -> NDArray[np.int64]:
    """Return ``F(0), F(1), ...`` up to 6 R in units of 2^-62, between the sentinels 0 and 1."""
    count = math.floor(_END * scale)
    table = np.empty(count + 2, dtype=np.int64)
    table[0], table[-1] = 0, 1 << _BITS
    for start in range(0, count, _CHUNK):
        magnitudes = np.arange(start, min(start + _CHUNK, count), dtype=np.float64)
        value = np.ldexp(_cdf((magnitudes + 0.5) / scale), _BITS)
        table[1 + start : 1 + start + value.size] = value.astype(np.int64)
    return table


def _cdf(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``erf(x / sqrt 2)`` for ``0 <= x <= 6`` with an error below 2^-51."""
    nearest = np.rint(x * _ANCHORS_PER_UNIT).astype(np.int64)
    offset = x - nearest / _ANCHORS_PER_UNIT
    columns = _taylor()
    value: NDArray[np.float64] = columns[0][nearest]
    for coefficients in columns[1:]:
        value *= offset
        value += coefficients[nearest]
    return value
