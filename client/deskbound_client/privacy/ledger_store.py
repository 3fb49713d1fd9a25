"""The device ledger in ``vault.db``: appended under one lock, on the disk before anyone goes on.

The format, the chain and the signatures are ``deskbound_strategies.ledger``'s; this is where the
lines lie. Several processes append: each takes the database's write lock, reads the last line,
checks that it is its own device's, and adds the next.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deskbound_client import __version__
from deskbound_client.privacy.anchoring import anchor_key
from deskbound_client.store.cipher import Connection
from deskbound_client.store.files import replace_private
from deskbound_strategies import ledger
from deskbound_strategies.ledger import LedgerEntry
from deskbound_strategies.ledger_bodies import LedgerKind
from deskbound_strategies.log_entries import anchor_of

LEDGER_FORMAT = 1


class Signer(Protocol):
    """What the ledger needs of the vault."""

    @property
    def database(self) -> Connection:
        """``vault.db``."""

    def signing_key(self) -> Ed25519PrivateKey:
        """Return the device's key."""


class LedgerStore:
    """Reads and appends this laptop's ledger.

    Args:
        vault: holds database and signing key; stays open as long as this is used.
        clock: Unix time; entries keep its whole hour.
    """

    def __init__(self, vault: Signer, clock: Callable[[], float] = time.time) -> None:
        self.database = vault.database
        self._key = vault.signing_key()
        self._clock = clock

    def append(self, kind: LedgerKind | str, body: dict[str, Any]) -> LedgerEntry:
        """Append an entry; it is on the disk when this returns, or when an open transaction ends.

        Args:
            kind: what happened.
            body: the fields of the kind, exactly (``ledger_bodies.check_body``).

        Raises:
            ValueError: when the body does not fit its kind.
            VerificationError: when the last stored line is not what this device signed.
            DiskFullError: when there is no room; nothing was appended.
        """
        with self.database.transaction():
            last = self._last()
            if last is None:
                genesis = {"format": LEDGER_FORMAT, "client_version": __version__}
                last = self._insert(None, LedgerKind.GENESIS, genesis)
            return self._insert(last, LedgerKind(kind), body)

    def entry(self, seq: int) -> LedgerEntry | None:
        """Return one entry, its signature checked."""
        rows = self.database.execute("SELECT line FROM ledger WHERE seq = ?", (seq,))
        return LedgerEntry.from_signed(rows[0][0], self._key.public_key()) if rows else None

    def last_of(self, kind: LedgerKind) -> LedgerEntry | None:
        """Return the newest entry of a kind, its signature checked."""
        rows = self.database.execute(
            "SELECT line FROM ledger WHERE kind = ? ORDER BY seq DESC LIMIT 1", (kind.value,)
        )
        return LedgerEntry.from_signed(rows[0][0], self._key.public_key()) if rows else None

    def all_of(self, kind: LedgerKind) -> Iterator[LedgerEntry]:
        """Yield the entries of a kind, oldest first, the signature of each checked."""
        for (line,) in self.database.execute(
            "SELECT line FROM ledger WHERE kind = ? ORDER BY seq", (kind.value,)
        ):
            yield LedgerEntry.from_signed(line, self._key.public_key())

    def entries(self, *, kinds: Sequence[LedgerKind] = ()) -> Iterator[LedgerEntry]:
        """Yield the entries, oldest first, the whole chain and every signature checked.

        Args:
            kinds: which ones to yield; all when empty.

        Raises:
            VerificationError: at the first entry that is not what this device wrote there.
        """
        lines = [row[0] for row in self.database.execute("SELECT line FROM ledger ORDER BY seq")]
        for entry in ledger.verify_chain(lines, self._key.public_key()):
            if not kinds or entry.kind in kinds:
                yield entry

    def head(self) -> str:
        """Return the digest of the last entry: it fixes all that came before."""
        last = self._last()
        return ledger.NO_ENTRY if last is None else last.digest

    def anchor(self, origin: str) -> str:
        """Return the anchor (hex) under which a log is to speak of this laptop."""
        key = anchor_key(self._key, origin)
        return anchor_of(key.public_key().public_bytes_raw())

    def export(self, path: Path) -> str:
        """Write the ledger with its signed head for an auditor, mode 0600; return the head.

        Raises:
            VerificationError: when the stored chain is broken: nothing is signed then.
        """
        entries = list(self.entries())
        replace_private(path, b"".join(ledger.export(entries, self._key)))
        return entries[-1].digest if entries else ledger.NO_ENTRY

    def exported(self) -> bytes:
        """Return the ledger with its signed head, as ``export`` writes it.

        Raises:
            VerificationError: when the stored chain is broken: nothing is signed then.
        """
        return b"".join(ledger.export(self.entries(), self._key))

    def _last(self) -> LedgerEntry | None:
        rows = self.database.execute("SELECT line FROM ledger ORDER BY seq DESC LIMIT 1")
        return LedgerEntry.from_signed(rows[0][0], self._key.public_key()) if rows else None

    def _insert(
        self, previous: LedgerEntry | None, kind: LedgerKind, body: dict[str, Any]
    ) -> LedgerEntry:
        entry = ledger.append(previous, kind, body, self._key, at=self._clock())
        self.database.execute(
            "INSERT INTO ledger (seq, kind, line) VALUES (?, ?, ?)",
            (entry.seq, entry.kind.value, entry.envelope),
        )
        return entry
