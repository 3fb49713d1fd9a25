"""A log as a server keeps it, in memory: contracts go in, proofs come out."""

from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deskbound_strategies import dsse, log_export, note, round_proof, stop_proof
from deskbound_strategies.anchors import AnchorMap
from deskbound_strategies.checkpoint import Checkpoint, Trust
from deskbound_strategies.contract import PAYLOAD_TYPE, RoundContract
from deskbound_strategies.log_entries import (
    Receipt,
    ReleasedModel,
    anchor_of,
    contract_leaf,
    model_leaf,
    receipt_leaf,
    release_leaf,
    stop_leaf,
)
from deskbound_strategies.merkle import Tree
from deskbound_strategies.note import COSIGNATURE, SIGNATURE, Verifier
from deskbound_strategies.release import PACKAGES, Package, Release, sign_release
from deskbound_strategies.stop_order import StopOrder, StopReason

ORIGIN = "test.example/deskbound"
LOG_KEY = Ed25519PrivateKey.from_private_bytes(b"log key for the tests of 32 byte")
REVIEWER = Ed25519PrivateKey.from_private_bytes(b"reviewer's key for the tests. 32")
REVIEWER_HEX = REVIEWER.public_key().public_bytes_raw().hex()
NO_ANCHORS = AnchorMap().digest()


def witness(number: int) -> tuple[Ed25519PrivateKey, Verifier]:
    """A witness's key and how others know it."""
    key = Ed25519PrivateKey.from_private_bytes(b"w%031d" % number)
    return key, Verifier(f"witness.example/{number}", COSIGNATURE, key.public_key())


def a_manifest(version: str = "0.1.0", key: Ed25519PrivateKey = REVIEWER, files: int = 1) -> bytes:
    """A signed manifest of packages with so many files."""
    listed = {f"{number}.py": f"{number:064x}" for number in range(files)}
    return sign_release(Release(tuple(Package(name, version, listed) for name in PACKAGES)), key)


def a_stop(order: str = "0a" * 16, reason: StopReason = StopReason.SECURITY) -> StopOrder:
    """An order to stop."""
    return StopOrder(id=order, issued=1_800_000_000, reason=reason)


class Pen:
    """Signs the receipts of one laptop, each counting on."""

    def __init__(self, seed: int = 1) -> None:
        self.key = Ed25519PrivateKey.from_private_bytes(b"p%031d" % seed)
        self.count = 0

    @property
    def anchor(self) -> str:
        return anchor_of(self.key.public_key().public_bytes_raw())

    def receipt(self, contract_digest: str, *, count: int | None = None) -> bytes:
        self.count = self.count + 1 if count is None else count
        public = self.key.public_key().public_bytes_raw().hex()
        return Receipt(public, contract_digest, self.count, f"{self.count:064x}").signed(self.key)


class MemoryLog:
    """A log whose leaves are whatever a test appends."""

    def __init__(self, key: Ed25519PrivateKey = LOG_KEY, origin: str = ORIGIN) -> None:
        self.key, self.origin = key, origin
        self.tree, self.anchors = Tree(), AnchorMap()
        self.verifier = Verifier(origin, SIGNATURE, key.public_key())

    @property
    def trust(self) -> Trust:
        return Trust(self.verifier)

    def append(self, data: bytes) -> int:
        return self.tree.append(data)

    def note(self, *cosigners: Ed25519PrivateKey, at: int = 1_000) -> bytes:
        """The signed head, cosigned by witnesses numbered in order."""
        head = Checkpoint(self.origin, self.tree.size, self.tree.root())
        lines = [
            note.cosign(head.text, f"witness.example/{number}", key, at)
            for number, key in enumerate(cosigners)
        ]
        return head.signed(self.key).with_signatures(lines).to_bytes()

    def prove(self, index: int, anchor: str, *, older=(), cosigners=()) -> bytes:
        """The proof of a leaf of the log as it is now."""
        return round_proof.encode(
            checkpoint=self.note(*cosigners),
            index=index,
            inclusion=self.tree.inclusion_proof(index),
            consistency={size: self.tree.consistency_proof(size) for size in older},
            anchor=self.anchors.prove(anchor),
        )

    def prove_stop(self, index: int, *, older=(), cosigners=()) -> bytes:
        """The proof of a stop order's leaf of the log as it is now."""
        return stop_proof.encode(
            checkpoint=self.note(*cosigners),
            index=index,
            inclusion=self.tree.inclusion_proof(index),
            consistency={size: self.tree.consistency_proof(size) for size in older},
        )

    def stop(self, order: StopOrder, contract_key: Ed25519PrivateKey) -> tuple[bytes, int]:
        """Sign and log a stop order; returns its envelope and the leaf's index."""
        envelope = order.signed(contract_key)
        return envelope, self.append(stop_leaf(envelope))

    def sign(self, wanted: RoundContract, contract_key: Ed25519PrivateKey) -> tuple[bytes, int]:
        """Sign and log a contract; returns its envelope and the leaf's index."""
        envelope = dsse.sign(wanted.to_bytes(), PAYLOAD_TYPE, contract_key)
        return envelope, self.append(contract_leaf(envelope))


class History(MemoryLog):
    """An honest log, grown leaf by leaf; whoever wants a dishonest one takes other leaves."""

    def __init__(self, contract_key: Ed25519PrivateKey, laptops: int = 3, **of_the_log) -> None:
        super().__init__(**of_the_log)
        self.contract_key = contract_key
        self.pens = [Pen(seed) for seed in range(1, laptops + 1)]
        self.leaves: list[bytes] = []

    def append(self, data: bytes) -> int:
        self.leaves.append(data)
        return super().append(data)

    def ask(self, terms: RoundContract) -> RoundContract:
        """Log a contract that names the map of receipts as it is."""
        contract = replace(terms, anchors=self.anchors.digest())
        self.sign(contract, self.contract_key)
        return contract

    def review(self, envelope: bytes, key: Ed25519PrivateKey = REVIEWER) -> None:
        """Log a signed manifest."""
        self.append(release_leaf(envelope, key.public_key().public_bytes_raw().hex()))

    def answer(self, contract: RoundContract, pen: Pen) -> Receipt:
        """Log the receipt of one laptop."""
        envelope = pen.receipt(contract.digest())
        receipt = Receipt.open(envelope)
        self.append(receipt_leaf(envelope))
        self.anchors.put(receipt.anchor)
        return receipt

    def release(self, contract: RoundContract, model: str, admitted: int) -> ReleasedModel:
        """Log the model of a round."""
        made = ReleasedModel(contract.digest(), contract.run, contract.round, model, admitted)
        self.append(model_leaf(made))
        return made

    def round(self, terms: RoundContract, released: str) -> RoundContract:
        """A whole round that all laptops answer."""
        contract = self.ask(terms)
        for pen in self.pens:
            self.answer(contract, pen)
        self.release(contract, released, len(self.pens))
        return contract

    def export(self, *cosigners: Ed25519PrivateKey) -> bytes:
        """The whole log as one file."""
        public = self.contract_key.public_key()
        return b"".join(
            log_export.export(self.leaves, self.verifier, public, self.note(*cosigners))
        )
