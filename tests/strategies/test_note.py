import base64
from contextlib import suppress

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import example, given
from hypothesis import strategies as st

from deskbound_strategies.errors import ConfigError, VerificationError
from deskbound_strategies.note import (
    COSIGNATURE,
    MAX_NOTE_BYTES,
    MAX_SIGNATURES,
    SIGNATURE,
    Note,
    Verifier,
    cosign,
    sign,
)

KEY = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
NAME = "log.example/deskbound"
TEXT = "log.example/deskbound\n3\nlength is not looked at here\n"
LOG = Verifier(NAME, SIGNATURE, KEY.public_key())
WITNESS = Verifier(NAME, COSIGNATURE, KEY.public_key())

# The vector in the documentation of Go's golang.org/x/mod/sumdb/note.
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdn"
    "gotpRZb6KE6RyyBwJnAM=\n"
).encode()


def refused(data: bytes) -> VerificationError:
    with pytest.raises(VerificationError) as caught:
        Note.parse(data)
    return caught.value


def a_note(*lines: tuple[str, bytes], text: str = TEXT) -> Note:
    return Note(text, lines)


def test_the_vector_of_gos_library():
    verifier, note = Verifier.parse(GO_KEY), Note.parse(GO_NOTE)
    assert str(verifier) == GO_KEY
    assert (verifier.name, verifier.kind) == ("PeterNeumann", SIGNATURE)
    assert verifier.key_id.hex() == "c74f20a3"
    assert note.is_signed_by(verifier)
    assert note.to_bytes() == GO_NOTE
    with pytest.raises(VerificationError):
        Note(note.text.replace("don't", "do"), note.signatures).is_signed_by(verifier)


def test_a_signature_says_who_and_a_cosignature_when():
    note = a_note(sign(TEXT, NAME, KEY), cosign(TEXT, NAME, KEY, 1_700_000_000))
    note = Note.parse(note.to_bytes())
    assert note.signed_at(LOG) == 0
    assert note.signed_at(WITNESS) == 1_700_000_000


def test_a_cosignature_is_spelled_as_c2sp_has_it():
    name, blob = cosign(TEXT, NAME, KEY, 1_700_000_000)
    assert name == NAME
    assert blob[:4] == WITNESS.key_id
    assert int.from_bytes(blob[4:12]) == 1_700_000_000
    KEY.public_key().verify(blob[12:], b"cosignature/v1\ntime 1700000000\n" + TEXT.encode())


def test_of_two_cosignatures_the_later_one_says_when():
    lines = [cosign(TEXT, NAME, KEY, time) for time in (5, 9, 7)]
    assert a_note(*lines).signed_at(WITNESS) == 9
    assert a_note().with_signatures(lines).signatures == (lines[2],), "one line a key is kept"


def test_keys_that_nobody_knows_are_passed_over():
    stranger = Ed25519PrivateKey.from_private_bytes(b"\x08" * 32)
    junk = ("someone.example", b"\x00\x01\x02\x03 whatever they use there")
    note = a_note(junk, sign(TEXT, NAME, stranger), sign(TEXT, "other.example", KEY))
    assert not Note.parse(note.to_bytes()).is_signed_by(LOG)
    note = note.with_signatures([sign(TEXT, NAME, KEY)])
    assert Note.parse(note.to_bytes()).is_signed_by(LOG)


def test_a_signature_never_passes_for_a_cosignature_nor_the_other_way_round():
    name, signed = sign(TEXT, NAME, KEY)
    _, cosigned = cosign(TEXT, NAME, KEY, 0)
    assert not a_note((name, signed)).is_signed_by(WITNESS)
    assert not a_note((name, cosigned)).is_signed_by(LOG)
    for blob, verifier in (
        (WITNESS.key_id + signed[4:], WITNESS),
        (WITNESS.key_id + b"\0" * 8 + signed[4:], WITNESS),
        (LOG.key_id + cosigned[4:], LOG),
        (LOG.key_id + cosigned[12:], LOG),
    ):
        with pytest.raises(VerificationError, match="does not fit"):
            a_note((name, blob)).is_signed_by(verifier)


def test_a_text_can_be_made_that_reads_like_a_cosigned_one_and_still_is_no_cosignature():
    posing = f"cosignature/v1\ntime 9\n{TEXT}"
    name, blob = sign(posing, NAME, KEY)
    forged = (name, WITNESS.key_id + (9).to_bytes(8) + blob[4:])
    # The bytes are those of a cosignature: so a key has one sort, and its id says which.
    assert a_note(forged).signed_at(WITNESS) == 9
    assert not a_note((name, blob)).is_signed_by(WITNESS)


@pytest.mark.parametrize("good_first", [True, False])
def test_one_bad_line_of_a_known_key_spoils_the_note(good_first):
    good, bad = sign(TEXT, NAME, KEY), sign(TEXT + "x\n", NAME, KEY)
    lines = (good, bad) if good_first else (bad, good)
    with pytest.raises(VerificationError, match="does not fit"):
        a_note(*lines).is_signed_by(LOG)


def test_another_time_is_another_cosignature():
    name, blob = cosign(TEXT, NAME, KEY, 1_000)
    with pytest.raises(VerificationError):
        a_note((name, blob[:11] + b"\xff" + blob[12:])).is_signed_by(WITNESS)


@pytest.mark.parametrize("length", [0, 1, 63, 65, 71, 73])
def test_ill_sized_signatures_do_not_fit(length):
    for verifier in (LOG, WITNESS):
        with pytest.raises(VerificationError):
            a_note((NAME, verifier.key_id + b"\1" * length)).is_signed_by(verifier)


GOOD = a_note(sign(TEXT, NAME, KEY)).to_bytes()
LINE = GOOD.rsplit(b"\n", 2)[1].decode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"\n\n",
        TEXT.encode(),
        GOOD[:-1],
        GOOD + b"\n",
        GOOD + b"more\n",
        GOOD[len(TEXT) :],
        GOOD.replace(b"\n\n", b"\n"),
        GOOD.replace(b"\n", b"\r\n"),
        GOOD.replace("\u2014".encode(), b"-"),
        GOOD.replace("\u2014 ".encode(), "\u2014  ".encode()),
        GOOD.replace("\u2014 ".encode(), "\u2014".encode()),
        GOOD.replace(b"log.example/deskbound ", b"a+b "),
        GOOD.replace(b"log.example/deskbound ", b""),
        GOOD.replace(b"log.example/deskbound ", "a\u00a0b ".encode()),
        GOOD.replace(b"log.example/deskbound ", "a\u2028b ".encode()),
        GOOD.replace(b"log.example/deskbound ", b"a\tb "),
        GOOD.replace(b"log.example/deskbound ", b"a\x00b "),
        GOOD.replace(b"length", b"le\x00gth"),
        GOOD.replace(b"length", b"le\x1bgth"),
        GOOD.replace(b"length", b"le\xffgth"),
        GOOD.replace(b"length", "le\u202egth".encode()),
        GOOD.replace(b"length", b"le\xed\xa0\x80gth"),
        GOOD.replace(b"=\n", b"\n"),
        GOOD.replace(b"=\n", b"==\n"),
        f"{TEXT}\n\u2014 {NAME} AAAA\n".encode(),
        f"{TEXT}\n\u2014 {NAME} AAAAAB==\n".encode(),
        f"{TEXT}\n\u2014 {NAME} AAAAAAB=\n".encode(),
        f"{TEXT}\n\u2014 {NAME} AAAAA==\n".encode(),
        f"{TEXT}\n\u2014 {'n' * 129} AAAAAAAA\n".encode(),
        f"{TEXT}\n\u2014 {NAME} {'AAAA' * 65}\n".encode(),
        f"{TEXT}\n{LINE} {LINE}\n".encode(),
    ],
)
def test_what_is_no_note_is_refused(data):
    assert "not a signed note" in refused(data).sentence


def test_a_note_is_small():
    most = Note(TEXT, (("a", b"\0" * 5),) * MAX_SIGNATURES)
    assert Note.parse(most.to_bytes()) == most
    refused(Note(TEXT, (("a", b"\0" * 5),) * (MAX_SIGNATURES + 1)).to_bytes())
    pad = MAX_NOTE_BYTES - len(a_note(sign("\n", NAME, KEY), text="\n").to_bytes())
    line = sign("\n", NAME, KEY)
    assert len(a_note(line, text="x" * pad + "\n").to_bytes()) == MAX_NOTE_BYTES
    Note.parse(a_note(line, text="x" * pad + "\n").to_bytes())
    refused(a_note(line, text="x" * (pad + 1) + "\n").to_bytes())


def test_a_text_may_have_blank_lines_and_look_like_a_note():
    inner = a_note(sign(TEXT, NAME, KEY)).to_bytes().decode()
    note = Note.parse(a_note(sign(inner, NAME, KEY), text=inner).to_bytes())
    assert note.text == inner
    assert note.is_signed_by(LOG)
    blank = Note.parse(a_note(sign("a\n\n", NAME, KEY), text="a\n\n").to_bytes())
    assert blank.text == "a\n\n"


PRINTABLE = st.characters(exclude_categories=("C", "Z")) | st.just(" ")
NAMES = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._:/-]{0,40}\Z")


@given(
    st.lists(st.text(PRINTABLE, max_size=20), min_size=1, max_size=5),
    st.lists(st.tuples(NAMES, st.binary(min_size=5, max_size=90)), min_size=1, max_size=5),
)
def test_parsing_gives_back_what_was_written(lines, signatures):
    text = "".join(f"{line}\n" for line in lines)
    if text == "\n":
        return  # nothing is said, so nothing can be signed
    note = Note(text, tuple(signatures))
    assert Note.parse(note.to_bytes()) == note


@given(st.binary(max_size=300) | st.builds(lambda tail: TEXT.encode() + b"\n" + tail, st.binary()))
@example(GOOD)
def test_other_bytes_only_raise_and_what_parses_has_one_spelling(data):
    try:
        note = Note.parse(data)
    except VerificationError:
        return
    assert note.to_bytes() == data


@pytest.mark.parametrize("flip", [0x01, 0x10, 0x20, 0x80])
def test_no_changed_byte_leaves_a_signed_note(flip):
    for position in range(len(GOOD)):
        changed = bytearray(GOOD)
        changed[position] ^= flip
        with suppress(VerificationError):
            assert not Note.parse(bytes(changed)).is_signed_by(LOG)


@given(NAMES, st.sampled_from([SIGNATURE, COSIGNATURE]), st.binary(min_size=32, max_size=32))
def test_keys_come_back_as_they_were_written(name, kind, seed):
    key = Ed25519PrivateKey.from_private_bytes(seed).public_key()
    verifier = Verifier(name, kind, key)
    again = Verifier.parse(str(verifier))
    assert str(again) == str(verifier)
    assert (again.name, again.kind, again.key_id) == (name, kind, verifier.key_id)


def with_raw(raw: bytes, name: str = NAME, keyid: str = "00000000") -> str:
    return f"{name}+{keyid}+{base64.b64encode(raw).decode()}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "+",
        "++",
        NAME,
        GO_KEY[:-1],
        GO_KEY + "\n",
        " " + GO_KEY,
        GO_KEY.replace("c74f20a3", "C74F20A3"),
        GO_KEY.replace("c74f20a3", "c74f20a4"),
        GO_KEY.replace("Peter", "Pet er"),
        GO_KEY.replace("Peter", "P\u00e9ter"),
        GO_KEY.replace("PeterNeumann", "n" * 129),
        with_raw(b""),
        with_raw(b"\x01"),
        with_raw(b"\x01" + b"k" * 31),
        with_raw(b"\x01" + b"k" * 33),
        with_raw(b"\x02" + KEY.public_key().public_bytes_raw()),
        str(Verifier("a\nb", SIGNATURE, KEY.public_key())),
        str(Verifier(NAME, 2, KEY.public_key())),
        str(Verifier(NAME, 0x06, KEY.public_key())),
    ],
)
def test_what_is_no_key_is_refused(text):
    with pytest.raises(ConfigError):
        Verifier.parse(text)


@given(st.text(max_size=80) | st.builds(with_raw, st.binary(max_size=40)))
def test_other_text_is_no_key_and_nothing_worse(text):
    with pytest.raises(ConfigError):
        Verifier.parse(text)
