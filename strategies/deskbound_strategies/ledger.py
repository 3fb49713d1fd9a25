"""The device ledger: what this laptop agreed to, spent and sent, in an order nobody can change.

Every entry is a DSSE envelope signed with the device's Ed25519 key, and names SHA-256 of the
envelope before it. So the last entry fixes all that came before, byte for byte. ``seq`` is the
order; ``at`` is a whole hour and says no more about when someone worked.

An export is lines of canonical JSON: a header with the public key, one envelope an entry, and a
signed head that says how many entries there are. Without the head, cutting off the end would go
unseen. What an export alone cannot show is that it is the *latest* one: an older export verifies
too. That needs an anchor outside the laptop (docs/threat-model.md).

Pure: no clock, no disk.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from deskbound_strategies import dsse
from deskbound_strategies.canonical import canonical_bytes, parse_canonical
from deskbound_strategies.errors import VerificationError
from deskbound_strategies.ledger_bodies import LedgerKind, check_body

ENTRY_TYPE = "application/vnd.deskbound.ledger-entry+json"
HEAD_TYPE = "application/vnd.deskbound.ledger-head+json"
EXPORT_FORMAT = "deskbound-ledger/1"
NO_ENTRY = "0" * 64  # what the first entry names as the one before it
HOUR = 3600

_MEND = "Ask for a fresh export; if that fails too, treat the ledger as tampered with."


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One entry and the exact bytes that were signed for it.

    Attributes:
        seq: 0 for the first entry, then one more each.
        prev: SHA-256 (hex) of the previous entry's envelope, or ``NO_ENTRY``.
        kind: what happened.
        at: Unix seconds, cut to the whole hour.
        body: the fields of its kind (``ledger_bodies.check_body``).
        envelope: the DSSE envelope, as stored and exported.
    """

    seq: int
    prev: str
    kind: LedgerKind
    at: int
    body: dict[str, Any]
    envelope: bytes

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the envelope: what the next entry names, and the head of the chain."""
        return hashlib.sha256(self.envelope).hexdigest()

    @classmethod
    def from_envelope(cls, envelope: bytes) -> Self:
        """Read an entry back *without* checking its signature or place (see ``verify_chain``).

        Raises:
            VerificationError: when it is not a well-formed entry.
        """
        return cls._from_payload(dsse.payload_of(envelope, ENTRY_TYPE), envelope)

    @classmethod
    def from_signed(cls, envelope: bytes, public_key: Ed25519PublicKey) -> Self:
        """Read an entry that ``public_key`` signed.

        Raises:
            VerificationError: when it is malformed or the signature does not fit.
        """
        return cls._from_payload(dsse.verify(envelope, ENTRY_TYPE, public_key), envelope)

    @classmethod
    def _from_payload(cls, payload: bytes, envelope: bytes) -> Self:
        try:
            raw = parse_canonical(payload)
            kind = LedgerKind(raw["kind"])
            check_body(kind, raw["body"])
            exact = set(raw) == {"seq", "prev", "kind", "at", "body"}
            typed = _is_count(raw["seq"]) and _is_count(raw["at"]) and isinstance(raw["prev"], str)
            if exact and typed and raw["at"] % HOUR == 0:
                return cls(raw["seq"], raw["prev"], kind, raw["at"], raw["body"], envelope)
        except (ValueError, TypeError, KeyError):
            pass
        raise VerificationError("A ledger entry is malformed.", _MEND)


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 0


def append(
    previous: LedgerEntry | None,
    kind: LedgerKind,
    body: dict[str, Any],
    key: Ed25519PrivateKey,
    *,
    at: float,
) -> LedgerEntry:
    """Return the entry that follows ``previous`` (``None`` for the first, a ``genesis``).

    Args:
        previous: the last entry of the chain.
        kind: what happened.
        body: the fields of the kind, exactly.
        key: the device's ledger key.
        at: Unix seconds; cut to the whole hour here, so that no finer time is ever signed.

    Raises:
        ValueError: when the body does not fit its kind, or genesis is not the first entry.
    """
    check_body(kind, body)
    if (previous is None) != (kind is LedgerKind.GENESIS):
        raise ValueError("genesis is the first entry, and only the first")
    seq = 0 if previous is None else previous.seq + 1
    prev = NO_ENTRY if previous is None else previous.digest
    hour = int(at) // HOUR * HOUR
    fields = {"seq": seq, "prev": prev, "kind": kind.value, "at": hour, "body": body}
    envelope = dsse.sign(canonical_bytes(fields), ENTRY_TYPE, key)
    return LedgerEntry.from_envelope(envelope)


def verify_chain(
    envelopes: Iterable[bytes], public_key: Ed25519PublicKey, *, every_signature: bool = True
) -> Iterator[LedgerEntry]:
    """Yield the entries of a chain from its beginning, each checked before it is yielded.

    Args:
        envelopes: the stored envelopes, oldest first.
        public_key: the device's ledger key.
        every_signature: check each signature. ``False`` is several times faster and sound only
            when the caller then checks a signature over the last digest, which covers every
            envelope through the chain.

    Raises:
        VerificationError: at the first entry that is malformed, misplaced or not signed.
    """
    prev = NO_ENTRY
    for seq, envelope in enumerate(envelopes):
        if every_signature:
            entry = LedgerEntry.from_signed(envelope, public_key)
        else:
            entry = LedgerEntry.from_envelope(envelope)
        if entry.seq != seq or entry.prev != prev:
            raise VerificationError("A ledger entry is not where the chain puts it.", _MEND)
        if (entry.kind is LedgerKind.GENESIS) != (seq == 0):
            raise VerificationError("A ledger begins with genesis, once.", _MEND)
        prev = entry.digest
        yield entry


def export(entries: Iterable[LedgerEntry], key: Ed25519PrivateKey) -> Iterator[bytes]:
    """Yield the lines of an export, each with its newline: header, entries, signed head."""
    public = key.public_key().public_bytes_raw().hex()
    yield canonical_bytes({"format": EXPORT_FORMAT, "public_key": public}) + b"\n"
    size, head = 0, NO_ENTRY
    for entry in entries:
        yield entry.envelope + b"\n"
        size, head = entry.seq + 1, entry.digest
    payload = canonical_bytes({"size": size, "head": head})
    yield dsse.sign(payload, HEAD_TYPE, key) + b"\n"
