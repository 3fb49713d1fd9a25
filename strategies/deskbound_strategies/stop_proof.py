"""What comes with a stop order to show that it is in the log: nobody is stopped in secret.

The proof of a contract (``round_proof.py``) without what the log says of the laptop: an order is
about no laptop. One canonical JSON value: ``checkpoint``, ``index``, ``inclusion``,
``consistency``.
"""

from collections.abc import Sequence

from deskbound_strategies import merkle, round_proof
from deskbound_strategies.canonical import canonical_bytes
from deskbound_strategies.checkpoint import NoQuorumError, Trust
from deskbound_strategies.errors import Refusal, RefusalCode, VerificationError
from deskbound_strategies.log_entries import stop_leaf
from deskbound_strategies.round_proof import Proven


def encode(
    *,
    checkpoint: bytes,
    index: int,
    inclusion: Sequence[bytes],
    consistency: dict[int, Sequence[bytes]],
) -> bytes:
    """Return the proof as it travels; arguments as in ``round_proof.encode``."""
    return canonical_bytes(
        round_proof.place_to_json(
            checkpoint=checkpoint, index=index, inclusion=inclusion, consistency=consistency
        )
    )


def verify(data: bytes, envelope: bytes, trust: Trust) -> Proven:
    """Check a proof against the order it came with.

    Args:
        data: the proof.
        envelope: of the order.
        trust: pinned keys of log and witnesses.

    Raises:
        Refusal: ``witness-quorum`` when too few witnesses cosigned, else ``log-proof``.
    """
    try:
        raw = round_proof.parse_place(data, round_proof.PLACE)
        head = trust.open(raw["checkpoint"].encode("utf-8"))
        older = round_proof.check_place(raw, head, merkle.leaf_hash(stop_leaf(envelope)))
    except NoQuorumError:
        raise Refusal(RefusalCode.WITNESS_QUORUM) from None
    except (VerificationError, ValueError, TypeError, KeyError, AttributeError):
        raise Refusal(RefusalCode.LOG_PROOF) from None
    return Proven(head, older, None)
