"""The leaves of the server's log: what is written there, byte for byte.

    {"contract": envelope}   a round's contract, signed by the server, *before* the round
    {"receipt": envelope}    that a laptop released an update, signed by that laptop's anchor key
    {"model": {...}}         the model that a round released
    {"release": {...}}       that a reviewer signed code for laptops: the manifest, and whose it is
    {"stop": envelope}       an order to stop, signed by the server, *before* any laptop gets it

A leaf is canonical JSON with one key, its kind. There is nothing in it that depends on anybody's
data but the model's hash, and no name: a laptop is an anchor (a pseudonym of this log alone), its
ledger a salted commitment, its time the round.
"""

import hashlib
import re
from dataclasses import asdict, dataclass
from typing import Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from deskbound_strategies import dsse
from deskbound_strategies.anchors import Anchor
from deskbound_strategies.canonical import canonical_bytes, parse_canonical
from deskbound_strategies.contract import PAYLOAD_TYPE, RoundContract
from deskbound_strategies.errors import Refusal, VerificationError
from deskbound_strategies.release import manifest_name, verify_release
from deskbound_strategies.stop_order import StopOrder, open_order

RECEIPT_TYPE = "application/vnd.deskbound.receipt+json"
MAX_RECEIPT_BYTES = 2 * 1024
MAX_LEAF_BYTES = 64 * 1024
MAX_RELEASE_LEAF_BYTES = 1024 * 1024  # the largest manifest that is one, and some more

_HASH = re.compile(r"[0-9a-f]{64}")
_RUN = re.compile(r"[0-9a-f]{32}")
_RELEASE = re.compile(rb'\{"manifest":(.*),"reviewer":"([0-9a-f]{64})"\}', re.DOTALL)
_MEND = "Ask for the log anew; if that fails too, treat it as tampered with."


@dataclass(frozen=True, slots=True)
class Receipt:
    """One laptop's word that it released an update.

    Attributes:
        key: raw Ed25519 public key (hex) of its anchor.
        contract: digest of the contract it answers.
        count: how many updates it has released to this server, this one included.
        commitment: salted hash (hex) of its ledger's head after this release.
    """

    key: str
    contract: str
    count: int
    commitment: str

    @property
    def anchor(self) -> Anchor:
        """The entry it makes in the map of anchors."""
        return Anchor(anchor_of(bytes.fromhex(self.key)), self.count, self.commitment)

    def signed(self, key: Ed25519PrivateKey) -> bytes:
        """Return the envelope that the anchor key signed."""
        return dsse.sign(canonical_bytes(asdict(self)), RECEIPT_TYPE, key)

    @classmethod
    def open(cls, envelope: bytes, *, check: bool = True) -> Self:
        """Read a receipt that the key it names signed.

        Args:
            envelope: what the laptop sent.
            check: False leaves the signature to those who looked at it before.

        Raises:
            VerificationError: when it is malformed or the signature does not fit.
        """
        if len(envelope) > MAX_RECEIPT_BYTES:
            raise _malformed("receipt")
        signed = dsse.Envelope.parse(envelope, RECEIPT_TYPE)
        try:
            made = cls(**parse_canonical(signed.payload))
            hashes = (made.key, made.contract, made.commitment)
            sound = all(isinstance(one, str) and _HASH.fullmatch(one) for one in hashes)
            if not sound or type(made.count) is not int or not 0 < made.count < 2**53:
                raise _malformed("receipt")
            key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(made.key))
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise _malformed("receipt") from None
        if check:
            signed.check(key)
        return made


@dataclass(frozen=True, slots=True)
class ReleasedModel:
    """The model that came of a round.

    Attributes:
        contract: digest of the round's contract.
        run: of the contract.
        round: of the contract.
        model: SHA-256 (hex) of the encoded weights.
        admitted: replies that count in it.
    """

    contract: str
    run: str
    round: int
    model: str
    admitted: int

    def __post_init__(self) -> None:
        texts = all(isinstance(one, str) for one in (self.contract, self.run, self.model))
        if not texts or _RUN.fullmatch(self.run) is None:
            raise ValueError("not a released model")
        if not all(_HASH.fullmatch(one) for one in (self.contract, self.model)):
            raise ValueError("not a released model")
        if not all(type(one) is int and 0 < one < 2**53 for one in (self.round, self.admitted)):
            raise ValueError("not a released model")


@dataclass(frozen=True, slots=True)
class LoggedContract:
    """A contract and the envelope it came in."""

    contract: RoundContract
    envelope: bytes


@dataclass(frozen=True, slots=True)
class LoggedRelease:
    """That a reviewer signed a release; which files are in it stands in the leaf.

    Attributes:
        manifest: hash (hex) of the signed manifest, by which contracts name it.
        reviewer: raw Ed25519 public key (hex) that signed it.
        release: digest of what was signed.
        version: of the client, as the manifest has it.
    """

    manifest: str
    reviewer: str
    release: str
    version: str

    @classmethod
    def open(cls, envelope: bytes, reviewer: str) -> Self:
        """Read a manifest that a reviewer signed.

        Args:
            envelope: the signed manifest.
            reviewer: whose it is said to be: raw public key, hex.

        Raises:
            VerificationError: when it is no manifest, or another key signed it.
        """
        try:
            key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(reviewer))
        except (ValueError, UnsupportedAlgorithm):
            raise _malformed("reviewer's key") from None
        signed = verify_release(envelope, key)
        public = key.public_bytes_raw().hex()
        return cls(manifest_name(envelope), public, signed.digest(), signed.packages[0].version)


@dataclass(frozen=True, slots=True)
class LoggedStop:
    """An order to stop, and the envelope it came in."""

    order: StopOrder
    envelope: bytes


LogEntry = LoggedContract | Receipt | ReleasedModel | LoggedRelease | LoggedStop


def anchor_of(public_key: bytes) -> str:
    """Return the anchor (hex) of a raw public key."""
    return hashlib.sha256(public_key).hexdigest()


def contract_leaf(envelope: bytes) -> bytes:
    """Return the leaf of a signed contract.

    Raises:
        VerificationError: when it is not an envelope.
    """
    return _leaf("contract", envelope)


def receipt_leaf(envelope: bytes) -> bytes:
    """Return the leaf of a signed receipt.

    Raises:
        VerificationError: when it is not an envelope.
    """
    return _leaf("receipt", envelope)


def model_leaf(model: ReleasedModel) -> bytes:
    """Return the leaf of a released model."""
    return canonical_bytes({"model": asdict(model)})


def release_leaf(envelope: bytes, reviewer: str) -> bytes:
    """Return the leaf of a signed manifest.

    Args:
        envelope: the manifest.
        reviewer: who signed it: raw public key, hex.

    Raises:
        VerificationError: when it is not that reviewer's manifest.
    """
    found = LoggedRelease.open(envelope, reviewer)
    return b'{"release":{"manifest":%b,"reviewer":"%b"}}' % (envelope, found.reviewer.encode())


def stop_leaf(envelope: bytes) -> bytes:
    """Return the leaf of a signed stop order.

    Raises:
        VerificationError: when it is not an envelope.
    """
    return _leaf("stop", envelope)


def _leaf(kind: str, envelope: bytes) -> bytes:
    try:
        return canonical_bytes({kind: parse_canonical(envelope)})
    except ValueError:
        raise _malformed("leaf") from None


def read_leaf(
    data: bytes, contract_key: Ed25519PublicKey, *, every_signature: bool = True
) -> LogEntry:
    """Read a leaf and check what is signed in it.

    Args:
        data: bytes of the leaf.
        contract_key: whose contracts the log holds.
        every_signature: also check receipts' own, which witnesses checked before they cosigned.

    Raises:
        VerificationError: when it is no such leaf, or a signature in it does not fit.
    """
    kind, _, rest = data.partition(b":")
    most = MAX_RELEASE_LEAF_BYTES if kind == b'{"release"' else MAX_LEAF_BYTES
    if len(data) > most or not rest.endswith(b"}"):
        raise _malformed("leaf")
    # With one key, a leaf is canonical where its value is, and each reader below sees to that:
    # parsing the whole first would cost as much again as checking the signature.
    body = rest[:-1]
    match kind:
        case b'{"contract"':
            return _read_contract(body, contract_key)
        case b'{"receipt"':
            return Receipt.open(body, check=every_signature)
        case b'{"model"':
            return _read_model(body)
        case b'{"release"':
            return _read_release(body)
        case b'{"stop"':
            return _read_stop(body, contract_key)
    raise _malformed("leaf")


def _read_contract(envelope: bytes, key: Ed25519PublicKey) -> LoggedContract:
    payload = dsse.verify(envelope, PAYLOAD_TYPE, key)
    try:
        return LoggedContract(RoundContract.from_bytes(payload), envelope)
    except Refusal:
        raise _malformed("contract") from None


def _read_model(body: bytes) -> ReleasedModel:
    try:
        return ReleasedModel(**parse_canonical(body))
    except (TypeError, ValueError):
        raise _malformed("model") from None


def _read_release(body: bytes) -> LoggedRelease:
    parts = _RELEASE.fullmatch(body)
    if parts is None:
        raise _malformed("release")
    return LoggedRelease.open(parts[1], parts[2].decode("ascii"))


def _read_stop(envelope: bytes, key: Ed25519PublicKey) -> LoggedStop:
    try:
        return LoggedStop(open_order(envelope, key), envelope)
    except Refusal:
        raise _malformed("stop order") from None


def _malformed(what: str) -> VerificationError:
    return VerificationError(f"The log holds a {what} that is malformed.", _MEND)
