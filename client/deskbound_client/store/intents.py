"""What was begun to be forgotten, written down first: so that a crash leaves no deed untold.

An intent lies in ``vault.db`` from before the first key goes until the ledger says so. One that is
found by whoever holds the vault's lock alone is of a process that died: what is left of it is done,
and told. The digest of a day's key tells whether that key is gone; it opens nothing.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from deskbound_client.store.cipher import Connection
from deskbound_client.store.selection import Selection
from deskbound_strategies.canonical import canonical_bytes, parse_canonical

_DIGEST_HEX = 32


@dataclass(frozen=True, slots=True)
class Intent:
    """Something to be forgotten.

    Attributes:
        scope: as in a receipt, or ``retire``.
        days: those concerned, with the digest of the key each has now; empty for none.
        rows: which rows, when days stay.
        reasons: why each day retires.
    """

    scope: str
    days: Mapping[date, str]
    rows: Selection | None = None
    reasons: Mapping[date, str] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """Serialise it."""
        return canonical_bytes(
            {
                "scope": self.scope,
                "days": {day.isoformat(): digest for day, digest in self.days.items()},
                "rows": None if self.rows is None else self.rows.as_dict(),
                "reasons": {day.isoformat(): reason for day, reason in self.reasons.items()},
            }
        )

    @classmethod
    def of_bytes(cls, data: bytes) -> "Intent":
        """Read what ``to_bytes`` gave."""
        found: dict[str, Any] = parse_canonical(data)
        return cls(
            found["scope"],
            {date.fromisoformat(day): digest for day, digest in found["days"].items()},
            None if found["rows"] is None else Selection.of_dict(found["rows"]),
            {date.fromisoformat(day): reason for day, reason in found["reasons"].items()},
        )


class Intents:
    """The table of intents; to be used by whoever holds the vault's lock alone.

    Args:
        database: ``vault.db``.
    """

    def __init__(self, database: Connection) -> None:
        self.database = database

    def begin(self, intent: Intent) -> int:
        """Write an intent down and return its number.

        Raises:
            DiskFullError: when there is no room.
        """
        with self.database.transaction():
            self.database.execute("INSERT INTO intents (body) VALUES (?)", (intent.to_bytes(),))
            return int(self.database.execute("SELECT max(id) FROM intents")[0][0])

    def end(self, number: int) -> None:
        """Take an intent away; in the transaction that tells of the deed."""
        self.database.execute("DELETE FROM intents WHERE id = ?", (number,))

    def unfinished(self) -> list[tuple[int, Intent]]:
        """Return the intents that nobody has finished, oldest first."""
        rows = self.database.execute("SELECT id, body FROM intents ORDER BY id")
        return [(int(number), Intent.of_bytes(bytes(body))) for number, body in rows]

    def any(self) -> bool:
        """Whether there may be one, of a living process or a dead one."""
        return bool(self.database.execute("SELECT EXISTS (SELECT 1 FROM intents)")[0][0])


def digest_of(key: bytes | None) -> str:
    """Return what tells whether a day still has this key; empty when it has none."""
    if key is None:
        return ""
    return hashlib.sha256(b"deskbound/which-key/1\n" + key).hexdigest()[:_DIGEST_HEX]
