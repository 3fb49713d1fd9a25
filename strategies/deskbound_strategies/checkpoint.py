"""Checkpoints: which log, how many leaves, which root (C2SP tlog-checkpoint), and who vouches.

A log signs its checkpoint. Witnesses, who follow the whole log, cosign it; whoever asks for a
quorum of them sees the same log as everybody else, or needs that many witnesses to lie.
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deskbound_strategies import merkle, note
from deskbound_strategies.errors import VerificationError
from deskbound_strategies.note import Note, Verifier

_MEND = "Fetch it again; if that fails too, treat the log as tampered with."


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a log.

    Attributes:
        origin: name of the log.
        size: number of leaves.
        root: root hash, 32 bytes.
    """

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The three lines that are signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode('ascii')}\n"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text of a note as a checkpoint without extension lines.

        Raises:
            VerificationError: when it is none.
        """
        try:
            origin, size, root, end = text.split("\n")
            made = cls(origin, int(size), base64.b64decode(root.encode("ascii"), validate=True))
        except (ValueError, binascii.Error):
            raise VerificationError("This is not a checkpoint.", _MEND) from None
        sound = len(made.root) == merkle.HASH_BYTES and 0 <= made.size <= merkle.MAX_SIZE
        if not sound or end or made.text != text:
            raise VerificationError("This is not a checkpoint.", _MEND)
        return made

    def signed(self, key: Ed25519PrivateKey) -> Note:
        """Return the note that the log's key signed."""
        return Note(self.text, (note.sign(self.text, self.origin, key),))


@dataclass(frozen=True, slots=True)
class Trust:
    """Whose word counts for a log.

    Attributes:
        log: the log's own key; its name is the log's origin.
        witnesses: who may cosign; the log cannot be its own witness.
        quorum: how many of them must; 0 asks for none.
    """

    log: Verifier
    witnesses: tuple[Verifier, ...] = ()
    quorum: int = 0

    def open(self, data: bytes) -> Checkpoint:
        """Return the checkpoint of a note that the log signed and a quorum cosigned.

        Raises:
            NoQuorumError: when too few witnesses cosigned.
            VerificationError: for everything else that is wrong.
        """
        signed = Note.parse(data)
        if self.log.kind != note.SIGNATURE or not signed.is_signed_by(self.log):
            raise VerificationError("The checkpoint is not signed by the log's key.", _MEND)
        found = Checkpoint.parse(signed.text)
        if found.origin != self.log.name:
            raise VerificationError("The checkpoint is of another log.", _MEND)
        if len(self.vouching(signed)) < self.quorum:
            raise NoQuorumError("Too few witnesses cosigned the checkpoint.", _MEND)
        return found

    def vouching(self, signed: Note) -> list[Verifier]:
        """Return which witnesses cosigned a note.

        Raises:
            VerificationError: when a line of one of them does not fit the note.
        """
        own = _raw(self.log)
        return cosigners(signed, [one for one in self.witnesses if _raw(one) != own])


class NoQuorumError(VerificationError):
    """A checkpoint has fewer cosignatures than are asked for."""


def cosigners(signed: Note, witnesses: Sequence[Verifier]) -> list[Verifier]:
    """Return which witnesses, told apart by their keys, cosigned a note.

    Raises:
        VerificationError: when a line of one of them does not fit the note.
    """
    asked = [one for one in witnesses if one.kind == note.COSIGNATURE]
    by_key = {_raw(one): one for one in asked if signed.is_signed_by(one)}
    return list(by_key.values())


def _raw(verifier: Verifier) -> bytes:
    return verifier.key.public_bytes_raw()
