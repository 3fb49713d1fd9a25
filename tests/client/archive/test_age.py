"""The age format, held against the independent implementation in pyrage, both ways."""

import io

import pyrage
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deskbound_client.archive import age
from deskbound_client.archive.age import CHUNK, AgeReader, AgeWriter
from deskbound_strategies.errors import ConfigError, VerificationError, WrongPassphraseError

SECRET = "four unrelated plain words"
SIZES = (0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 7)


def data_of(size: int) -> bytes:
    return bytes(i * 7 % 251 for i in range(min(size, 4096))) * (size // 4096 + 1)


@pytest.fixture(autouse=True)
def light_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(age, "WORK_FACTOR", 10)


def sealed(plain: bytes, step: int = 100_000) -> bytes:
    out = io.BytesIO()
    writer = AgeWriter(out, SECRET)
    for start in range(0, len(plain), step):
        writer.write(plain[start : start + step])
    writer.finish()
    return out.getvalue()


@pytest.mark.parametrize("size", SIZES)
def test_pyrage_opens_what_we_wrote(size: int) -> None:
    plain = data_of(size)[:size]
    assert pyrage.passphrase.decrypt(sealed(plain), SECRET) == plain


@pytest.mark.parametrize("size", [0, 3 * CHUNK])  # a last chunk that is empty, and a full one
def test_we_open_what_pyrage_wrote(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(age, "MOST_WORK", 22)  # pyrage picks what takes a second on this machine
    plain = data_of(size)[:size]
    source = io.BytesIO(pyrage.passphrase.encrypt(plain, SECRET))
    assert io.BufferedReader(AgeReader(source, SECRET)).read() == plain


def test_the_work_factor_is_that_of_the_age_tool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert sealed(b"x").splitlines()[1].endswith(b" 18")


def test_a_decomposed_passphrase_is_the_same_one() -> None:
    out = io.BytesIO()
    writer = AgeWriter(out, "zwo\u0308lf Boxka\u0308mpfer")
    writer.write(b"text")
    writer.finish()
    assert pyrage.passphrase.decrypt(out.getvalue(), "zw\u00f6lf Boxk\u00e4mpfer") == b"text"


@settings(max_examples=30, deadline=None)
@given(jumps=st.lists(st.tuples(st.integers(0, 3 * CHUNK + 100), st.integers(0, 200))))
def test_a_reader_jumps_anywhere(jumps: list[tuple[int, int]]) -> None:
    plain = data_of(3 * CHUNK)[: 3 * CHUNK]
    reader = io.BufferedReader(AgeReader(io.BytesIO(sealed(plain)), SECRET))
    for start, length in jumps:
        reader.seek(start)
        assert reader.read(length) == plain[start : start + length]


def test_a_wrong_passphrase_is_told_apart_from_damage() -> None:
    with pytest.raises(WrongPassphraseError):
        AgeReader(io.BytesIO(sealed(b"x")), "another passphrase")


@pytest.mark.parametrize("cut", [1, 16, 17, CHUNK, CHUNK + 16, CHUNK + 17, 2 * (CHUNK + 16)])
def test_a_file_that_was_cut_short_is_refused_before_anything_is_read(cut: int) -> None:
    whole = sealed(data_of(3 * CHUNK)[: 3 * CHUNK])
    with pytest.raises(VerificationError):
        AgeReader(io.BytesIO(whole[:-cut]), SECRET)


def test_an_empty_chunk_after_the_last_is_refused() -> None:
    out = io.BytesIO()
    writer = AgeWriter(out, SECRET)
    writer._emit(bytes(CHUNK), last=False)
    writer.finish()
    with pytest.raises(VerificationError):
        AgeReader(io.BytesIO(out.getvalue()), SECRET)


def test_added_bytes_are_refused() -> None:
    with pytest.raises(VerificationError):
        AgeReader(io.BytesIO(sealed(b"text") + b"x"), SECRET)


def test_every_changed_byte_is_an_error() -> None:
    whole = sealed(b"some text")
    for index in range(len(whole)):
        changed = bytearray(whole)
        changed[index] ^= 1
        with pytest.raises((VerificationError, WrongPassphraseError)):
            AgeReader(io.BytesIO(bytes(changed)), SECRET)


def test_a_chunk_in_the_wrong_place_is_an_error() -> None:
    whole = bytearray(sealed(data_of(3 * CHUNK)[: 3 * CHUNK]))
    start = len(whole) - 3 * (CHUNK + 16)
    first, second = slice(start, start + CHUNK + 16), slice(start + CHUNK + 16, -(CHUNK + 16))
    whole[first], whole[second] = whole[second], whole[first]
    reader = AgeReader(io.BytesIO(bytes(whole)), SECRET)
    with pytest.raises(VerificationError):
        reader.read(10)


def test_a_file_that_asks_for_too_much_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = sealed(b"x").replace(b" 10\n", b" 21\n", 1)
    monkeypatch.setattr(age, "Scrypt", None)  # nothing is derived
    with pytest.raises(VerificationError, match="more memory"):
        AgeReader(io.BytesIO(whole), SECRET)


def test_another_kind_of_recipient_is_not_taken_for_a_passphrase() -> None:
    public = pyrage.x25519.Identity.generate().to_public()
    with pytest.raises(VerificationError, match="one passphrase"):
        AgeReader(io.BytesIO(pyrage.encrypt(b"x", [public])), SECRET)


def test_a_short_passphrase_is_refused_before_anything_is_written() -> None:
    out = io.BytesIO()
    with pytest.raises(ConfigError):
        AgeWriter(out, "short")
    assert out.getvalue() == b""
