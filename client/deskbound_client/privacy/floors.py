"""The policy floor in force and every one before it: signed, chained, in ``vault.db``.

A file only proposes a floor. What holds is the newest record here, under the device's own key, and
the ledger's last ``policy`` entry names it: a record that is missing, altered or left behind is
noticed, and nothing is answered then.
"""

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from deskbound_client.privacy.ledger_store import LedgerStore, Signer
from deskbound_strategies import dsse
from deskbound_strategies.canonical import canonical_bytes, parse_canonical
from deskbound_strategies.errors import ConfigError, VaultDamagedError, VerificationError
from deskbound_strategies.floor import PolicyFloor
from deskbound_strategies.floor_file import floor_of_values
from deskbound_strategies.floor_order import is_tighter
from deskbound_strategies.ledger_bodies import LedgerKind

PAYLOAD_TYPE = "application/vnd.deskbound.floor+json"
FLOOR_FORMAT = 1


class Why(StrEnum):
    """How a floor came to hold."""

    FIRST = "first"  # there was none before
    TIGHTER = "tighter"  # admits nothing that the one before did not
    ACCEPTED = "accepted"  # the employee agreed to it, in words


@dataclass(frozen=True, slots=True)
class Held:
    """A floor that is or was in force.

    Attributes:
        number: counts from 1.
        floor: its bounds.
        why: how it came to hold.
        at: Unix time since when, whole seconds.
    """

    number: int
    floor: PolicyFloor
    why: Why
    at: int


class Floors:
    """Reads and appends the records of floors.

    Args:
        vault: holds database and signing key; stays open as long as this is used.
        clock: Unix time.
    """

    def __init__(self, vault: Signer, clock: Callable[[], float] = time.time) -> None:
        self._database = vault.database
        self._key = vault.signing_key()
        self._ledger = LedgerStore(vault, clock)
        self._clock = clock

    @property
    def number(self) -> int:
        """How many floors there were, the one in force included; costs one look-up."""
        rows = self._database.execute("SELECT coalesce(max(number), 0) FROM policy_floors")
        return int(rows[0][0])

    def held(self) -> Held | None:
        """Return the floor in force; None in a vault that never had one.

        Raises:
            VaultDamagedError: when it is not what this device signed, or the ledger names another.
            VerificationError: when the ledger's entry is not what this device wrote.
        """
        found = next(self._read("ORDER BY number DESC LIMIT 1"), None)
        if found is None:
            return None
        named = self._ledger.last_of(LedgerKind.POLICY)
        if named is None or named.body.get("floor") != found[0].floor.digest():
            raise _damaged()
        return found[0]

    def history(self) -> tuple[Held, ...]:
        """Return every floor that was ever in force, oldest first, the whole chain checked.

        Raises:
            VaultDamagedError: when one is missing or not what this device signed.
        """
        before: str | None = None
        found: list[Held] = []
        for held, envelope, previous in self._read("ORDER BY number"):
            if held.number != len(found) + 1 or previous != before:
                raise _damaged()
            before = hashlib.sha256(envelope).hexdigest()
            found.append(held)
        return tuple(found)

    def covers(self, digest: str) -> bool:
        """Return whether the floor in force is no looser than the one of this digest.

        Raises:
            VaultDamagedError: see ``held``.
        """
        held = self.held()
        agreed = next(self._read("WHERE digest = ? LIMIT 1", digest), None)
        if held is None or agreed is None:
            return False
        return agreed[0].floor.digest() == digest and is_tighter(held.floor, agreed[0].floor)

    def adopt(self, floor: PolicyFloor, why: Why) -> Held:
        """Put a floor in force; record and ledger entry are durable when this returns.

        Args:
            floor: the one in force already changes nothing.
            why: checked: only the employee's own word may loosen.

        Raises:
            ValueError: when the reason does not fit.
            DiskFullError: when there is no room; nothing has changed then.
        """
        with self._database.transaction():
            held = self.held()
            if held is not None and held.floor == floor:
                return held
            fits = held is None if why is Why.FIRST else held is not None
            if not fits or (why is Why.TIGHTER and held and not is_tighter(floor, held.floor)):
                raise ValueError("this floor cannot come into force for this reason")
            made = Held(self.number + 1, floor, why, int(self._clock()))
            envelope = dsse.sign(canonical_bytes(self._payload(made)), PAYLOAD_TYPE, self._key)
            self._database.execute(
                "INSERT INTO policy_floors (number, digest, envelope) VALUES (?, ?, ?)",
                (made.number, floor.digest(), envelope),
            )
            body = {"floor": floor.digest(), "profile": floor.profile}
            self._ledger.append(LedgerKind.POLICY, body)
        return made

    def _payload(self, made: Held) -> dict[str, Any]:
        rows = self._database.execute(
            "SELECT envelope FROM policy_floors WHERE number = ?", (made.number - 1,)
        )
        return {
            "format": FLOOR_FORMAT,
            "number": made.number,
            "floor": made.floor.values(),
            "why": made.why.value,
            "at": made.at,
            "previous": hashlib.sha256(rows[0][0]).hexdigest() if rows else None,
        }

    def _read(self, which: str, *values: str) -> Iterator[tuple[Held, bytes, str | None]]:
        rows = self._database.execute(
            f"SELECT number, envelope FROM policy_floors {which}",  # noqa: S608 - our own words
            values,
        )
        for number, envelope in rows:
            try:
                payload = dsse.verify(bytes(envelope), PAYLOAD_TYPE, self._key.public_key())
                body = parse_canonical(payload)
                floor = floor_of_values(body["floor"])
                held = Held(int(body["number"]), floor, Why(body["why"]), int(body["at"]))
                previous = body["previous"]
            except (VerificationError, ConfigError, ValueError, KeyError, TypeError):
                raise _damaged() from None
            if held.number != number:
                raise _damaged()
            yield held, bytes(envelope), previous


def _damaged() -> VaultDamagedError:
    return VaultDamagedError(
        "vault.db does not hold the policy floor that this device signed last.",
        "Restore vault.db from a backup.",
    )
