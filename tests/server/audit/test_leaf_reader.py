"""Leaves read on all cores say what they say when read one by one."""

import pytest

from deskbound_audit import leaf_reader as module
from deskbound_audit.leaf_reader import BATCH, BATCH_BYTES, SMALL_BYTES, leaf_reader
from deskbound_audit.log import verify_log
from deskbound_strategies.errors import VerificationError
from deskbound_strategies.log_entries import Receipt, receipt_leaf
from deskbound_strategies.log_export import read_leaves, verify_export
from tests.helpers.agreement import a_contract, signing_key
from tests.helpers.log import History, Pen, a_manifest, witness

KEY = signing_key()
PUBLIC = KEY.public_key()


@pytest.fixture(scope="module")
def log() -> History:
    """More leaves than two batches hold."""
    history = History(KEY, laptops=2 * BATCH + 7)
    history.round(a_contract(), "ab" * 32)
    return history


@pytest.fixture(scope="module")
def reader():
    with leaf_reader(SMALL_BYTES) as lent:
        yield lent


def test_a_small_log_is_read_in_this_process():
    with leaf_reader(SMALL_BYTES - 1) as lent:
        assert lent.func is read_leaves


def test_a_large_log_is_read_alike_and_in_order(log, reader):
    assert list(reader(log.leaves, PUBLIC)) == list(read_leaves(log.leaves, PUBLIC))


def test_a_large_log_verifies(log, reader):
    found = verify_export(log.export(), log.trust, reader=reader)
    assert found.head.size == len(log.leaves)
    assert found.rules.anchors.digest() == log.anchors.digest()


@pytest.mark.parametrize("at", [0, BATCH - 1, BATCH, 2 * BATCH + 3])
def test_the_bad_leaf_is_named_wherever_it_lies(log, reader, at):
    leaves = [*log.leaves[:at], b'{"weather":"fine"}', *log.leaves[at:]]
    export = log.export()
    lines = export.splitlines(keepends=True)
    data = b"".join([lines[0], *(leaf + b"\n" for leaf in leaves), lines[-1]])
    with pytest.raises(VerificationError) as caught:
        verify_export(data, log.trust, reader=reader)
    assert caught.value.sentence == f"Leaf {at}: The log holds a leaf that is malformed."
    assert caught.value.mend, "what to do about it has come across, too"


def test_receipts_may_be_left_to_those_who_checked_them(log):
    forged = Receipt.open(log.pens[0].receipt("ab" * 32)).signed(log.pens[1].key)
    leaves = [*log.leaves[:BATCH], receipt_leaf(forged)]
    for size in (0, SMALL_BYTES):
        with leaf_reader(size, every_signature=False) as lent:
            *_, last = lent(leaves, PUBLIC)
        assert last == Receipt.open(forged, check=False)
        with leaf_reader(size) as lent:
            *_, last = lent(leaves, PUBLIC)
        assert isinstance(last, VerificationError)


def forged_log(*cosigners) -> bytes:
    """A log that says a laptop released what it never did."""
    history = History(KEY, laptops=1)
    contract = history.ask(a_contract())
    honest = Receipt.open(history.pens[0].receipt(contract.digest()))
    history.append(receipt_leaf(honest.signed(Pen(9).key)))
    return history.export(*cosigners)


def test_receipts_are_left_only_to_a_quorum(tmp_path):
    key, known = witness(0)
    path = tmp_path / "log"
    for cosigned in (forged_log(), forged_log(key)):
        path.write_bytes(cosigned)
        for options in ({}, {"every_signature": False}, {"quorum": 1}):
            assert not verify_log(path, witnesses=(known,), **options).accepted
    # A witness that cosigned without looking is what a quorum is relied on not to be.
    verdict = verify_log(path, witnesses=(known,), quorum=1, every_signature=False)
    assert verdict.accepted
    assert verdict.cosigned_by == (known.name,)
    path.write_bytes(forged_log())
    assert not verify_log(path, witnesses=(known,), quorum=1, every_signature=False).accepted


def test_no_leaves_are_no_entries(reader):
    assert list(reader([], PUBLIC)) == []


def test_large_leaves_go_out_a_few_at_a_time():
    large = b"x" * (BATCH_BYTES // 2)
    sizes = [len(batch) for batch in module._batches([b"y", *[large] * 5, *[b"y"] * (BATCH + 1)])]
    assert sizes == [3, 2, BATCH, 2]


def test_releases_are_read_on_all_cores_alike(reader):
    history = History(KEY)
    for number in range(3):
        history.review(a_manifest(f"0.1.{number}", files=4_000))
    assert list(reader(history.leaves, PUBLIC)) == list(read_leaves(history.leaves, PUBLIC))
