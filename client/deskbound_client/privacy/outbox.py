"""Answers that were released, byte for byte: to send again, and to show what left.

An answer is kept in the transaction that releases it. If it does not arrive, because this laptop
or its connection died in that moment, the server asks again with the same contract, and gets the
very same bytes: nothing is trained, charged or noised a second time. What was made from data that
is not there any more is never sent again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from deskbound_client.store.cipher import Connection
from deskbound_strategies.canonical import canonical_bytes, parse_canonical

KEPT_BYTES = 64_000_000  # of the latest answers; of older ones the ledger keeps the hash

Cuts = Mapping[date, str]  # of which days, with the digest of their units at that time


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer as it left.

    Attributes:
        update: the encoded update.
        receipt: the signed receipt beside it.
        cuts: what it was made from.
    """

    update: bytes
    receipt: bytes
    cuts: Cuts


class Outbox:
    """The answers kept in ``vault.db``."""

    def __init__(self, database: Connection) -> None:
        self._database = database

    def keep(self, contract: str, release: int, answer: KeptAnswer) -> None:
        """Keep an answer, and drop the oldest ones above ``KEPT_BYTES``; in an open transaction.

        Args:
            contract: digest of the contract it answers.
            release: ``seq`` of the ledger's release entry.
            answer: what is about to leave.
        """
        cuts = {day.isoformat(): cut for day, cut in answer.cuts.items()}
        self._database.execute(
            "INSERT OR REPLACE INTO outbox (contract, release, body, receipt, cuts)"
            " VALUES (?, ?, ?, ?, ?)",
            (contract, release, answer.update, answer.receipt, canonical_bytes(cuts)),
        )
        self._database.execute(
            "DELETE FROM outbox WHERE release IN (SELECT release FROM"
            " (SELECT release, sum(length(body)) OVER (ORDER BY release DESC) AS total FROM outbox)"
            " WHERE total > ?)",
            (KEPT_BYTES,),
        )

    def find(self, contract: str) -> KeptAnswer | None:
        """Return the answer to a contract, if it may still be sent again."""
        rows = self._database.execute(
            "SELECT body, receipt, cuts FROM outbox WHERE contract = ? AND cuts != x''", (contract,)
        )
        if not rows:
            return None
        cuts = parse_canonical(bytes(rows[0][2]))
        by_day = {date.fromisoformat(day): str(cut) for day, cut in cuts.items()}
        return KeptAnswer(bytes(rows[0][0]), bytes(rows[0][1]), by_day)

    def settle(self, contract: str) -> None:
        """Note that an answer is never to be sent again; its bytes stay to be shown."""
        self._database.execute("UPDATE outbox SET cuts = x'' WHERE contract = ?", (contract,))

    def forget(self, days: Iterable[date]) -> None:
        """Forget what answers were made from that were made of these days; none is sent again.

        The digests go with the days: whoever has the vault later cannot hold a guess against them.
        """
        gone = set(days)
        rows = self._database.execute("SELECT contract, cuts FROM outbox WHERE cuts != x''")
        for contract, cuts in rows:
            if gone & {date.fromisoformat(day) for day in parse_canonical(bytes(cuts))}:
                self.settle(str(contract))

    def kept(self) -> set[int]:
        """Return the release entries whose bytes are still kept."""
        return {int(row[0]) for row in self._database.execute("SELECT release FROM outbox")}

    def bytes_of(self, release: int) -> bytes | None:
        """Return the bytes that left under a release entry, if they are still kept."""
        rows = self._database.execute("SELECT body FROM outbox WHERE release = ?", (release,))
        return bytes(rows[0][0]) if rows else None
