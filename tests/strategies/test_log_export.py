"""A log as one file: whole it verifies; with any byte changed, added or missing it does not."""

import io
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbound_strategies.canonical import canonical_bytes, parse_canonical
from deskbound_strategies.checkpoint import Checkpoint, NoQuorumError, Trust
from deskbound_strategies.errors import VerificationError
from deskbound_strategies.log_entries import MAX_LEAF_BYTES, MAX_RELEASE_LEAF_BYTES
from deskbound_strategies.log_export import export, is_log_export, verify_export
from deskbound_strategies.merkle import Frontier
from deskbound_strategies.note import COSIGNATURE, Verifier
from tests.helpers.agreement import a_contract, signing_key
from tests.helpers.log import LOG_KEY, History, MemoryLog, witness

KEY = signing_key()
TERMS = a_contract(minimum_cohort=1)
WITNESS_KEY, WITNESS = witness(0)


def a_history(rounds: int = 2, laptops: int = 2, **of_the_log) -> History:
    history = History(KEY, laptops, **of_the_log)
    for number in range(1, rounds + 1):
        terms = replace(TERMS, round=number, model_hash=f"{number:064x}")
        history.round(terms, f"{number + 1:064x}")
    return history


LOG = a_history()
WHOLE = LOG.export(WITNESS_KEY)
LINES = WHOLE.splitlines(keepends=True)
SMALL_LOG = a_history(rounds=1, laptops=1)
SMALL = SMALL_LOG.export(WITNESS_KEY)
TRUST = Trust(LOG.verifier, (WITNESS,), 1)


def rejected(data: bytes, trust: Trust | None = TRUST) -> str:
    with pytest.raises(VerificationError) as caught:
        verify_export(data, trust)
    return caught.value.sentence


def test_a_whole_log_verifies():
    seen: list[int] = []
    for trust in (None, LOG.trust, TRUST):
        found = verify_export(WHOLE, trust, progress=seen.append)
        assert (found.head.size, found.head.root) == (8, LOG.tree.root())
        assert str(found.log) == str(LOG.verifier)
        assert found.note.is_signed_by(WITNESS)
        assert len(found.rules.contracts) == len(found.rules.released) == 2
        assert found.rules.anchors.digest() == LOG.anchors.digest()
    assert seen == []


def test_a_log_is_read_from_an_open_file_alike(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(WHOLE)
    with path.open("rb") as stream:
        assert verify_export(stream, TRUST).head == verify_export(WHOLE).head


def test_an_empty_log_verifies():
    empty = History(KEY)
    assert verify_export(empty.export(), empty.trust).head.size == 0


def test_progress_is_told_every_thousand_leaves():
    log = History(KEY, laptops=1500)
    contract = log.ask(TERMS)
    for pen in log.pens:
        log.answer(contract, pen)
    seen: list[int] = []
    verify_export(log.export(), log.trust, progress=seen.append)
    assert seen == [1000]


@pytest.mark.parametrize("flip", [0x01, 0x02, 0x20, 0x80])
def test_every_changed_byte_is_found(flip):
    for position in range(len(SMALL)):
        changed = bytearray(SMALL)
        changed[position] ^= flip
        rejected(bytes(changed))


def test_every_cut_is_found():
    for length in range(len(SMALL)):
        rejected(SMALL[:length])


@given(st.integers(0, len(SMALL)), st.binary(min_size=1, max_size=4))
def test_added_bytes_are_found(position, extra):
    rejected(SMALL[:position] + extra + SMALL[position:])


def test_lines_removed_repeated_and_moved_are_found():
    for index in range(len(LINES)):
        rejected(b"".join(LINES[:index] + LINES[index + 1 :]))
        rejected(b"".join(LINES[: index + 1] + LINES[index:]))
        for other in range(index):
            swapped = list(LINES)
            swapped[index], swapped[other] = swapped[other], swapped[index]
            rejected(b"".join(swapped))


def test_what_was_cut_off_at_the_end_is_missed():
    shorter = a_history(rounds=1)
    assert shorter.leaves == LOG.leaves[:4]
    assert "not those that the head" in rejected(b"".join([*LINES[:5], LINES[-1]]))
    head = shorter.export(WITNESS_KEY).splitlines(keepends=True)[-1]
    assert "not those that the head" in rejected(b"".join([*LINES[:-1], head]))
    # With its own head, the older log is a log; that it is older, a witness's copy shows.
    assert verify_export(b"".join([*LINES[:5], head]), TRUST).head.size == 4


@pytest.mark.parametrize("size", [0, 7, 9])
def test_a_head_that_lies_about_the_size_is_found(size):
    lie = Checkpoint(LOG.origin, size, LOG.tree.root()).signed(LOG_KEY).to_bytes()
    data = b"".join(export(LOG.leaves, LOG.verifier, KEY.public_key(), lie))
    assert "not those that the head" in rejected(data, LOG.trust)


def test_a_signed_log_that_breaks_a_rule_is_refused_by_the_leafs_number():
    log = a_history()
    log.append(log.leaves[0])
    assert rejected(log.export(WITNESS_KEY)) == "Leaf 8: a contract is there twice."


def test_a_leaf_that_cannot_be_read_is_named():
    log = a_history()
    log.append(b'{"weather":"fine"}')
    assert rejected(log.export(WITNESS_KEY)).startswith("Leaf 8: ")


def test_foreign_keys_are_refused():
    stranger = a_history(key=WITNESS_KEY)
    assert "not the one that was expected" in rejected(stranger.export())
    renamed = a_history(origin="other.example/log")
    assert "not the one that was expected" in rejected(renamed.export())
    assert verify_export(stranger.export()).head.size == 8, "whole it is, though"
    header = LINES[0].replace(str(LOG.verifier).encode(), str(stranger.verifier).encode())
    data = b"".join([header, *LINES[1:]])
    assert "not signed by the log" in rejected(data, None)
    other = signing_key(2).public_key()
    head = LOG.note(WITNESS_KEY)
    assert "Leaf 0" in rejected(b"".join(export(LOG.leaves, LOG.verifier, other, head)))
    cosigning = Verifier(LOG.origin, COSIGNATURE, LOG_KEY.public_key())
    data = b"".join(export(LOG.leaves, cosigning, KEY.public_key(), head))
    assert "Line 1" in rejected(data, None)


def test_witnesses_that_were_asked_for_must_be_there():
    with pytest.raises(NoQuorumError):
        verify_export(LOG.export(), TRUST)
    with pytest.raises(NoQuorumError):
        verify_export(WHOLE, Trust(LOG.verifier, (witness(1)[1],), 1))


HEADER = parse_canonical(LINES[0][:-1])


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"{}",
        b"null",
        b"[1]",
        b"\xff",
        b"[" * MAX_LEAF_BYTES,
        *(
            canonical_bytes(HEADER | change)
            for change in (
                {"more": 1},
                {"format": "deskbound-log/2"},
                {"log": 5},
                {"log": "x"},
                {"contract_key": None},
                {"contract_key": HEADER["contract_key"].upper()},
                {"contract_key": HEADER["contract_key"] + " "},
                {"contract_key": HEADER["contract_key"][:-2]},
            )
        ),
    ],
)
def test_another_first_line_is_refused(header):
    empty = History(KEY)
    tail = canonical_bytes({"checkpoint": empty.note().decode()})
    assert rejected(b"\n".join([header, tail, b""]), None)[:6] in {"Line 1", "This i"}


@pytest.mark.parametrize(
    "tail",
    [
        b'{"checkpoint":null}',
        b'{"checkpoint":""}',
        b'{"checkpoint":{}}',
        b'{"checkpoint":"a","more":1}',
        b'{"checkpoint":"\\ud800"}',
        b'{"checkpoint":',
        LINES[-1][:-2] + b',"more":1}',
        LINES[-1][:-1] + b" ",
        LINES[-1][:-1] + b"\n{}",
        b"",
    ],
)
def test_another_last_line_is_refused(tail):
    rejected(b"".join([*LINES[:-1], tail, b"\n"]), None)


class Counting(io.BytesIO):
    """A file that remembers the most that was asked of it at once."""

    most = 0

    def readline(self, size=-1, /):
        assert size > 0, "a line without end would fill the memory"
        self.most = max(self.most, size)
        return super().readline(size)

    def read(self, size=-1, /):
        raise AssertionError("the whole file is never read at once")


def test_no_line_is_read_that_is_longer_than_a_leaf():
    stream = Counting(LINES[0] + b"x" * (10 * MAX_RELEASE_LEAF_BYTES) + b"\n" + LINES[-1])
    with pytest.raises(VerificationError, match="not a whole log"):
        verify_export(stream)
    assert stream.most <= MAX_RELEASE_LEAF_BYTES + 1
    assert stream.tell() <= len(LINES[0]) + MAX_RELEASE_LEAF_BYTES + 1


def test_newlines_alone_are_refused_at_the_first():
    stream = Counting(LINES[0] + b"\n" * 1_000_000)
    with pytest.raises(VerificationError, match="Leaf 0"):
        verify_export(stream)
    assert stream.tell() < 1_000


def test_a_file_says_what_it_is():
    assert is_log_export(WHOLE)
    for other in (b"", LINES[1], b'{"contract_key":"00"}', b"\n" + WHOLE):
        assert not is_log_export(other)


@given(st.binary(max_size=300), st.booleans())
def test_other_bytes_only_raise(noise, dressed):
    rejected((LINES[0] if dressed else b"") + noise, None)


def test_the_root_is_that_of_the_leaves_as_they_lie_there():
    tree = Frontier()
    for leaf in LINES[1:-1]:
        tree.append(leaf[:-1])
    assert tree.root() == verify_export(WHOLE).head.root == LOG.tree.root()


def test_an_export_is_written_as_it_is_documented():
    log = MemoryLog()
    lines = list(export([b"{}"], log.verifier, KEY.public_key(), log.note()))
    assert parse_canonical(lines[0][:-1]) == {
        "format": "deskbound-log/1",
        "log": str(log.verifier),
        "contract_key": KEY.public_key().public_bytes_raw().hex(),
    }
    assert lines[1] == b"{}\n"
    assert parse_canonical(lines[2][:-1]) == {"checkpoint": log.note().decode()}
