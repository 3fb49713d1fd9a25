"""Signed notes: a text, a blank line, and signature lines (C2SP signed-note).

    <text, ends with a newline>
    <blank line>
    — <name> <base64 of 4 bytes of key id and a signature>

A reader looks at signatures of keys that it knows and passes over all others; one line of a known
key that does not fit, and the whole note is refused. Two sorts of Ed25519
signature are used: a log's own (``0x01``, over the text), and a witness's cosignature (``0x04``,
over the time and the text; C2SP tlog-cosignature). Keys travel as ``name+keyid+base64``.
"""

import base64
import binascii
import hashlib
import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from deskbound_strategies.errors import ConfigError, VerificationError

SIGNATURE = 0x01
COSIGNATURE = 0x04
MAX_NOTE_BYTES = 16 * 1024
MAX_SIGNATURES = 32

_SIGNATURE_BYTES = 64
_TIME = struct.Struct(">Q")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/\-]{0,127}")
_LINE = re.compile(r"\u2014 ([^\s+]{1,128}) ([A-Za-z0-9+/=]{1,256})")
_MEND = "Fetch it again; if that fails too, treat it as tampered with."


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key under a name, for one sort of signature.

    Attributes:
        name: of log or witness; a schema-less address, by custom.
        kind: ``SIGNATURE`` or ``COSIGNATURE``.
        key: the public key.
    """

    name: str
    kind: int
    key: Ed25519PublicKey

    @property
    def key_id(self) -> bytes:
        """First four bytes of SHA-256 over name, newline, sort and key."""
        named = self.name.encode("ascii") + b"\n" + bytes([self.kind])
        return hashlib.sha256(named + self.key.public_bytes_raw()).digest()[:4]

    def __str__(self) -> str:
        encoded = base64.b64encode(bytes([self.kind]) + self.key.public_bytes_raw())
        return f"{self.name}+{self.key_id.hex()}+{encoded.decode('ascii')}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``name+keyid+base64``.

        Raises:
            ConfigError: when it is no such key.
        """
        name, _, rest = text.partition("+")
        _, _, encoded = rest.partition("+")
        try:
            raw = base64.b64decode(encoded.encode("ascii"), validate=True)
            made = cls(name, raw[0], Ed25519PublicKey.from_public_bytes(raw[1:]))
        except (ValueError, IndexError, binascii.Error):
            raise _no_key() from None
        sound = made.kind in {SIGNATURE, COSIGNATURE} and _NAME.fullmatch(name)
        if not sound or str(made) != text:
            raise _no_key()
        return made


def _no_key() -> ConfigError:
    return ConfigError(
        "This is not a verifier key.", "It has the form name+keyid+base64, all on one line."
    )


@dataclass(frozen=True, slots=True)
class Note:
    """A text and its signature lines, none of them checked yet.

    Attributes:
        text: what is signed; ends with a newline.
        signatures: (name, key id and signature) of each line.
    """

    text: str
    signatures: tuple[tuple[str, bytes], ...]

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Take a note apart.

        Raises:
            VerificationError: when it is not one, or larger than any of ours.
        """
        try:
            whole = data.decode("utf-8") if len(data) <= MAX_NOTE_BYTES else ""
            text, between, tail = whole.rpartition("\n\n")
            lines = tail.removesuffix("\n").split("\n")
            found = tuple(_signature_line(line) for line in lines)
        except ValueError:
            raise _no_note() from None
        plain = all(sign == "\n" or sign.isprintable() for sign in text)
        if not text or not between or not tail.endswith("\n") or not plain:
            raise _no_note()
        if len(found) > MAX_SIGNATURES:
            raise _no_note()
        return cls(text + "\n", found)

    def to_bytes(self) -> bytes:
        """Return the note as it travels."""
        lines = (f"\u2014 {name} {_base64(blob)}\n" for name, blob in self.signatures)
        return (self.text + "\n" + "".join(lines)).encode("utf-8")

    def with_signatures(self, more: Iterable[tuple[str, bytes]]) -> "Note":
        """Return the note with further lines, one a key: a later one takes the earlier's place."""
        lines = {(name, blob[:4]): (name, blob) for name, blob in (*self.signatures, *more)}
        return Note(self.text, tuple(lines.values()))

    def is_signed_by(self, verifier: Verifier) -> bool:
        """Return whether there is a signature of this key.

        Raises:
            VerificationError: when there is a line of this key that does not fit the text.
        """
        return self.signed_at(verifier) is not None

    def signed_at(self, verifier: Verifier) -> int | None:
        """Return when this key signed last, Unix seconds (0 for a sort without time), or None.

        Raises:
            VerificationError: when there is a line of this key that does not fit the text.
        """
        lines = (blob for name, blob in self.signatures if name == verifier.name)
        mine = [blob[4:] for blob in lines if blob[:4] == verifier.key_id]
        return max((_checked(self.text, blob, verifier) for blob in mine), default=None)


def sign(text: str, name: str, key: Ed25519PrivateKey) -> tuple[str, bytes]:
    """Return a log's signature line over a text."""
    verifier = Verifier(name, SIGNATURE, key.public_key())
    return name, verifier.key_id + key.sign(text.encode("utf-8"))


def cosign(text: str, name: str, key: Ed25519PrivateKey, time: int) -> tuple[str, bytes]:
    """Return a witness's cosignature line over a checkpoint's text.

    Args:
        text: of the checkpoint.
        name: of the witness.
        key: of the witness.
        time: Unix seconds.
    """
    verifier = Verifier(name, COSIGNATURE, key.public_key())
    signature = key.sign(_cosigned(text, time))
    return name, verifier.key_id + _TIME.pack(time) + signature


def _cosigned(text: str, time: int) -> bytes:
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def _checked(text: str, signature: bytes, verifier: Verifier) -> int:
    time, signed = 0, text.encode("utf-8")
    if verifier.kind == COSIGNATURE:
        if len(signature) != _TIME.size + _SIGNATURE_BYTES:
            raise _no_signature()
        (time,) = _TIME.unpack(signature[: _TIME.size])
        signature, signed = signature[_TIME.size :], _cosigned(text, time)
    try:
        verifier.key.verify(signature, signed)
    except InvalidSignature:
        raise _no_signature() from None
    return int(time)


def _signature_line(line: str) -> tuple[str, bytes]:
    found = _LINE.fullmatch(line)
    if found is None or not found[1].isprintable():
        raise ValueError("no signature line")
    blob = base64.b64decode(found[2].encode("ascii"), validate=True)
    if len(blob) < 5 or _base64(blob) != found[2]:
        raise ValueError("no signature line")
    return found[1], blob


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _no_signature() -> VerificationError:
    return VerificationError("A signature of a known key does not fit the note.", _MEND)


def _no_note() -> VerificationError:
    return VerificationError("This is not a signed note.", _MEND)
