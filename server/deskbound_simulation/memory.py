"""A laptop's ``vault.db`` in memory: the product's own tables and statements, on nobody's disk.

Budget, ledger and log keep their state through ``store.cipher.Connection``; here the same class
stands on a plain SQLite in memory. The whole of it is a few kilobytes that travel with a message,
so that any worker can be any laptop.
"""

import sqlite3
from functools import lru_cache
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deskbound_client.store.cipher import Connection
from deskbound_client.store.migrations import VAULT_STEPS, migrate

PAGE_BYTES = 512  # most tables are empty: small pages make a small state


class MemoryDatabase(Connection):
    """The product's connection on a database in memory."""

    def __init__(self, raw: sqlite3.Connection) -> None:
        super().__init__(Path("vault.db"), raw)
        self._memory = raw

    @classmethod
    def of(cls, state: bytes) -> Self:
        """Return the database that ``to_bytes`` gave, or a new one for no bytes."""
        raw = sqlite3.connect(":memory:", isolation_level=None)
        raw.deserialize(state or _empty())
        return cls(raw)

    def to_bytes(self) -> bytes:
        """Return all of it."""
        return self._memory.serialize()


@lru_cache(maxsize=1)
def _empty() -> bytes:
    raw = sqlite3.connect(":memory:", isolation_level=None)
    raw.execute(f"PRAGMA page_size={PAGE_BYTES}")
    database = MemoryDatabase(raw)
    migrate(database, VAULT_STEPS)
    made = database.to_bytes()
    database.close()
    return made


class MemoryVault:
    """What ledger and budget need of a vault.

    Args:
        state: see ``MemoryDatabase.of``.
        key: the device's key.
        salt: 32 bytes behind the pseudonyms of days; the product draws its own.
    """

    def __init__(self, state: bytes, key: Ed25519PrivateKey, salt: bytes) -> None:
        self.database = MemoryDatabase.of(state)
        self._key = key
        if not state:
            self.database.execute(
                "INSERT INTO privacy_state (name, value) VALUES ('salt', ?)", (salt,)
            )

    def signing_key(self) -> Ed25519PrivateKey:
        """Return the device's key."""
        return self._key
