"""A passphrase as keystore, for machines without one that the operating system protects.

argon2id (RFC 9106, the profile for little memory) turns the passphrase into a wrapping key; AES-KW
wraps the vault's outermost key with it. The passphrase comes by prompt or from a file only its
owner can read.
"""

import base64
import getpass
import json
import secrets
import unicodedata
from collections.abc import Callable
from pathlib import Path

from argon2.low_level import Type, hash_secret_raw
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from deskbound_client.store.files import read_private, replace_private
from deskbound_strategies.errors import ConfigError, VaultDamagedError, WrongPassphraseError

KEK_BYTES = 32
SEALED_FILE = "root.sealed"
MINIMUM_PASSPHRASE = 8

# RFC 9106, second recommended option: for environments with little memory.
ARGON2 = {"time_cost": 3, "memory_cost": 65_536, "parallelism": 4}
SALT_BYTES = 16

PassphraseSource = Callable[[], str]


class PassphraseKeystore:
    """A key wrapped with AES-KW under argon2id of a passphrase, in ``root.sealed``.

    The passphrase is asked for once; what is derived from it stays in memory, so that the key can
    be replaced without a second prompt. An old ``root.sealed`` opens with the same passphrase:
    this keystore cannot promise what the system's does (docs/limitations.md).

    Args:
        path: ``root.sealed``; made at the first ``replace``.
        passphrase: asked when a key must be derived.
    """

    kind = "passphrase"

    def __init__(self, path: Path, passphrase: PassphraseSource) -> None:
        self._path = path
        self._passphrase = passphrase
        self._salt = b""
        self._wrapping = b""

    def load(self) -> bytes:
        """Return the wrapped key.

        Raises:
            WrongPassphraseError: when the passphrase does not open it.
            VaultDamagedError: when ``root.sealed`` is not what we wrote.
        """
        salt, wrapped = _parse_sealed(read_private(self._path))
        if salt != self._salt:
            self._derive(salt)
        try:
            return aes_key_unwrap(self._wrapping, wrapped)
        except InvalidUnwrap:
            self._salt = b""
            raise WrongPassphraseError(
                "The passphrase does not open this vault.", "Check it and try again."
            ) from None

    def replace(self, new: bytes) -> None:
        """Wrap ``new``; an existing file must open with our passphrase first."""
        if self._path.exists():
            self.load()
        elif not self._salt:
            self._derive(secrets.token_bytes(SALT_BYTES), first=True)
        sealed = {
            "version": 1,
            "kdf": "argon2id",
            **ARGON2,
            "salt": base64.b64encode(self._salt).decode(),
            "wrapped": base64.b64encode(aes_key_wrap(self._wrapping, new)).decode(),
        }
        replace_private(self._path, json.dumps(sealed).encode())

    def _derive(self, salt: bytes, *, first: bool = False) -> None:
        passphrase = self._passphrase()
        if first and len(passphrase) < MINIMUM_PASSPHRASE:
            raise ConfigError(
                f"The passphrase is shorter than {MINIMUM_PASSPHRASE} characters.",
                "Choose a longer one; four unrelated words are a good start.",
            )
        secret = unicodedata.normalize("NFC", passphrase).encode()
        self._wrapping = hash_secret_raw(secret, salt, hash_len=KEK_BYTES, type=Type.ID, **ARGON2)
        self._salt = salt


def _parse_sealed(data: bytes) -> tuple[bytes, bytes]:
    """Return salt and wrapped key; settings weaker or heavier than ours are refused."""
    try:
        sealed = json.loads(data)
        settings = {name: sealed[name] for name in ARGON2}
        salt = base64.b64decode(sealed["salt"], validate=True)
        wrapped = base64.b64decode(sealed["wrapped"], validate=True)
        sound = (sealed["version"], sealed["kdf"], settings) == (1, "argon2id", ARGON2)
    except (ValueError, KeyError, TypeError):
        sound = False
    if not sound or len(salt) != SALT_BYTES or len(wrapped) != KEK_BYTES + 8:
        raise VaultDamagedError(
            f"{SEALED_FILE} is not as Deskbound wrote it.", "Restore it from a backup."
        )
    return salt, wrapped


def passphrase_from_file(path: Path) -> PassphraseSource:
    """Return a source that reads the first line of a file only its owner can read."""

    def read() -> str:
        try:
            return read_private(path).decode().split("\n", 1)[0].rstrip("\r")
        except UnicodeDecodeError:
            raise WrongPassphraseError(
                f"{path.name} does not hold a passphrase.", "Write it there as plain UTF-8 text."
            ) from None

    return read


def passphrase_from_prompt(*, confirm: bool = False, of: str = "the vault") -> PassphraseSource:
    """Return a source that asks on the terminal, twice for a new passphrase."""

    def ask() -> str:
        given = getpass.getpass(f"Passphrase of {of}: ")
        if confirm and getpass.getpass("Once more: ") != given:
            raise WrongPassphraseError("The two passphrases differ.", "Try again.")
        return given

    return ask
