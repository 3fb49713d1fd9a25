"""Signs policy floors for laptops that have the policy key pinned.

The key belongs to whoever answers for privacy, not to who runs rounds: it lies in a file of its
own, of mode 0600, wherever that team keeps its keys.
"""

import base64
import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from deskbound_strategies.errors import ConfigError, NotFoundError
from deskbound_strategies.floor_file import parse_floor, sign_file


def sign_floor(floor: Path, key_file: Path) -> tuple[Path, Path]:
    """Sign a floor; the key is made at the first call, its public half written at every one.

    Args:
        floor: the ``floor.toml`` that laptops will get.
        key_file: the private policy key, PEM; the public one lies beside it as ``.pub``.

    Returns:
        The signature, to lie beside the floor, and the public key, to pin on laptops.

    Raises:
        NotFoundError: when there is no such floor.
        ConfigError: when it is no floor, or the key file holds no Ed25519 key.
    """
    try:
        data = floor.read_bytes()
    except OSError:
        raise NotFoundError(f"{floor.name} cannot be read.", "Check the path.") from None
    parse_floor(data, floor.name)  # before a key is made for it
    key = _key(key_file)
    public = key_file.with_suffix(".pub")
    raw = key.public_key().public_bytes_raw()
    public.write_text(base64.b64encode(raw).decode("ascii") + "\n", encoding="ascii")
    signature = floor.with_name(floor.name + ".sig")
    signature.write_bytes(sign_file(data, key))
    return signature, public


def _key(file: Path) -> Ed25519PrivateKey:
    if not file.exists():
        made = Ed25519PrivateKey.generate()
        pem = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(pem)
        return made
    try:
        found = load_pem_private_key(file.read_bytes(), None)
    except (ValueError, TypeError, OSError):
        found = None
    if not isinstance(found, Ed25519PrivateKey):
        raise ConfigError(
            f"{file.name} holds no Ed25519 private key.",
            "Name the policy key, or a file that is not there yet.",
        )
    return found
