"""What the employee has agreed to: one signed receipt per decision, newest counts.

Everything is off until granted. A receipt binds what was shown: it carries the digest of the whole
declaration (what is kept, what never, why, for how long), so any change of it turns the stream off
until the employee is asked anew, even where nobody raised its version. A receipt that the device's
key has not signed counts as none.

A receipt for taking part in rounds also names the policy floor that was shown. It holds as long as
the floor in force is no looser than that one.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from deskbound_client.capture.signals import SIGNALS, UPDATES_NAME
from deskbound_client.privacy.floors import Floors
from deskbound_client.store.vault import Vault
from deskbound_strategies.canonical import canonical_bytes
from deskbound_strategies.errors import DeskboundError, NotFoundError

# What is signed here can pass for nothing else. The first kind said nothing of what was shown.
_DOMAIN_1, _DOMAIN = b"deskbound/consent/1\n", b"deskbound/consent/2\n"
_DOMAIN_FLOOR = b"deskbound/consent/3\n"


class Subject(Protocol):
    """What one can agree to, as a dataclass: a signal, or taking part in rounds."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

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
        signature: Ed25519, by the device's key; empty where it was not that key's.
        digest: SHA-256 of the declaration that was shown; empty in receipts of the first kind,
            which are in force no more.
        floor: digest of the policy floor that was shown; empty where none belongs to the subject.
    """

    subject: str
    version: int
    granted: bool
    at: int
    signature: bytes
    digest: str = ""
    floor: str = ""

    def signed_bytes(self) -> bytes:
        """Return what the signature covers."""
        body = {
            "subject": self.subject,
            "version": self.version,
            "granted": self.granted,
            "at": self.at,
        }
        if not self.digest:
            return _DOMAIN_1 + canonical_bytes(body)
        body |= {"digest": self.digest}
        if not self.floor:
            return _DOMAIN + canonical_bytes(body)
        return _DOMAIN_FLOOR + canonical_bytes(body | {"floor": self.floor})

    def covers(self, subject: Subject) -> bool:
        """Return whether this is a grant of the subject as it is declared today."""
        named = (self.subject, self.version) == (subject.name, subject.version)
        return self.granted and named and self.digest == digest_of(subject)


def digest_of(subject: Subject) -> str:
    """Return the SHA-256 of everything a subject declares, in hexadecimal."""
    hashing = hashes.Hash(hashes.SHA256())
    hashing.update(canonical_bytes(asdict(subject)))
    return hashing.finalize().hex()


def in_force(receipts: Iterable[Receipt], subjects: Iterable[Subject]) -> dict[str, Receipt]:
    """Return the grants that hold: the newest receipt of a subject, for its present meaning.

    Args:
        receipts: in the order in which they were given.
        subjects: what can be agreed to today.
    """
    newest = {receipt.subject: receipt for receipt in receipts}
    return {
        subject.name: newest[subject.name]
        for subject in subjects
        if subject.name in newest and newest[subject.name].covers(subject)
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
        NotFoundError: when there is no such subject, or it is ``updates`` and no floor is in force.
        VaultDamagedError: when the record of the floor in force cannot be relied on.
    """
    return _decide(vault, ledger, find(subject, subjects), now, granted=True)


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
    return _decide(vault, ledger, find(subject, subjects), now, granted=False)


def granted(vault: Vault, subjects: Iterable[Subject] = SIGNALS) -> Mapping[str, Receipt]:
    """Return the grants that hold now, by subject."""
    holding = in_force(receipts(vault), subjects)
    agreed = holding.get(UPDATES_NAME)
    if agreed is not None and not within_floor(vault, agreed):
        del holding[UPDATES_NAME]
    return holding


def within_floor(vault: Vault, receipt: Receipt) -> bool:
    """Return whether the floor in force is no looser than the one that this receipt names."""
    try:
        return Floors(vault).covers(receipt.floor)
    except DeskboundError:  # a record that cannot be relied on lets nothing leave
        return False


def receipts(vault: Vault) -> list[Receipt]:
    """Return all decisions, oldest first; one with a bad signature counts as a revocation."""
    rows = vault.database.execute(
        "SELECT subject, version, granted, at, signature, digest, floor FROM consents ORDER BY id"
    )
    public = vault.signing_key().public_key()
    found = [
        Receipt(str(subject), int(version), bool(yes), int(at), bytes(sig), str(shown), str(floor))
        for subject, version, yes, at, sig, shown, floor in rows
    ]
    # A receipt nobody signed revokes what came before it rather than being passed over.
    return [r if _is_signed(r, public) else replace(r, granted=False, signature=b"") for r in found]


def find(name: str, subjects: Iterable[Subject] = SIGNALS) -> Subject:
    """Return the subject of that name.

    Raises:
        NotFoundError: when there is none.
    """
    known = {subject.name: subject for subject in subjects}
    if name not in known:
        raise NotFoundError(
            "There is nothing of that name to agree to.",
            f"Choose one of: {', '.join(known)}.",
        )
    return known[name]


def _is_signed(receipt: Receipt, public: Ed25519PublicKey) -> bool:
    try:
        public.verify(receipt.signature, receipt.signed_bytes())
    except InvalidSignature:
        return False
    return True


def _decide(
    vault: Vault, ledger: Ledger | None, subject: Subject, now: float | None, *, granted: bool
) -> Receipt:
    at = int(time.time() if now is None else now)
    with vault.database.transaction():
        floor = _floor_shown(vault) if granted and subject.name == UPDATES_NAME else ""
        made = Receipt(subject.name, subject.version, granted, at, b"", digest_of(subject), floor)
        made = replace(made, signature=vault.signing_key().sign(made.signed_bytes()))
        vault.database.execute(
            "INSERT INTO consents (subject, version, granted, at, signature, digest, floor)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (made.subject, made.version, int(granted), at, made.signature, made.digest, floor),
        )
        if ledger is not None:
            body = {"subject": made.subject, "version": made.version, "granted": granted}
            ledger.append("consent", body)
    return made


def _floor_shown(vault: Vault) -> str:
    held = Floors(vault).held()
    if held is None:
        raise NotFoundError(
            "There is no policy floor to agree to yet.", "Run `deskbound policy show` first."
        )
    return held.floor.digest()
