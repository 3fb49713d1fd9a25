"""Receipts of what was forgotten: kept, signed by this device, no times finer than the day.

A receipt names the days and counts the rows. It does not say which application or which hour was
wished away: that would keep what was to be forgotten.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Self

from cryptography.exceptions import InvalidSignature

from deskbound_client.privacy.state import PrivacyState
from deskbound_client.store.retention import ForgetReceipt
from deskbound_client.store.rows import Counts
from deskbound_client.store.vault import Vault
from deskbound_strategies.accounting import guaranteed
from deskbound_strategies.canonical import canonical_bytes, parse_canonical
from deskbound_strategies.errors import VaultDamagedError
from deskbound_strategies.policy import PolicyFloor

_DOMAIN = b"deskbound/forgotten/1\n"  # what is signed here can pass for nothing else


@dataclass(frozen=True, slots=True)
class Learned:
    """What rounds had learned from a day before it was forgotten; it cannot be called back.

    Attributes:
        day: the day.
        rounds: how many learned from it.
        epsilon: what they gave away about any one unit at most.
        delta: probability with which ``epsilon`` does not hold.
    """

    day: date
    rounds: int
    epsilon: float
    delta: float


@dataclass(frozen=True, slots=True)
class Receipt:
    """What is gone, for the employee to keep.

    Attributes:
        on: the day on which it was forgotten.
        gone: what was forgotten, and what could not be.
        learned: what rounds had learned from these days before.
        signature: Ed25519, by the device's key; empty until it is signed.
    """

    on: date
    gone: ForgetReceipt
    learned: tuple[Learned, ...] = ()
    signature: bytes = b""

    @property
    def empty(self) -> bool:
        """Whether there was nothing to forget, and nothing that could not be."""
        return not (self.gone.days or self.gone.damaged)

    def body(self) -> dict[str, Any]:
        """Return it as a JSON value."""
        gone = self.gone
        return {
            "on": self.on.isoformat(),
            "scope": gone.scope,
            "days": [day.isoformat() for day in gone.days],
            "actions": gone.counts.actions,
            "thumbnails": gone.counts.thumbs,
            "gaps": gone.counts.gaps,
            "blanked": gone.counts.blanked,
            "keys_destroyed": gone.keys_destroyed,
            "not_forgotten": [day.isoformat() for day in gone.damaged],
            "learned_before": [
                {
                    "day": each.day.isoformat(),
                    "rounds": each.rounds,
                    "epsilon_guaranteed": each.epsilon,
                    "delta": each.delta,
                }
                for each in self.learned
            ],
        }

    def signed_bytes(self) -> bytes:
        """Return what the signature covers."""
        return _DOMAIN + canonical_bytes(self.body())

    @classmethod
    def of_body(cls, body: dict[str, Any], signature: bytes) -> Self:
        """Read what ``body`` gave."""
        gone = ForgetReceipt(
            body["scope"],
            _days(body["days"]),
            Counts(body["actions"], body["thumbnails"], body["gaps"], body["blanked"]),
            body["keys_destroyed"],
            _days(body["not_forgotten"]),
        )
        learned = tuple(
            Learned(
                date.fromisoformat(each["day"]),
                each["rounds"],
                each["epsilon_guaranteed"],
                each["delta"],
            )
            for each in body["learned_before"]
        )
        return cls(date.fromisoformat(body["on"]), gone, learned, signature)


def keep(vault: Vault, on: date, gone: ForgetReceipt, learned: tuple[Learned, ...]) -> Receipt:
    """Sign a receipt and keep it, in the present transaction if there is one."""
    draft = Receipt(on, gone, learned)
    signature = vault.signing_key().sign(draft.signed_bytes())
    with vault.database.transaction():
        vault.database.execute(
            "INSERT INTO forget_receipts (body, signature) VALUES (?, ?)",
            (canonical_bytes(draft.body()), signature),
        )
    return Receipt(on, gone, learned, signature)


def receipts(vault: Vault) -> list[Receipt]:
    """Return all receipts, oldest first.

    Raises:
        VaultDamagedError: when one is not what this device signed.
    """
    rows = vault.database.execute("SELECT body, signature FROM forget_receipts ORDER BY id")
    return [_read(vault, bytes(body), bytes(signature)) for body, signature in rows]


def _read(vault: Vault, body: bytes, signature: bytes) -> Receipt:
    try:
        vault.signing_key().public_key().verify(signature, _DOMAIN + body)
        return Receipt.of_body(parse_canonical(body), signature)
    except (InvalidSignature, ValueError, KeyError, TypeError):
        raise VaultDamagedError(
            "vault.db holds a receipt that this device did not sign.",
            "Restore vault.db from a backup.",
        ) from None


def learned_from(vault: Vault, floor: PolicyFloor, days: Iterable[date]) -> tuple[Learned, ...]:
    """Return what rounds have learned from each of the days, those that they have learned from."""
    state = PrivacyState(vault.database)
    found = []
    for day in sorted(set(days)):
        block = state.block(state.name_of(day))
        if block.charges:
            epsilon = guaranteed(block.curve, floor.delta_day, steps=block.steps)
            found.append(Learned(day, block.charges, epsilon, floor.delta_day))
    return tuple(found)


def _days(texts: list[str]) -> tuple[date, ...]:
    return tuple(date.fromisoformat(text) for text in texts)
