"""Real proofs are accepted; whatever else comes is refused with one of two codes."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbound_strategies import stop_proof
from deskbound_strategies.canonical import canonical_bytes, parse_canonical
from deskbound_strategies.checkpoint import Checkpoint
from deskbound_strategies.errors import Refusal, RefusalCode
from deskbound_strategies.round_proof import MAX_PROOF_BYTES
from tests.helpers.agreement import a_contract, signing_key
from tests.helpers.log import ORIGIN, History, a_stop, witness

KEY = signing_key()
LOG = History(KEY)
LOG.round(a_contract(minimum_cohort=2), "ab" * 32)
SEEN = [Checkpoint(ORIGIN, size, LOG.tree.root(size)) for size in range(1, 6)]
ENVELOPE, INDEX = LOG.stop(a_stop(), KEY)
LOG.round(a_contract(minimum_cohort=2, run="07" * 16), "cd" * 32)
WITNESS_KEY, WITNESS = witness(0)
PROOF = LOG.prove_stop(INDEX, older=(1, 3, 5))


def code_of(proof: bytes, envelope: bytes = ENVELOPE, trust=LOG.trust) -> RefusalCode:
    with pytest.raises(Refusal) as caught:
        stop_proof.verify(proof, envelope, trust)
    return caught.value.code


def test_an_order_in_the_log_is_proven_and_so_is_that_the_log_grew():
    proven = stop_proof.verify(PROOF, ENVELOPE, LOG.trust)
    assert [proven.extends(seen) for seen in SEEN] == [True, False, True, False, True]


def test_an_order_that_is_not_in_the_log_is_refused():
    assert code_of(PROOF, a_stop("0b" * 16).signed(KEY)) is RefusalCode.LOG_PROOF
    assert code_of(LOG.prove_stop(INDEX + 1)) is RefusalCode.LOG_PROOF


def test_another_log_does_not_count():
    foreign = History(KEY, key=signing_key(3))
    envelope, index = foreign.stop(a_stop(), KEY)
    assert code_of(foreign.prove_stop(index), envelope) is RefusalCode.LOG_PROOF


def test_a_quorum_of_witnesses_is_asked_for_as_for_a_contract():
    trust = replace(LOG.trust, witnesses=(WITNESS,), quorum=1)
    assert code_of(PROOF, trust=trust) is RefusalCode.WITNESS_QUORUM
    signed = LOG.prove_stop(INDEX, cosigners=[WITNESS_KEY])
    assert stop_proof.verify(signed, ENVELOPE, trust).checkpoint.size == LOG.tree.size


@pytest.mark.parametrize("more", [{"anchor": {}}, {"until": 1}])
def test_a_proof_has_exact_fields(more):
    assert code_of(canonical_bytes(parse_canonical(PROOF) | more)) is RefusalCode.LOG_PROOF


@given(st.integers(0, len(PROOF) - 1), st.integers(1, 255))
def test_no_changed_byte_shows_another_head(place, flip):
    spoiled = bytearray(PROOF)
    spoiled[place] ^= flip
    try:
        proven = stop_proof.verify(bytes(spoiled), ENVELOPE, LOG.trust)
    except Refusal as refusal:
        assert refusal.code is RefusalCode.LOG_PROOF  # noqa: PT017 - both ends are right
    else:
        assert proven.checkpoint == stop_proof.verify(PROOF, ENVELOPE, LOG.trust).checkpoint


def test_what_is_too_long_is_not_even_parsed():
    assert code_of(b"[" * (MAX_PROOF_BYTES + 1)) is RefusalCode.LOG_PROOF
