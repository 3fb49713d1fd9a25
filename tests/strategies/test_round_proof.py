"""Real proofs are accepted; whatever else comes is refused with one of two codes."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbound_strategies import note, round_proof
from deskbound_strategies.anchors import AnchorMap
from deskbound_strategies.canonical import canonical_bytes, parse_canonical
from deskbound_strategies.checkpoint import Checkpoint, Trust
from deskbound_strategies.errors import Refusal, RefusalCode
from deskbound_strategies.round_proof import MAX_OLDER, MAX_PROOF_BYTES, Proven
from tests.helpers.agreement import a_contract, signing_key
from tests.helpers.log import LOG_KEY, ORIGIN, History, MemoryLog, Pen, witness

KEY = signing_key()
TERMS = a_contract(minimum_cohort=2)
KEYS, WITNESSES = zip(*(witness(number) for number in range(3)), strict=True)


class Asked:
    """A laptop that is asked for the second round of a run, after having answered the first."""

    def __init__(self) -> None:
        self.log = History(KEY)
        self.pen = self.log.pens[1]
        self.log.round(TERMS, "ab" * 32)
        self.seen = [Checkpoint(ORIGIN, size, self.log.tree.root(size)) for size in range(1, 6)]
        second = replace(TERMS, round=2, model_hash="ab" * 32, anchors=self.log.anchors.digest())
        self.contract = second
        self.envelope, self.index = self.log.sign(second, KEY)
        self.trust = Trust(self.log.verifier, WITNESSES, 3)  # so that every line counts
        self.proof = self.prove()

    def prove(self, *, older=(1, 3, 5), cosigners=KEYS, anchor=None) -> bytes:
        anchor = anchor or self.pen.anchor
        return self.log.prove(self.index, anchor, older=older, cosigners=cosigners)

    def verify(self, proof: bytes, **other) -> Proven:
        words = {
            "data": proof, "envelope": self.envelope, "asked": self.contract,
            "trust": self.trust, "anchor": self.pen.anchor,
        }  # fmt: skip
        return round_proof.verify(**(words | other))

    def outcome(self, proof: bytes) -> Proven | RefusalCode:
        try:
            return self.verify(proof)
        except Refusal as refusal:
            return refusal.code

    def code(self, proof: bytes, **other) -> RefusalCode:
        with pytest.raises(Refusal) as caught:
            self.verify(proof, **other)
        return caught.value.code


ASKED = Asked()
RAW = parse_canonical(ASKED.proof)
PROVEN = ASKED.verify(ASKED.proof)
LOG_PROOF, QUORUM = RefusalCode.LOG_PROOF, RefusalCode.WITNESS_QUORUM


def test_a_real_proof_shows_the_head_and_this_laptops_receipt():
    assert PROVEN.checkpoint == Checkpoint(ORIGIN, 6, ASKED.log.tree.root())
    assert PROVEN.anchor == ASKED.log.anchors.get(ASKED.pen.anchor)
    assert PROVEN.anchor.count == 1
    assert set(PROVEN.older) == {1, 3, 5}


def test_a_laptop_that_the_log_does_not_know_is_shown_that():
    stranger = Pen(9).anchor
    assert ASKED.verify(ASKED.prove(anchor=stranger), anchor=stranger).anchor is None
    assert ASKED.code(ASKED.prove(anchor=stranger)) is LOG_PROOF
    assert ASKED.code(ASKED.proof, anchor=stranger) is LOG_PROOF


def test_the_very_first_contract_can_be_proved():
    log = MemoryLog()
    contract = replace(TERMS, anchors=AnchorMap().digest())
    envelope, index = log.sign(contract, KEY)
    proof = log.prove(index, "ab" * 32)
    found = round_proof.verify(proof, envelope, contract, log.trust, "ab" * 32)
    assert (found.checkpoint.size, found.anchor, found.older) == (1, None, {})


def test_it_extends_what_was_seen_and_nothing_else():
    for seen in ASKED.seen:
        assert PROVEN.extends(seen) == (seen.size in {1, 3, 5})
    head = PROVEN.checkpoint
    assert PROVEN.extends(head)
    assert not PROVEN.extends(replace(head, root=b"\0" * 32))
    assert not PROVEN.extends(replace(head, origin="other.example/log"))
    for seen in ASKED.seen:
        assert not PROVEN.extends(replace(seen, root=b"\0" * 32))
        assert not PROVEN.extends(replace(seen, origin="other.example/log"))
        assert not PROVEN.extends(replace(seen, size=seen.size + 1))


def test_a_log_never_extends_a_longer_one():
    later = Asked()
    later.log.answer(later.contract, later.pen)
    longer = Checkpoint(ORIGIN, later.log.tree.size, later.log.tree.root())
    assert not PROVEN.extends(longer)
    assert not replace(PROVEN, older={longer.size: ()}).extends(longer)


def test_a_fork_does_not_extend():
    fork = History(KEY)
    fork.round(replace(TERMS, issued=TERMS.issued + 1), "ab" * 32)
    for size in range(1, 6):
        assert not PROVEN.extends(Checkpoint(ORIGIN, size, fork.tree.root(size)))


@pytest.mark.parametrize("there", range(4))
def test_too_few_witnesses_have_a_code_of_their_own(there):
    proof, two = ASKED.prove(cosigners=KEYS[:there]), replace(ASKED.trust, quorum=2)
    if there >= 2:
        assert ASKED.verify(proof, trust=two).checkpoint == PROVEN.checkpoint
    else:
        assert ASKED.code(proof, trust=two) is QUORUM


def test_another_contract_is_not_proved():
    other = replace(ASKED.contract, sampling_rate=0.2)
    log = MemoryLog()
    envelope, _ = log.sign(other, KEY)
    assert ASKED.code(ASKED.proof, envelope=envelope, asked=other) is LOG_PROOF
    assert ASKED.code(ASKED.proof, envelope=b"", asked=other) is LOG_PROOF


def test_a_contract_that_names_another_map_is_refused():
    for digest in ("0" * 64, AnchorMap().digest()):
        asked = replace(ASKED.contract, anchors=digest)
        assert ASKED.code(ASKED.proof, asked=asked) is LOG_PROOF


def test_the_head_of_another_log_is_refused():
    stranger = MemoryLog(key=KEYS[0])
    assert ASKED.code(ASKED.proof, trust=stranger.trust) is LOG_PROOF


def changed(**fields) -> bytes:
    return canonical_bytes(RAW | fields)


LONE = RAW["consistency"][0]
HASH = "ab" * 32


@pytest.mark.parametrize(
    "proof",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff",
        ASKED.proof[:-1],
        ASKED.proof + b"\n",
        b" " + ASKED.proof,
        b"[" * MAX_PROOF_BYTES,
        b"9" * MAX_PROOF_BYTES,
        ASKED.proof[:-1] + b"," * MAX_PROOF_BYTES,
        changed(more=1),
        canonical_bytes({name: value for name, value in RAW.items() if name != "index"}),
        changed(index="5"),
        changed(index=5.0),
        changed(index=True),
        changed(index=-1),
        changed(index=4),
        changed(index=10**4000),
        changed(checkpoint=None),
        changed(checkpoint=[]),
        changed(checkpoint=""),
        changed(checkpoint="\ud800"),
        changed(checkpoint=RAW["checkpoint"] + "\n"),
        changed(inclusion=None),
        changed(inclusion="abab"),
        changed(inclusion=[None]),
        changed(inclusion=["xy"]),
        changed(inclusion=[]),
        changed(inclusion=RAW["inclusion"][::-1]),
        changed(inclusion=[*RAW["inclusion"], HASH]),
        changed(inclusion=[HASH] * 200),
        changed(consistency=None),
        changed(consistency={}),
        changed(consistency=[None]),
        changed(consistency=["size"]),
        changed(consistency=[["path", "size"]]),
        changed(consistency=[LONE | {"more": 1}]),
        changed(consistency=[LONE | {"size": "1"}]),
        changed(consistency=[LONE | {"size": True}]),
        changed(consistency=[LONE | {"path": None}]),
        changed(consistency=[LONE | {"path": [1]}]),
        changed(consistency=[LONE | {"path": [HASH] * 200}]),
        changed(consistency=[LONE, LONE]),
        changed(consistency=RAW["consistency"][::-1]),
        changed(consistency=[{"size": n, "path": []} for n in range(1, MAX_OLDER + 2)]),
        changed(consistency=[{"size": n, "path": [HASH] * 126} for n in range(1, MAX_OLDER + 1)]),
        changed(anchor=None),
        changed(anchor=RAW["anchor"] | {"placed": []}),
        changed(anchor=RAW["anchor"] | {"size": 2}),
        changed(anchor=RAW["anchor"] | {"placed": RAW["anchor"]["placed"] * 2}),
    ],
)
def test_other_messages_are_refused(proof):
    assert ASKED.code(proof) is LOG_PROOF


@given(st.binary(max_size=200))
def test_other_bytes_are_refused(data):
    assert ASKED.code(data) is LOG_PROOF


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8) | st.just(HASH),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(sorted(RAW)), JSON, min_size=1))
def test_other_values_in_the_right_places_are_refused_or_empty_of_meaning(fields):
    """Only proofs of growth may be left out: whether they are needed, the laptop alone can see."""
    found = ASKED.outcome(changed(**fields))
    if isinstance(found, RefusalCode):
        assert found in {LOG_PROOF, QUORUM}
        return
    assert replace(found, older={}) == replace(PROVEN, older={})
    assert all(not found.extends(seen) for seen in ASKED.seen if seen.size not in found.older)


def spoil(value, dice: random.Random):
    """Change one thing, anywhere within a JSON value."""
    if isinstance(value, dict):
        name = dice.choice(sorted(value))
        return value | {name: spoil(value[name], dice)}
    if isinstance(value, list) and value and dice.random() < 0.8:
        at = dice.randrange(len(value))
        return [*value[:at], spoil(value[at], dice), *value[at + 1 :]]
    if isinstance(value, list):
        return dice.choice([[*value, HASH], value[:-1], [*value, *value], value[::-1]])
    if isinstance(value, int):
        return dice.choice([value + 1, value - 1, -value, value ^ 1 << dice.randrange(60)])
    if not value:
        return HASH
    at = dice.randrange(len(value))
    sign = dice.choice("0123456789abcdefABXZ+/= \n\u2014")
    return dice.choice(
        [
            value[:at] + sign + value[at + 1 :],
            value[:at] + value[at + 1 :],
            value[:at] + sign + value[at:],
        ]
    )


def test_a_thousand_random_changes_are_refused_or_belong_to_growth_that_no_longer_shows():
    """Nothing here is left to chance but the place: a proof has one spelling.

    What no key or root vouches for when the message is read are the proofs of growth. They are held
    against what this laptop saw, and there each change must show.
    """
    dice, refused, harmless = random.Random(9162), 0, 0
    while refused + harmless < 1_000:
        raw = spoil(RAW, dice)
        if raw == RAW:
            continue
        found = ASKED.outcome(canonical_bytes(raw))
        if isinstance(found, RefusalCode):
            assert found in {LOG_PROOF, QUORUM}
            refused += 1
            continue
        assert raw | {"consistency": 0} == RAW | {"consistency": 0}
        assert replace(found, older={}) == replace(PROVEN, older={})
        intact = {size for size, path in found.older.items() if PROVEN.older.get(size) == path}
        assert {seen.size for seen in ASKED.seen if found.extends(seen)} == intact < {1, 3, 5}
        harmless += 1
    assert refused > 600
    assert harmless > 10


@pytest.mark.parametrize("flip", [0x01, 0x02, 0x20])
def test_every_changed_byte_outside_the_proofs_of_growth_is_refused(flip):
    start = ASKED.proof.index(b'"consistency"')
    end = ASKED.proof.index(b'"inclusion"')
    for position in (*range(start), *range(end, len(ASKED.proof))):
        altered = bytearray(ASKED.proof)
        altered[position] ^= flip
        assert ASKED.code(bytes(altered)) in {LOG_PROOF, QUORUM}


def test_lines_of_unknown_keys_may_come_along():
    checkpoint = note.Note.parse(RAW["checkpoint"].encode())
    stranger = note.cosign(checkpoint.text, "new.example/witness", LOG_KEY, 7)
    more = checkpoint.with_signatures([stranger]).to_bytes().decode()
    assert ASKED.verify(changed(checkpoint=more)) == PROVEN


def test_an_honest_proof_fits_where_it_must():
    """24 steps for each of all the sizes that a laptop may know: a log of millions of leaves."""
    steps = [b"\0" * 32] * 24
    proof = round_proof.encode(
        checkpoint=ASKED.log.note(*KEYS),
        index=2**24,
        inclusion=steps,
        consistency=dict.fromkeys(range(2**24 - MAX_OLDER, 2**24), steps),
        anchor=ASKED.log.anchors.prove(ASKED.pen.anchor),
    )
    assert len(proof) <= MAX_PROOF_BYTES
