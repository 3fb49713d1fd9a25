"""Keys, draws and noise that a seed determines: the one thing that the product must never have.

On a laptop all bits come from the operating system, and no command, setting or message gives a
seed. Here they come from AES-256-CTR under a key made of the seed and the names of what is drawn,
so that a simulation can be repeated bit for bit. Whoever knows the seed can take such noise off
again.
"""

import hashlib

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from deskbound_strategies.canonical import canonical_bytes
from deskbound_strategies.noise import ByteSource

NOTICE = "simulated, seeded noise: no privacy"

Name = str | int


def seeded_bytes(seed: int, *names: Name) -> bytes:
    """Return 32 bytes that look random and depend on nothing but seed and names."""
    words = canonical_bytes(["deskbound-simulation/1", seed, *names])
    return hashlib.sha256(words).digest()


def seeded_source(seed: int, *names: Name) -> ByteSource:
    """Return a stream of fair-looking bytes, in place of ``noise.os_source``."""
    cipher = Cipher(algorithms.AES256(seeded_bytes(seed, *names)), modes.CTR(bytes(16)))
    encryptor = cipher.encryptor()
    return lambda count: encryptor.update(bytes(count))


def seeded_key(seed: int, *names: Name) -> Ed25519PrivateKey:
    """Return a signing key for somebody who does not exist."""
    return Ed25519PrivateKey.from_private_bytes(seeded_bytes(seed, *names))


def seeded_chances(seed: int, *names: Name) -> np.random.Generator:
    """Return a generator for what the simulation draws around the product: who is there, say."""
    return np.random.Generator(np.random.PCG64(list(seeded_bytes(seed, *names))))
