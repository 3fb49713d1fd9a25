"""Faults planted for the length of a run, so that the audit shows that it would find them.

There is no switch in the laptop's code: a function of ``deskbound_strategies`` is replaced in every
loaded module that holds it, and put back afterwards. The auditor's own arithmetic uses none of
these functions. It is told of no plant: the same procedure runs with and without.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from numpy.typing import NDArray

from deskbound_strategies import mechanism, noise
from deskbound_strategies.mechanism import Lattice, Vector
from deskbound_strategies.noise import ByteSource, RoundedGaussian

GUESSABLE = tuple(range(16))  # seeds that a careless programmer might have chosen
PLANTED_SEED = 7


@contextmanager
def replaced(name: str, original: Any, substitute: Any) -> Iterator[None]:
    """Put another function in the place of one, in every loaded module of ours that holds it.

    Raises:
        LookupError: when no module holds it, so that a control never passes for want of a fault.
    """
    holders = [
        module
        for key, module in list(sys.modules.items())
        if key.startswith("deskbound_") and vars(module).get(name) is original
    ]
    if not holders:
        raise LookupError(name)
    for module in holders:
        setattr(module, name, substitute)
    try:
        yield
    finally:
        for module in holders:
            setattr(module, name, original)


def noise_off() -> Any:
    """Let sums leave on the lattice, without noise."""
    return replaced("add_noise", mechanism.add_noise, _rounded)


def exact_sums() -> Any:
    """Let sums leave as they are: neither noise nor lattice, what plain training would send."""
    return replaced("add_noise", mechanism.add_noise, _untouched)


def half_sigma() -> Any:
    """Draw noise of half the standard deviation that is claimed."""
    original = noise.rounded_gaussian
    return replaced("rounded_gaussian", original, lambda scale: original(scale / 2))


def clip_off() -> Any:
    """Let every unit weigh as much as its gradient is long."""
    return replaced("clip_scales", mechanism.clip_scales, _unclipped)


def known_seed() -> Any:
    """Draw noise from a seed that can be guessed."""
    original = noise.rounded_gaussian
    drawn = iter(range(2**31))
    return replaced(
        "rounded_gaussian",
        original,
        lambda scale: _Fixed(original(scale), lambda: seeded(PLANTED_SEED, next(drawn))),
    )


def noise_twice() -> Any:
    """Use each draw of noise in two rounds."""
    original = noise.rounded_gaussian
    kept: list[NDArray[np.int64]] = []
    return replaced("rounded_gaussian", original, lambda scale: _Twice(original(scale), kept))


PLANTS: dict[str, Callable[[], Any]] = {
    "noise off": noise_off,
    "half of sigma": half_sigma,
    "no clipping": clip_off,
    "noise from a known seed": known_seed,
    "the same noise twice": noise_twice,
}


def seeded(seed: int, number: int) -> ByteSource:
    """Return bytes that look fair and that anybody can make again: AES-CTR under a small key."""
    counter = number.to_bytes(8, "big") + bytes(8)
    cipher = Cipher(algorithms.AES256(seed.to_bytes(32, "big")), modes.CTR(counter))
    encryptor = cipher.encryptor()
    return lambda count: encryptor.update(bytes(count))


def guessed(lattice: Lattice, seed: int, number: int) -> Vector:
    """Return the noise that a laptop would add as its draw ``number`` under a guessable seed."""
    drawn = noise.rounded_gaussian(lattice.scale).draw(lattice.dimension, seeded(seed, number))
    return drawn.astype(np.float64) * lattice.step


class _Fixed:
    """Draws as the sampler does, from bits of somebody's choice."""

    def __init__(self, sampler: RoundedGaussian, bits: Callable[[], ByteSource]) -> None:
        self._sampler, self._bits = sampler, bits

    def draw(self, count: int, source: ByteSource | None = None) -> NDArray[np.int64]:  # noqa: ARG002
        return self._sampler.draw(count, self._bits())


class _Twice:
    """Hands each draw out twice."""

    def __init__(self, sampler: RoundedGaussian, kept: list[NDArray[np.int64]]) -> None:
        self._sampler, self._kept = sampler, kept

    def draw(self, count: int, source: ByteSource | None = None) -> NDArray[np.int64]:
        if self._kept:
            return self._kept.pop()
        drawn = self._sampler.draw(count, source)
        self._kept.append(drawn.copy())
        return drawn


def _rounded(flat_sum: Vector, lattice: Lattice, source: ByteSource | None = None) -> Vector:  # noqa: ARG001
    return np.rint(flat_sum / lattice.step) * lattice.step


def _untouched(flat_sum: Vector, lattice: Lattice, source: ByteSource | None = None) -> Vector:  # noqa: ARG001
    return flat_sum.copy()


def _unclipped(norms: Vector, clip: float) -> Vector:  # noqa: ARG001
    return np.where(np.isfinite(norms), 1.0, 0.0)
