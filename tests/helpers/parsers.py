"""Everything that reads bytes from elsewhere, one entry each: for tests and for fuzzing alike.

A parser here gives back whether it took the bytes. What it took must be what somebody wrote: where
a value has one spelling it is written again and compared, where it is signed it must be a seed.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from deskbound_strategies import codec, ledger_export, log_export, round_proof, stop_proof
from deskbound_strategies.checkpoint import Checkpoint
from deskbound_strategies.codec import TensorSpec
from deskbound_strategies.contract import RoundContract
from deskbound_strategies.dsse import payload_of
from deskbound_strategies.errors import Refusal, RefusalCode, VerificationError
from deskbound_strategies.ledger_bodies import LedgerKind
from deskbound_strategies.log_entries import (
    MAX_RELEASE_LEAF_BYTES,
    ReleasedModel,
    model_leaf,
    read_leaf,
)
from deskbound_strategies.note import Note
from deskbound_strategies.release import MAX_BYTES, parse_release
from deskbound_strategies.release import PAYLOAD_TYPE as RELEASE_TYPE
from deskbound_strategies.stop_order import MAX_ORDER_BYTES, StopOrder, open_order
from tests.helpers.agreement import a_contract, an_export, signing_key
from tests.helpers.log import History, a_manifest, a_stop, witness

KEY = signing_key()
LAYOUT = (TensorSpec("w", (4, 3)), TensorSpec("sums", (5,), "int64"))


@dataclass(frozen=True)
class Parser:
    """One reader of foreign bytes.

    Attributes:
        takes: reads bytes; True when it took them. Raises only what nobody should ever see.
        seeds: bytes that it takes, to begin with.
        most: bytes of the largest message that reaches it.
    """

    takes: Callable[[bytes], bool]
    seeds: tuple[bytes, ...]
    most: int


def _tensors(data: bytes) -> bool:
    try:
        found = codec.decode(data, LAYOUT)
    except Refusal as refusal:
        if refusal.code not in {RefusalCode.WEIGHTS_MALFORMED, RefusalCode.WEIGHTS_NOT_FINITE}:
            raise
        return False
    assert codec.encode(found, LAYOUT) == data
    return True


def _contract(data: bytes) -> bool:
    try:
        found = RoundContract.from_bytes(data)
    except Refusal as refusal:
        if refusal.code is not RefusalCode.CONTRACT_MALFORMED:
            raise
        return False
    assert found.to_bytes() == data
    return True


def _note(data: bytes) -> bool:
    try:
        found = Note.parse(data)
    except VerificationError:
        return False
    assert found.to_bytes() == data
    return True


def _checkpoint(data: bytes) -> bool:
    text = data.decode("utf-8", "replace")
    try:
        found = Checkpoint.parse(text)
    except VerificationError:
        return False
    assert found.text == text
    return True


LOG = History(KEY)
LOG.review(MANIFEST := a_manifest())
LOG.round(a_contract(minimum_cohort=2), "ab" * 32)
ORDER, ORDER_INDEX = LOG.stop(a_stop(), KEY)
ASKED = a_contract(round=2, model_hash="ab" * 32, anchors=LOG.anchors.digest())
ENVELOPE, INDEX = LOG.sign(ASKED, KEY)
WITNESS_KEY, WITNESS = witness(0)
TRUST = replace(LOG.trust, witnesses=(WITNESS,), quorum=1)
ANCHOR = LOG.pens[0].anchor
PROOF = LOG.prove(INDEX, ANCHOR, older=(1, 3), cosigners=[WITNESS_KEY])
PROVEN = round_proof.verify(PROOF, ENVELOPE, ASKED, TRUST, ANCHOR)
STOP_PROOF = LOG.prove_stop(ORDER_INDEX, older=(1, 3), cosigners=[WITNESS_KEY])
STOP_PROVEN = stop_proof.verify(STOP_PROOF, ORDER, TRUST)
LOG_EXPORT = LOG.export(WITNESS_KEY)
LEDGER_EXPORT = an_export(LedgerKind.RESERVE, LedgerKind.RELEASE, LedgerKind.PAUSE)


def _proof(data: bytes) -> bool:
    try:
        found = round_proof.verify(data, ENVELOPE, ASKED, TRUST, ANCHOR)
    except Refusal as refusal:
        if refusal.code not in {RefusalCode.LOG_PROOF, RefusalCode.WITNESS_QUORUM}:
            raise
        return False
    assert replace(found, older={}) == replace(PROVEN, older={})
    return True


def _order(data: bytes) -> bool:
    try:
        found = StopOrder.from_bytes(data)
    except ValueError:
        return False
    assert found.to_bytes() == data
    return True


def _signed_order(data: bytes) -> bool:
    try:
        found = open_order(data, KEY.public_key())
    except Refusal as refusal:
        if refusal.code not in {RefusalCode.STOP_MALFORMED, RefusalCode.STOP_SIGNATURE}:
            raise
        return False
    assert found == a_stop()
    assert data == ORDER
    return True


def _stop_proof(data: bytes) -> bool:
    try:
        found = stop_proof.verify(data, ORDER, TRUST)
    except Refusal as refusal:
        if refusal.code not in {RefusalCode.LOG_PROOF, RefusalCode.WITNESS_QUORUM}:
            raise
        return False
    assert replace(found, older={}) == replace(STOP_PROVEN, older={})
    return True


def _leaf(data: bytes) -> bool:
    try:
        found = read_leaf(data, KEY.public_key())
    except VerificationError:
        return False
    if isinstance(found, ReleasedModel):
        assert model_leaf(found) == data
    else:
        assert data in LOG.leaves
    return True


def _release(data: bytes) -> bool:
    try:
        found = parse_release(data)
    except VerificationError:
        return False
    assert found.to_bytes() == data
    return True


def _log(data: bytes) -> bool:
    try:
        log_export.verify_export(data, TRUST)
    except VerificationError:
        return False
    assert log_export.verify_export(data).rules.size == len(LOG.leaves)
    return True


def _ledger(data: bytes) -> bool:
    try:
        ledger_export.verify_export(data)
    except VerificationError:
        return False
    assert data == LEDGER_EXPORT
    return True


TENSORS = codec.encode({"w": np.ones((4, 3), np.float32), "sums": np.arange(5)}, LAYOUT)
HEAD = LOG.note(WITNESS_KEY)
PARSERS = {
    "codec": Parser(_tensors, (TENSORS,), 64 * 1024),
    "contract": Parser(_contract, (ASKED.to_bytes(),), 16 * 1024),
    "note": Parser(_note, (HEAD,), 64 * 1024),
    "checkpoint": Parser(_checkpoint, (Note.parse(HEAD).text.encode(),), 16 * 1024),
    "proof": Parser(_proof, (PROOF,), round_proof.MAX_PROOF_BYTES),
    "stop-order": Parser(_order, (a_stop().to_bytes(),), MAX_ORDER_BYTES),
    "stop-envelope": Parser(_signed_order, (ORDER,), MAX_ORDER_BYTES),
    "stop-proof": Parser(_stop_proof, (STOP_PROOF,), round_proof.MAX_PROOF_BYTES),
    "leaf": Parser(
        _leaf, tuple(LOG.leaves[at] for at in (0, 1, 2, -3, -2)), MAX_RELEASE_LEAF_BYTES
    ),
    "release": Parser(_release, (payload_of(MANIFEST, RELEASE_TYPE),), MAX_BYTES),
    "log": Parser(_log, (LOG_EXPORT,), 1024 * 1024),
    "ledger": Parser(_ledger, (LEDGER_EXPORT,), 1024 * 1024),
}
