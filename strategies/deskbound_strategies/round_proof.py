"""What comes with a contract to show that everybody was asked the same, and nobody is forgotten.

One canonical JSON value, made for one laptop:

    checkpoint   the log's head, signed, with the witnesses' cosignatures
    index, inclusion      that the contract is a leaf of it
    consistency           for each older size that this laptop may know: that the log only grew
    anchor       what the log says of this laptop last, under the map that the contract names

``verify`` looks at the message and at pinned keys alone, so what it finds wrong may be told to a
server. Whether the log goes on from the one this laptop saw before is ``Proven.extends``.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from deskbound_strategies import merkle
from deskbound_strategies.anchors import Anchor, AnchorProof
from deskbound_strategies.canonical import canonical_bytes, parse_canonical
from deskbound_strategies.checkpoint import Checkpoint, NoQuorumError, Trust
from deskbound_strategies.contract import RoundContract
from deskbound_strategies.errors import Refusal, RefusalCode, VerificationError
from deskbound_strategies.log_entries import contract_leaf

MAX_PROOF_BYTES = 128 * 1024
MAX_OLDER = 64  # sizes a laptop may know; it knows one of those it was shown
_MAX_PATH = 2 * merkle.MAX_SIZE.bit_length()
PLACE = frozenset({"checkpoint", "index", "inclusion", "consistency"})  # of a leaf in the log


@dataclass(frozen=True, slots=True)
class Proven:
    """What a proof showed.

    Attributes:
        checkpoint: the log's head.
        older: proofs of growth by older size.
        anchor: this laptop's latest receipt in the log, if there is one.
    """

    checkpoint: Checkpoint
    older: dict[int, tuple[bytes, ...]]
    anchor: Anchor | None

    def extends(self, seen: Checkpoint) -> bool:
        """Return whether the log has all that it had at ``seen``, in that order."""
        if seen.origin != self.checkpoint.origin:
            return False
        if seen.size == self.checkpoint.size:
            return seen.root == self.checkpoint.root
        path = self.older.get(seen.size, ())
        head = self.checkpoint
        return merkle.verify_consistency(seen.size, head.size, path, seen.root, head.root)


def encode(
    *,
    checkpoint: bytes,
    index: int,
    inclusion: Sequence[bytes],
    consistency: dict[int, Sequence[bytes]],
    anchor: AnchorProof,
) -> bytes:
    """Return the proof as it travels.

    Args:
        checkpoint: note with the log's signature and cosignatures.
        index: of the contract's leaf.
        inclusion: its inclusion proof.
        consistency: for older sizes, the proofs of growth.
        anchor: what the contract's map says of the laptop.
    """
    place = place_to_json(
        checkpoint=checkpoint, index=index, inclusion=inclusion, consistency=consistency
    )
    return canonical_bytes(place | {"anchor": anchor.to_json()})


def place_to_json(
    *,
    checkpoint: bytes,
    index: int,
    inclusion: Sequence[bytes],
    consistency: dict[int, Sequence[bytes]],
) -> dict[str, Any]:
    """Return a leaf's place in the log as JSON values; arguments as in ``encode``."""
    return {
        "checkpoint": checkpoint.decode("utf-8"),
        "index": index,
        "inclusion": [hashed.hex() for hashed in inclusion],
        "consistency": [
            {"size": size, "path": [hashed.hex() for hashed in path]}
            for size, path in sorted(consistency.items())
        ],
    }


def verify(data: bytes, envelope: bytes, asked: RoundContract, trust: Trust, anchor: str) -> Proven:
    """Check a proof against the message it came with.

    Args:
        data: the proof.
        envelope: of the contract.
        asked: the contract.
        trust: pinned keys of log and witnesses.
        anchor: of this laptop.

    Raises:
        Refusal: ``witness-quorum`` when too few witnesses cosigned, else ``log-proof``.
    """
    try:
        raw = parse_place(data, PLACE | {"anchor"})
        head = trust.open(raw["checkpoint"].encode("utf-8"))
        older = check_place(raw, head, merkle.leaf_hash(contract_leaf(envelope)))
        mine = AnchorProof.from_json(raw["anchor"]).lookup(anchor, asked.anchors)
    except NoQuorumError:
        raise Refusal(RefusalCode.WITNESS_QUORUM) from None
    except (VerificationError, ValueError, TypeError, KeyError, AttributeError):
        raise Refusal(RefusalCode.LOG_PROOF) from None
    return Proven(head, older, mine)


def check_place(
    raw: dict[str, Any], head: Checkpoint, hashed: bytes
) -> dict[int, tuple[bytes, ...]]:
    """Check that a leaf is where ``parse_place`` read it to be; return the proofs of growth.

    Args:
        raw: as parsed.
        head: of the log, opened.
        hashed: the leaf's hash.

    Raises:
        ValueError: when it is not there.
    """
    inclusion = _path(raw["inclusion"])
    if not merkle.verify_inclusion(raw["index"], head.size, hashed, inclusion, head.root):
        raise ValueError("not in the log")
    return {one["size"]: _path(one["path"]) for one in raw["consistency"]}


def parse_place(data: bytes, fields: AbstractSet[str]) -> dict[str, Any]:
    """Read a proof's JSON strictly: exactly these fields, among them those of ``PLACE``.

    Raises:
        ValueError, TypeError: when it is none.
    """
    raw = parse_canonical(data) if len(data) <= MAX_PROOF_BYTES else None
    if not isinstance(raw, dict) or set(raw) != fields or type(raw["index"]) is not int:
        raise ValueError("not a proof")
    older = raw["consistency"]
    if not isinstance(older, list) or len(older) > MAX_OLDER:
        raise ValueError("not a proof")
    if any(set(one) != {"size", "path"} or type(one["size"]) is not int for one in older):
        raise ValueError("not a proof")
    sizes = [one["size"] for one in older]
    if sizes != sorted(set(sizes)):
        raise ValueError("not a proof")
    return raw


def _path(raw: Any) -> tuple[bytes, ...]:
    if not isinstance(raw, list) or len(raw) > _MAX_PATH:
        raise ValueError("not a path")
    path = tuple(bytes.fromhex(hashed) for hashed in raw)
    if [hashed.hex() for hashed in path] != raw:  # capitals, or blanks between: a second spelling
        raise ValueError("not a path")
    return path
