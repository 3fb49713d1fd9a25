"""A stop order: the one thing beside a contract that a server may send, and it only ever stops.

A laptop that takes one pauses capture and learning for good; its owner alone ends that. An order
is serialised canonically and signed like a contract (DSSE, the server's contract key), under a
payload type of its own. It names no laptop, no run and no time at which anything goes on: there is
no field by which it could say less than "stop", or anything more.
"""

import hashlib
import re
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from deskbound_strategies import dsse
from deskbound_strategies.canonical import canonical_bytes, parse_canonical
from deskbound_strategies.errors import Refusal, RefusalCode, VerificationError

ORDER_TYPE = "application/vnd.deskbound.stop+json"
ORDER_VERSION = 1
MAX_ORDER_BYTES = 2 * 1024  # of the envelope

_ID = re.compile(r"[0-9a-f]{32}")


class StopReason(StrEnum):
    """Why a fleet is stopped: a closed list, so that no word of an operator reaches a laptop.

    Appended to, never reordered: a laptop's control file keeps the place in this list.
    """

    UNSPECIFIED = "unspecified"
    SECURITY = "security"
    PRIVACY = "privacy"
    REPRESENTATIVES = "representatives"
    LEGAL = "legal"
    FAULT = "fault"
    ENDED = "ended"


REASON_WORDS: dict[StopReason, str] = {
    StopReason.UNSPECIFIED: "no reason was given",
    StopReason.SECURITY: "a weakness or a break-in is being looked into",
    StopReason.PRIVACY: "the privacy team asked for it",
    StopReason.REPRESENTATIVES: "the employees' representatives asked for it",
    StopReason.LEGAL: "the law or a court asks for it",
    StopReason.FAULT: "something does not work as it should",
    StopReason.ENDED: "this project has ended",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StopOrder:
    """One order to stop.

    Attributes:
        id: 32 hex digits; a laptop obeys each once.
        issued: Unix seconds at which it was signed.
        reason: why.
        version: format version.
    """

    id: str
    issued: int
    reason: StopReason
    version: int = ORDER_VERSION

    def to_bytes(self) -> bytes:
        """Return the canonical serialisation."""
        return canonical_bytes(asdict(self))

    def digest(self) -> str:
        """Return SHA-256 (hex) of the canonical serialisation; the answer names it."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    def signed(self, key: Ed25519PrivateKey) -> bytes:
        """Return the envelope that the contract key signed."""
        return dsse.sign(self.to_bytes(), ORDER_TYPE, key)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Parse canonical bytes strictly.

        Raises:
            ValueError: when anything is missing, extra, mistyped or out of range.
        """
        raw = parse_canonical(data)
        if not isinstance(raw, dict) or set(raw) != {one.name for one in fields(cls)}:
            raise ValueError("not a stop order")
        named = isinstance(raw["id"], str) and _ID.fullmatch(raw["id"]) is not None
        dated = type(raw["issued"]) is int and 0 < raw["issued"] < 2**53
        if not named or not dated or raw["version"] != ORDER_VERSION:
            raise ValueError("not a stop order")
        if type(raw["version"]) is not int or not isinstance(raw["reason"], str):
            raise ValueError("not a stop order")
        return cls(**(raw | {"reason": StopReason(raw["reason"])}))


def open_order(envelope: bytes, contract_key: Ed25519PublicKey) -> StopOrder:
    """Return the order in an envelope that the server's contract key signed.

    Raises:
        Refusal: ``stop-malformed`` when it is no such envelope or no order, ``stop-signature``
            when somebody else signed it.
    """
    if len(envelope) > MAX_ORDER_BYTES:
        raise Refusal(RefusalCode.STOP_MALFORMED)
    try:
        signed = dsse.Envelope.parse(envelope, ORDER_TYPE)
    except VerificationError:
        raise Refusal(RefusalCode.STOP_MALFORMED) from None
    try:
        payload = signed.check(contract_key)
    except VerificationError:
        raise Refusal(RefusalCode.STOP_SIGNATURE) from None
    try:
        return StopOrder.from_bytes(payload)
    except ValueError:
        raise Refusal(RefusalCode.STOP_MALFORMED) from None
