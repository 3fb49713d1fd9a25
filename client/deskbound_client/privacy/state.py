"""What the budget remembers in ``vault.db``: blocks, rounds, figures, and two small values.

Only SQL lives here; what it means is in ``budget.py``.
"""

import hashlib
import hmac
import math
import secrets
import struct
from dataclasses import dataclass, field
from datetime import date

from deskbound_client.store.cipher import Connection
from deskbound_strategies.accounting import RdpCurve
from deskbound_strategies.errors import VaultDamagedError
from deskbound_strategies.weighing import Told

SECONDS_PER_DAY = 86_400
PSEUDONYM_BYTES = 16
FIGURE_BYTES = 16
_FLOAT = struct.Struct("<d")
_TOLD = struct.Struct("<32sdd")


@dataclass(frozen=True, slots=True)
class Block:
    """What one day of data was charged so far.

    Attributes:
        name: its pseudonym, 32 hex digits.
        unit: how its units are cut and their digest, the same in all its rounds; empty before
            the first.
        charges: rounds it was charged for.
        steps: noisy steps of those rounds.
        curve: their Renyi divergences, summed.
    """

    name: str
    unit: str = ""
    charges: int = 0
    steps: int = 0
    curve: RdpCurve = field(default_factory=RdpCurve)

    def charged(self, unit: str, cost: RdpCurve, steps: int) -> "Block":
        """Return the block after one more round."""
        return Block(self.name, unit, self.charges + 1, self.steps + steps, self.curve + cost)


@dataclass(frozen=True, slots=True)
class PastRound:
    """A round that budget was reserved for, and the ledger entries that say so."""

    contract: str
    reserve_seq: int
    release_seq: int | None


class PrivacyState:
    """Typed access to the tables of ``schema.py``."""

    def __init__(self, database: Connection) -> None:
        self._database = database

    def name_of(self, day: date) -> str:
        """Return a day's pseudonym: an HMAC of its date under a salt that never leaves."""
        digest = hmac.digest(self._salt(), day.isoformat().encode("ascii"), hashlib.sha256)
        return digest[:PSEUDONYM_BYTES].hex()

    def block(self, name: str) -> Block:
        """Return a block; one that was never charged is empty."""
        rows = self._database.execute(
            "SELECT unit, charges, steps, curve FROM privacy_blocks WHERE block = ?", (name,)
        )
        return _block(name, *rows[0]) if rows else Block(name)

    def blocks(self) -> list[Block]:
        """Return all blocks that were ever charged, those of forgotten days included."""
        rows = self._database.execute(
            "SELECT block, unit, charges, steps, curve FROM privacy_blocks"
        )
        return [_block(*row) for row in rows]

    def store(self, block: Block) -> None:
        """Write a block; it can only grow."""
        self._database.execute(
            "INSERT INTO privacy_blocks (block, unit, charges, steps, curve) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (block) DO UPDATE"
            " SET charges = excluded.charges, steps = excluded.steps, curve = excluded.curve"
            " WHERE excluded.charges > charges",
            (block.name, block.unit, block.charges, block.steps, block.curve.to_bytes()),
        )

    def utc_day(self, now: float) -> int:
        """Return the UTC day of ``now``, or the latest ever seen if the clock was set back."""
        return max(int(now // SECONDS_PER_DAY), int(self._get("utc_day") or b"0"))

    def rounds_on(self, utc_day: int) -> int:
        """Return how many rounds were reserved on a UTC day."""
        rows = self._database.execute(
            "SELECT count(*) FROM privacy_rounds WHERE utc_day = ?", (utc_day,)
        )
        return int(rows[0][0])

    def remember_round(
        self, contract: str, run: str, number: int, utc_day: int, reserve_seq: int
    ) -> None:
        """Write a round down, and that the day has come."""
        self._database.execute(
            "INSERT INTO privacy_rounds (contract, run, round, utc_day, reserve_seq)"
            " VALUES (?, ?, ?, ?, ?)",
            (contract, run, number, utc_day, reserve_seq),
        )
        self._put("utc_day", b"%d" % utc_day)

    def past_round(self, contract: str) -> PastRound | None:
        """Return the round with this contract.

        Another attempt at a round comes under a contract of its own and is charged anew.
        """
        rows = self._database.execute(
            "SELECT contract, reserve_seq, release_seq FROM privacy_rounds WHERE contract = ?",
            (contract,),
        )
        return PastRound(*rows[0]) if rows else None

    def mark_released(self, contract: str, release_seq: int) -> None:
        """Note which ledger entry let the round's update go."""
        self._database.execute(
            "UPDATE privacy_rounds SET release_seq = ? WHERE contract = ?", (release_seq, contract)
        )

    def refusals_on(self, utc_day: int) -> int:
        """Return how many refusals were written to the ledger on a UTC day."""
        day, _, count = (self._get("refusals") or b"0:0").partition(b":")
        return int(count) if int(day) == utc_day else 0

    def count_refusal(self, utc_day: int) -> None:
        """Count one more refusal on a UTC day."""
        self._put("refusals", b"%d:%d" % (utc_day, self.refusals_on(utc_day) + 1))

    def epsilon(self, name: bytes) -> float | None:
        """Return a figure that was worked out before; None when it is missing or damaged.

        Args:
            name: SHA-256 of all that determines it.
        """
        rows = self._database.execute("SELECT value FROM privacy_epsilons WHERE name = ?", (name,))
        value = bytes(rows[0][0]) if rows else b""
        if len(value) != FIGURE_BYTES or value != _figure(name, *_FLOAT.unpack(value[:8])):
            return None
        (found,) = _FLOAT.unpack(value[:8])
        return float(found) if found >= 0.0 else None

    def keep_epsilon(self, name: bytes, epsilon: float) -> None:
        """Remember a figure; see ``epsilon``."""
        self._database.execute(
            "INSERT INTO privacy_epsilons (name, value) VALUES (?, ?)"
            " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, _figure(name, epsilon)),
        )

    def told(self, server: str) -> Told | None:
        """Return what this laptop told last of how much it holds; see ``weighing.py``.

        Args:
            server: fingerprint (hex) of the contract key; what another was told is not known here.
        """
        value = self._get("told") or b""
        if len(value) != _TOLD.size:
            return None
        whom, amount, noise = _TOLD.unpack(value)
        known = whom.hex() == server and math.isfinite(amount) and noise >= 0.0
        return Told(amount, noise) if known else None

    def keep_told(self, told: Told, server: str) -> None:
        """Remember what was told; it left, noise and all, under a release of its own."""
        self._put("told", _TOLD.pack(bytes.fromhex(server), told.amount, told.noise))

    def _salt(self) -> bytes:
        if (salt := self._get("salt")) is not None:
            return salt
        with self._database.transaction():  # another process may be faster: the first counts
            self._database.execute(
                "INSERT OR IGNORE INTO privacy_state (name, value) VALUES ('salt', ?)",
                (secrets.token_bytes(32),),
            )
        return self._get("salt") or b""

    def _get(self, name: str) -> bytes | None:
        rows = self._database.execute("SELECT value FROM privacy_state WHERE name = ?", (name,))
        return bytes(rows[0][0]) if rows else None

    def _put(self, name: str, value: bytes) -> None:
        self._database.execute(
            "INSERT INTO privacy_state (name, value) VALUES (?, ?)"
            " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, value),
        )


def _figure(name: bytes, epsilon: float) -> bytes:
    value = _FLOAT.pack(epsilon)
    return value + hashlib.sha256(name + value).digest()[: FIGURE_BYTES - len(value)]


def _block(name: str, unit: str, charges: int, steps: int, curve: bytes) -> Block:
    try:
        return Block(name, unit, charges, steps, RdpCurve.from_bytes(curve))
    except ValueError:
        raise VaultDamagedError(
            "vault.db holds a budget that is not one.", "Restore vault.db from a backup."
        ) from None
