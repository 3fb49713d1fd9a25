"""Signed envelopes: a payload, its type and one Ed25519 signature over both.

The format is DSSE v1 (secure-systems-lab/dsse, protocol.md): the signature covers the
pre-authentication encoding ``DSSEv1 SP LEN(type) SP type SP LEN(payload) SP payload``, so a
signature over a ledger entry can never pass for one over a contract.

Stricter than DSSE asks: exactly one signature, the envelope is canonical JSON, and base64 is the
canonical spelling. So an envelope has one byte string, and every changed byte is an error.
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from deskbound_strategies.canonical import canonical_bytes, parse_canonical
from deskbound_strategies.errors import VerificationError

_MEND = "Ask the sender for the original; do not repair it by hand."


def fingerprint(public_key: Ed25519PublicKey) -> str:
    """Return SHA-256 (hex) of the raw 32-byte public key: its name in envelopes and reports."""
    return hashlib.sha256(public_key.public_bytes_raw()).hexdigest()


def pre_authentication_encoding(payload: bytes, payload_type: str) -> bytes:
    """Return the bytes that DSSE v1 signs (``PAE`` in its protocol page)."""
    kind = payload_type.encode("utf-8")
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


@dataclass(frozen=True, slots=True)
class Envelope:
    """A well-formed envelope whose signature was not checked yet.

    Attributes:
        payload: what was signed.
        payload_type: as what.
        keyid: fingerprint of the key that is said to have signed.
        signature: over both.
    """

    payload: bytes
    payload_type: str
    keyid: str
    signature: bytes

    @classmethod
    def parse(cls, data: bytes, payload_type: str) -> Self:
        """Take an envelope of one type apart.

        Raises:
            VerificationError: when it is not the one canonical spelling, or of another type.
        """
        payload, keyid, signature = _parts(data, payload_type)
        return cls(payload, payload_type, keyid, signature)

    def check(self, public_key: Ed25519PublicKey) -> bytes:
        """Return the payload, now that ``public_key`` is known to have signed it.

        Raises:
            VerificationError: when another key did, or the signature does not fit.
        """
        if self.keyid != fingerprint(public_key):
            raise VerificationError("The envelope was signed with another key.", _MEND)
        signed = pre_authentication_encoding(self.payload, self.payload_type)
        try:
            public_key.verify(self.signature, signed)
        except InvalidSignature:
            raise VerificationError("The envelope's signature does not fit.", _MEND) from None
        return self.payload


def sign(payload: bytes, payload_type: str, key: Ed25519PrivateKey) -> bytes:
    """Return the envelope of a payload as canonical JSON bytes."""
    signature = key.sign(pre_authentication_encoding(payload, payload_type))
    return canonical_bytes(
        {
            "payload": _encode(payload),
            "payloadType": payload_type,
            "signatures": [{"keyid": fingerprint(key.public_key()), "sig": _encode(signature)}],
        }
    )


def verify(envelope: bytes, payload_type: str, public_key: Ed25519PublicKey) -> bytes:
    """Return the payload of an envelope that ``public_key`` signed as ``payload_type``.

    Raises:
        VerificationError: when the envelope is not the one canonical spelling, has another type,
            another key, or a signature that does not fit.
    """
    return Envelope.parse(envelope, payload_type).check(public_key)


def payload_of(envelope: bytes, payload_type: str) -> bytes:
    """Return the payload of a well-formed envelope *without* checking who signed it.

    For reading back what this process itself stored, and for envelopes that a hash chain under a
    verified signature already covers.

    Raises:
        VerificationError: when the envelope is malformed or has another type.
    """
    return Envelope.parse(envelope, payload_type).payload


def _parts(envelope: bytes, payload_type: str) -> tuple[bytes, str, bytes]:
    try:
        outer = parse_canonical(envelope)
        (inner,) = outer["signatures"]
        payload, keyid, signature = _decode(outer["payload"]), inner["keyid"], _decode(inner["sig"])
    except (ValueError, TypeError, KeyError):
        raise VerificationError("The envelope is malformed.", _MEND) from None
    exact = set(outer) == {"payload", "payloadType", "signatures"} and set(inner) == {
        "keyid",
        "sig",
    }
    if not exact or outer["payloadType"] != payload_type:
        raise VerificationError("The envelope is malformed or of another type.", _MEND)
    return payload, keyid, signature


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _decode(text: str) -> bytes:
    """Decode base64, refusing a second spelling of the same bytes (loose trailing bits)."""
    if not isinstance(text, str):
        raise TypeError("not base64")
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise ValueError("not base64") from None
    if _encode(data) != text:
        raise ValueError("not canonical base64")
    return data
