"""What this laptop remembers of the server's log, and what it lets the log say of itself.

Three things are checked before anything is charged, each against what this vault knows alone:

- the log goes on from the head this laptop saw last (else it was shown two histories);
- the model is the one it was shown for this round before, if it was;
- the log's latest receipt of this laptop is one that this vault wrote. A vault that was put back to
  an older state, or copied to a second machine, finds a receipt there that it does not know.

A receipt is written in the transaction that releases an update. ``commitment`` is a keyed hash of
the ledger's head: the key never leaves the vault, so it tells nobody anything, and is gone with it.
"""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from deskbound_client.store.cipher import Connection
from deskbound_strategies.anchors import Anchor
from deskbound_strategies.checkpoint import Checkpoint
from deskbound_strategies.contract import RoundContract
from deskbound_strategies.errors import Refusal, RefusalCode
from deskbound_strategies.log_entries import Receipt, anchor_of
from deskbound_strategies.round_proof import Proven

# Releases that the log may not know yet: replies get lost, rounds are closed early. A server that
# drops more receipts gets no further update, so that an older copy can miss no more than these.
MAX_UNLOGGED = 8


def anchor_key(device_key: Ed25519PrivateKey, origin: str) -> Ed25519PrivateKey:
    """Return the key that signs receipts for one log; two logs cannot tell that it is one laptop.

    Args:
        device_key: of this vault.
        origin: name of the log.
    """
    return Ed25519PrivateKey.from_private_bytes(_derived(device_key, "anchor", origin))


def _derived(device_key: Ed25519PrivateKey, purpose: str, origin: str) -> bytes:
    info = f"deskbound {purpose}/1 {origin}".encode()
    secret = device_key.private_bytes_raw()
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=info).derive(secret)


@dataclass(frozen=True, slots=True)
class Standing:
    """How this vault stands with a log, for the employee to see.

    Attributes:
        size: leaves of the log when it was seen last; 0 if never.
        released: updates released to this log's server.
        logged: how many of these the log knew of, when it was seen last.
    """

    size: int
    released: int
    logged: int


class Anchoring:
    """This vault's dealings with one log.

    Args:
        database: ``vault.db``.
        device_key: of this vault.
        origin: name of the log.
        released: returns the digest of the ledger's release entry for a contract, or None; so a
            ledger that was cut is found out like an older one.
    """

    def __init__(
        self,
        database: Connection,
        device_key: Ed25519PrivateKey,
        origin: str,
        released: Callable[[str], str | None] | None = None,
    ) -> None:
        self._database = database
        self._in_ledger = released
        self._origin = origin
        self._key = anchor_key(device_key, origin)
        self._salt = _derived(device_key, "commitment", origin)

    @property
    def anchor(self) -> str:
        """Under which the log speaks of this laptop (hex)."""
        return anchor_of(self._key.public_key().public_bytes_raw())

    def follow(self, proven: Proven, asked: RoundContract) -> None:
        """Check a log against what this vault remembers of it, and remember its head and model.

        Raises:
            Refusal: ``log-forked``, ``model-forked``, ``rolled-back`` or ``not-logged``; nothing
                is remembered then. None of these codes may travel.
        """
        with self._database.transaction():
            self.check_head(proven)
            if self._model(asked) not in {None, asked.model_hash}:
                raise Refusal(RefusalCode.MODEL_FORKED)
            self._check_receipts(proven.anchor)
            self._remember(proven, asked)

    def check_head(self, proven: Proven) -> None:
        """Check that a log goes on from the head that this vault saw last.

        Raises:
            Refusal: ``log-forked``.
        """
        head = self._head()
        if head is not None and not proven.extends(head):
            raise Refusal(RefusalCode.LOG_FORKED)

    def remember_head(self, head: Checkpoint, logged: int | None = None) -> None:
        """Remember a head that was checked.

        Args:
            head: of the log.
            logged: how many of this laptop's releases it knows of; None when it did not say.
        """
        self._database.execute(
            "INSERT INTO log_heads (origin, size, root, logged) VALUES (?1, ?2, ?3, ifnull(?4, 0))"
            " ON CONFLICT (origin) DO UPDATE"
            " SET size = ?2, root = ?3, logged = ifnull(?4, logged)",
            (self._origin, head.size, head.root, logged),
        )

    def _check_receipts(self, latest: Anchor | None) -> None:
        released, logged = self._released(), 0 if latest is None else latest.count
        if latest is not None and not self._wrote(latest):
            raise Refusal(RefusalCode.ROLLED_BACK)
        if released - logged > MAX_UNLOGGED:
            raise Refusal(RefusalCode.NOT_LOGGED)

    def receipt(self, contract: str, ledger_head: str) -> bytes:
        """Return the signed receipt of one release, and remember it; repeating it gives the same.

        Call it in the transaction of the release.

        Args:
            contract: digest of the contract that is answered.
            ledger_head: digest (hex) of the ledger's release entry.
        """
        rows = self._database.execute(
            "SELECT count, commitment FROM log_receipts WHERE origin = ? AND contract = ?",
            (self._origin, contract),
        )
        count, commitment = rows[0] if rows else (self._released() + 1, "")
        if not rows:
            commitment = self._commit(count, ledger_head)
            self._database.execute(
                "INSERT INTO log_receipts (origin, count, contract, commitment)"
                " VALUES (?, ?, ?, ?)",
                (self._origin, count, contract, commitment),
            )
        key = self._key.public_key().public_bytes_raw().hex()
        return Receipt(key, contract, count, commitment).signed(self._key)

    def standing(self) -> Standing:
        """Return how this vault stands with the log."""
        head = self._head()
        rows = self._database.execute(
            "SELECT logged FROM log_heads WHERE origin = ?", (self._origin,)
        )
        logged = int(rows[0][0]) if rows else 0
        return Standing(0 if head is None else head.size, self._released(), logged)

    def _head(self) -> Checkpoint | None:
        rows = self._database.execute(
            "SELECT size, root FROM log_heads WHERE origin = ?", (self._origin,)
        )
        return Checkpoint(self._origin, int(rows[0][0]), bytes(rows[0][1])) if rows else None

    def _model(self, asked: RoundContract) -> str | None:
        rows = self._database.execute(
            "SELECT model FROM log_models WHERE run = ? AND round = ?", (asked.run, asked.round)
        )
        return str(rows[0][0]) if rows else None

    def _released(self) -> int:
        rows = self._database.execute(
            "SELECT coalesce(max(count), 0) FROM log_receipts WHERE origin = ?", (self._origin,)
        )
        return int(rows[0][0])

    def _wrote(self, latest: Anchor) -> bool:
        """Return whether a receipt is one of this vault's, and its ledger still has the release."""
        rows = self._database.execute(
            "SELECT contract, commitment FROM log_receipts WHERE origin = ? AND count = ?",
            (self._origin, latest.count),
        )
        if not rows or rows[0][1] != latest.commitment:
            return False
        if self._in_ledger is None:
            return True
        head = self._in_ledger(str(rows[0][0]))
        return head is not None and self._commit(latest.count, head) == latest.commitment

    def _commit(self, count: int, ledger_head: str) -> str:
        words = f"{self._origin}\n{count}\n{ledger_head}".encode()
        return hmac.digest(self._salt, words, hashlib.sha256).hex()

    def _remember(self, proven: Proven, asked: RoundContract) -> None:
        logged = 0 if proven.anchor is None else proven.anchor.count
        self.remember_head(proven.checkpoint, logged)
        self._database.execute(
            "INSERT OR IGNORE INTO log_models (run, round, model) VALUES (?, ?, ?)",
            (asked.run, asked.round, asked.model_hash),
        )
