"""Vaults for tests: a keystore that behaves and rows that can be recognised."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from deskbound_client.store.rows import StoredAction
from deskbound_client.store.vault import Vault
from deskbound_strategies.errors import KeystoreError

DAY = date(2026, 11, 20)
NOON = int(datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp())
DAY_SECONDS = 86_400


class MemoryKeystore:
    """An operating system's keystore: holds one key, and only the newest."""

    kind = "memory"

    def __init__(self, key: bytes = b"") -> None:
        self.key = key
        self.replaced = 0

    def load(self) -> bytes:
        if not self.key:
            raise KeystoreError("The system keystore holds no key for this vault.", "Log in.")
        return self.key

    def replace(self, new: bytes) -> None:
        self.key = new
        self.replaced += 1


class FileKeystore:
    """The same, kept in a file outside the vault, so that several processes can share it."""

    kind = "file"

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self) -> bytes:
        return self.path.read_bytes()

    def replace(self, new: bytes) -> None:
        following = self.path.with_name("following")
        following.write_bytes(new)
        following.replace(self.path)


class OpenGate:
    """A control word in memory, for what does not test the real one."""

    def __init__(self) -> None:
        self.generation = 1
        self.paused = False

    @contextmanager
    def committing(self) -> Iterator[int]:
        yield self.generation << 1 | self.paused


def new_vault(home: Path, *, today: date = DAY) -> tuple[Vault, MemoryKeystore]:
    """Make a vault; the keystore opens it again."""
    keystore = MemoryKeystore()
    return Vault.create(home, keystore, today=today), keystore


def action(at: int = NOON, token: int = 1, **more: int) -> StoredAction:
    """A gesture at a time."""
    return StoredAction(token=token, app=2, gap=3, at=at, **more)


def actions(count: int, start: int = NOON, step: int = 1) -> list[StoredAction]:
    """Gestures one after the other, each with its own token."""
    return [action(start + i * step, token=i % 400) for i in range(count)]


def plain_pages(path: Path, key: bytes) -> bytes:
    """Decrypt a database page by page, free pages too, as someone who has its key would.

    SQLCipher keeps 80 bytes at the end of each page: 16 of IV, 64 of HMAC. A raw key is the AES
    key itself.
    """
    data, plain = path.read_bytes(), b""
    for offset in range(0, len(data), 4096):
        page = data[offset : offset + 4096]
        skip = 16 if offset == 0 else 0
        decryptor = Cipher(algorithms.AES(key), modes.CBC(page[-80:-64])).decryptor()
        plain += bytes(skip) + decryptor.update(page[skip:-80]) + decryptor.finalize()
    return plain
