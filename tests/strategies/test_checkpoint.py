import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbound_strategies import note
from deskbound_strategies.checkpoint import Checkpoint, NoQuorumError, Trust, cosigners
from deskbound_strategies.errors import VerificationError
from deskbound_strategies.merkle import EMPTY_ROOT, MAX_SIZE
from deskbound_strategies.note import COSIGNATURE, SIGNATURE, Note, Verifier
from tests.helpers.log import LOG_KEY, ORIGIN, MemoryLog, witness

LOG = MemoryLog()
for number in range(5):
    LOG.append(b"leaf %d" % number)
HEAD = Checkpoint(ORIGIN, LOG.tree.size, LOG.tree.root())
KEYS, WITNESSES = zip(*(witness(number) for number in range(3)), strict=True)


def refusal(trust: Trust, data: bytes) -> VerificationError:
    with pytest.raises(VerificationError) as caught:
        trust.open(data)
    return caught.value


def signed(text: str, *lines: tuple[str, bytes]) -> bytes:
    return Note(text, (note.sign(text, ORIGIN, LOG_KEY), *lines)).to_bytes()


def test_the_text_is_that_of_c2sp():
    assert HEAD.text == f"{ORIGIN}\n5\n{base64.b64encode(HEAD.root).decode()}\n"
    # The example in C2SP tlog-checkpoint, without its extension line.
    text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    found = Checkpoint.parse(text)
    assert (found.origin, found.size) == ("example.com/behind-the-sofa", 20852163)
    assert found.text == text


@given(st.integers(0, MAX_SIZE), st.binary(min_size=32, max_size=32))
def test_a_checkpoint_comes_back_as_it_was_written(size, root):
    head = Checkpoint(ORIGIN, size, root)
    assert Checkpoint.parse(head.text) == head


ROOT = base64.b64encode(EMPTY_ROOT).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n\n",
        f"{ORIGIN}\n5\n{ROOT}",
        f"{ORIGIN}\n5\n{ROOT}\n\n",
        f"{ORIGIN}\n5\n{ROOT}\nextension\n",
        f"{ORIGIN}\n\n{ROOT}\n",
        f"{ORIGIN}\n05\n{ROOT}\n",
        f"{ORIGIN}\n+5\n{ROOT}\n",
        f"{ORIGIN}\n-5\n{ROOT}\n",
        f"{ORIGIN}\n 5\n{ROOT}\n",
        f"{ORIGIN}\n5_0\n{ROOT}\n",
        f"{ORIGIN}\n5.0\n{ROOT}\n",
        f"{ORIGIN}\n\u0665\n{ROOT}\n",
        f"{ORIGIN}\n{MAX_SIZE + 1}\n{ROOT}\n",
        f"{ORIGIN}\n{'9' * 5000}\n{ROOT}\n",
        f"{ORIGIN}\n5\n{ROOT[:-1]}\n",
        f"{ORIGIN}\n5\n{ROOT[:-2]}V=\n",
        f"{ORIGIN}\n5\n{base64.b64encode(EMPTY_ROOT + b'x').decode()}\n",
        f"{ORIGIN}\n5\n{base64.b64encode(EMPTY_ROOT[1:]).decode()}\n",
        f"{ORIGIN}\n5\nnot base64 at all\n",
        f"{ORIGIN}\n5\n\u00e9\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text):
    with pytest.raises(VerificationError, match="not a checkpoint"):
        Checkpoint.parse(text)


@given(st.text())
def test_other_text_only_raises(text):
    try:
        found = Checkpoint.parse(text)
    except VerificationError:
        return
    assert found.text == text


@pytest.mark.parametrize("quorum", [0, 1, 2, 3])
def test_so_many_witnesses_as_are_asked_for(quorum):
    trust = Trust(LOG.verifier, WITNESSES, quorum)
    for there in range(4):
        data = LOG.note(*KEYS[:there])
        assert trust.vouching(Note.parse(data)) == list(WITNESSES[:there])
        if there >= quorum:
            assert trust.open(data) == HEAD
        else:
            with pytest.raises(NoQuorumError):
                trust.open(data)


def test_any_two_of_three_will_do():
    trust = Trust(LOG.verifier, WITNESSES, 2)
    lines = [note.cosign(HEAD.text, f"witness.example/{n}", KEYS[n], 7) for n in (2, 0)]
    assert trust.open(signed(HEAD.text, *lines)) == HEAD


def test_one_witness_under_two_names_counts_once():
    twins = tuple(Verifier(name, COSIGNATURE, KEYS[0].public_key()) for name in ("a.ex", "b.ex"))
    lines = [note.cosign(HEAD.text, one.name, KEYS[0], 7) for one in twins]
    for some in (lines, lines[:1], lines[1:]):
        data = signed(HEAD.text, *some)
        assert len(cosigners(Note.parse(data), twins)) == 1
        assert Trust(LOG.verifier, twins, 1).open(data) == HEAD
        with pytest.raises(NoQuorumError):
            Trust(LOG.verifier, twins, 2).open(data)


def test_one_witness_who_cosigns_twice_counts_once():
    lines = [note.cosign(HEAD.text, WITNESSES[0].name, KEYS[0], at) for at in (7, 8)]
    with pytest.raises(NoQuorumError):
        Trust(LOG.verifier, WITNESSES, 2).open(signed(HEAD.text, *lines))


def test_a_witness_of_another_name_is_nobody():
    line = note.cosign(HEAD.text, "witness.example/9", KEYS[0], 7)
    with pytest.raises(NoQuorumError):
        Trust(LOG.verifier, WITNESSES, 1).open(signed(HEAD.text, line))


def test_the_log_is_not_its_own_witness():
    own = Verifier("witness.example/own", COSIGNATURE, LOG_KEY.public_key())
    data = signed(HEAD.text, note.cosign(HEAD.text, own.name, LOG_KEY, 7))
    assert Note.parse(data).is_signed_by(own)
    with pytest.raises(NoQuorumError):
        Trust(LOG.verifier, (own,), 1).open(data)
    assert Trust(LOG.verifier, (own,)).vouching(Note.parse(data)) == []


def test_a_key_for_signatures_is_no_witness():
    plain = Verifier(WITNESSES[0].name, SIGNATURE, KEYS[0].public_key())
    data = signed(HEAD.text, note.sign(HEAD.text, plain.name, KEYS[0]))
    assert Note.parse(data).is_signed_by(plain)
    for known in (plain, LOG.verifier):
        with pytest.raises(NoQuorumError):
            Trust(LOG.verifier, (known,), 1).open(data)


def test_a_log_that_only_cosigned_did_not_sign():
    posing = Verifier(ORIGIN, COSIGNATURE, LOG_KEY.public_key())
    data = Note(HEAD.text, (note.cosign(HEAD.text, ORIGIN, LOG_KEY, 7),)).to_bytes()
    for log in (LOG.verifier, posing):
        assert "not signed by the log" in refusal(Trust(log), data).sentence


def test_a_forged_cosignature_spoils_the_checkpoint_even_beyond_the_quorum():
    name, blob = note.cosign(HEAD.text, WITNESSES[1].name, KEYS[1], 7)
    forged = (name, blob[:-1] + bytes([blob[-1] ^ 1]))
    good = note.cosign(HEAD.text, WITNESSES[0].name, KEYS[0], 7)
    error = refusal(Trust(LOG.verifier, WITNESSES, 1), signed(HEAD.text, good, forged))
    assert not isinstance(error, NoQuorumError)
    # To who does not know this witness it is a line like any other.
    assert Trust(LOG.verifier, WITNESSES[:1], 1).open(signed(HEAD.text, good, forged)) == HEAD


def test_a_cosignature_of_another_head_does_not_count():
    older = Checkpoint(ORIGIN, 4, LOG.tree.root(4))
    line = note.cosign(older.text, WITNESSES[0].name, KEYS[0], 7)
    refusal(Trust(LOG.verifier, WITNESSES, 1), signed(HEAD.text, line))


def test_the_checkpoint_of_another_log_is_refused():
    other = MemoryLog(origin="other.example/log")
    other.append(b"leaf")
    assert "not signed by" in refusal(LOG.trust, other.note()).sentence
    # Signed in this log's name and by its key, it still names the other.
    posing = Note(HEAD.text.replace(ORIGIN, other.origin), ()).text
    assert "another log" in refusal(LOG.trust, signed(posing)).sentence
    stranger = MemoryLog(key=KEYS[0])
    assert "not signed by" in refusal(LOG.trust, stranger.note()).sentence


def test_a_signed_text_that_is_no_checkpoint_is_refused():
    assert "not a checkpoint" in refusal(LOG.trust, signed("anything\n")).sentence


@given(st.binary(max_size=400))
def test_other_bytes_only_raise(data):
    refusal(Trust(LOG.verifier, WITNESSES, 1), data)
