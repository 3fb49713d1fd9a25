"""What the employee has agreed to: one signed receipt per grant and revocation, newest counts.

Everything is off until granted. A grant names the *version* of a signal: when a signal's meaning
changes, the old grant no longer covers it and the employee is asked anew. A receipt that the
device's key has not signed counts as none.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from deskbound_client.capture.signals import SIGNALS
from deskbound_client.store.vault import Vault
from deskbound_strategies.canonical import canonical_bytes
from deskbound_strategies.errors import NotFoundError

_DOMAIN = b"deskbound/consent/1\n"  # what is signed here can pass for nothing else


class Subject(Protocol):
    """What one can agree to: a signal, or taking part in rounds."""

    @property
    def name(self) -> str:
        """The word used in commands and receipts."""

    @property
    def version(self) -> int:
        """Raised whenever its meaning changes."""


class Ledger(Protocol):
    """The device's ledger, as far as consent needs it."""

    def append(self, kind: Any, body: dict[str, Any]) -> object:
        """Add an entry that is durable when this returns."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """One decision of the employee.

    Attributes:
        subject: name of the signal.
        version: version of the signal that was shown.
        granted: True for a grant, False for a revocation.
        at: Unix time, whole seconds.
        signature: Ed25519, by the device's key.
    """

    subject: str
    version: int
    granted: bool
    at: int
    signature: bytes

    def signed_bytes(self) -> bytes:
        """Return what the signature covers."""
        return _signed_bytes(self.subject, self.version, self.at, granted=self.granted)


def _signed_bytes(subject: str, version: int, at: int, *, granted: bool) -> bytes:
    body = {"subject": subject, "version": version, "granted": granted, "at": at}
    return _DOMAIN + canonical_bytes(body)


def in_force(receipts: Iterable[Receipt], subjects: Iterable[Subject]) -> dict[str, Receipt]:
    """Return the grants that hold: the newest receipt of a subject, for its present version.

    Args:
        receipts: in the order in which they were given.
        subjects: what can be agreed to today.
    """
    newest = {receipt.subject: receipt for receipt in receipts}
    return {
        subject.name: newest[subject.name]
        for subject in subjects
        if subject.name in newest
        and newest[subject.name].granted
        and newest[subject.name].version == subject.version
    }


def grant(
    vault: Vault,
    subject: str,
    ledger: Ledger | None = None,
    *,
    now: float | None = None,
    subjects: Iterable[Subject] = SIGNALS,
) -> Receipt:
    """Agree to a subject as it is today; durable, and in the ledger, when this returns.

    Raises:
        NotFoundError: when there is no such subject.
    """
    version = _find(subject, subjects).version
    return _decide(vault, ledger, subject, version, now, granted=True)


def revoke(
    vault: Vault,
    subject: str,
    ledger: Ledger | None = None,
    *,
    now: float | None = None,
    subjects: Iterable[Subject] = SIGNALS,
) -> Receipt:
    """Take a grant back; what was stored stays until it is forgotten or retired.

    Raises:
        NotFoundError: when there is no such subject.
    """
    version = _find(subject, subjects).version
    return _decide(vault, ledger, subject, version, now, granted=False)


def granted(vault: Vault, subjects: Iterable[Subject] = SIGNALS) -> Mapping[str, Receipt]:
    """Return the grants that hold now, by subject."""
    return in_force(receipts(vault), subjects)


def receipts(vault: Vault) -> list[Receipt]:
    """Return all decisions, oldest first; one with a bad signature counts as a revocation."""
    rows = vault.database.execute(
        "SELECT subject, version, granted, at, signature FROM consents ORDER BY id"
    )
    public = vault.signing_key().public_key()
    found = [Receipt(str(s), int(v), bool(g), int(at), bytes(sig)) for s, v, g, at, sig in rows]
    # A receipt nobody signed revokes what came before it rather than being passed over.
    return [r if _is_signed(r, public) else _unsigned(r) for r in found]


def _unsigned(receipt: Receipt) -> Receipt:
    return Receipt(receipt.subject, receipt.version, granted=False, at=receipt.at, signature=b"")


def _is_signed(receipt: Receipt, public: Ed25519PublicKey) -> bool:
    try:
        public.verify(receipt.signature, receipt.signed_bytes())
    except InvalidSignature:
        return False
    return True


def _find(name: str, subjects: Iterable[Subject]) -> Subject:
    known = {subject.name: subject for subject in subjects}
    if name not in known:
        raise NotFoundError(
            "There is nothing of that name to agree to.",
            f"Choose one of: {', '.join(known)}.",
        )
    return known[name]


def _decide(
    vault: Vault,
    ledger: Ledger | None,
    subject: str,
    version: int,
    now: float | None,
    *,
    granted: bool,
) -> Receipt:
    at = int(time.time() if now is None else now)
    signature = vault.signing_key().sign(_signed_bytes(subject, version, at, granted=granted))
    with vault.database.transaction():
        vault.database.execute(
            "INSERT INTO consents (subject, version, granted, at, signature)"
            " VALUES (?, ?, ?, ?, ?)",
            (subject, version, int(granted), at, signature),
        )
        if ledger is not None:
            ledger.append("consent", {"subject": subject, "version": version, "granted": granted})
    return Receipt(subject, version, granted, at, signature)
