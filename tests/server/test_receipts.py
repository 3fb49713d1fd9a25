"""Which receipts a round takes: a laptop's own, for this contract, counting on, and once."""

from dataclasses import replace

import pytest

from deskbound_server.receipts import Receipts
from deskbound_strategies.log_entries import Receipt, receipt_leaf
from deskbound_strategies.log_rules import LogRules
from deskbound_strategies.wire import Reply
from tests.helpers.agreement import a_contract, signing_key
from tests.helpers.log import History, Pen

KEY = signing_key()


def reply(contract: str, receipt: bytes) -> Reply:
    return Reply(contract, "0.1.0", b"update", receipt)


@pytest.fixture
def history():
    return History(KEY, laptops=2)


@pytest.fixture
def rules(history):
    made = LogRules(KEY.public_key())
    history.contract = history.ask(a_contract())
    made.add(history.leaves[0])
    return made


@pytest.fixture
def receipts(history, rules):
    anchors = {node: pen.anchor for node, pen in enumerate(history.pens)}
    return Receipts(history.contract.digest(), anchors, {history.pens[0].anchor: 3})


def test_a_receipt_that_counts_on_is_taken_and_logged(history, rules, receipts):
    first, second = history.pens
    assert receipts.take(1, reply(receipts.contract, second.receipt(receipts.contract)))
    assert receipts.take(0, reply(receipts.contract, first.receipt(receipts.contract, count=4)))
    leaves = receipts.leaves(rules)
    assert len(leaves) == 2
    for leaf in leaves:
        rules.add(leaf)
    assert rules.anchors.get(first.anchor).count == 4
    anchors = [Receipt.open(receipts.taken[one]).anchor.anchor for one in sorted(receipts.taken)]
    assert anchors == sorted(anchors), "the order tells nothing of who was first"


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_receipt_of_an_older_copy_is_not_taken(history, receipts, count):
    receipt = history.pens[0].receipt(receipts.contract, count=count)
    assert not receipts.take(0, reply(receipts.contract, receipt))
    assert receipts.taken == {}


def test_a_receipt_for_something_else_is_not_taken(history, receipts):
    pen, other = history.pens[1], a_contract(round=9).digest()
    assert not receipts.take(1, reply(receipts.contract, pen.receipt(other)))
    assert not receipts.take(1, reply(other, pen.receipt(other)))
    assert not receipts.take(1, reply(other, pen.receipt(receipts.contract)))


def test_one_laptop_cannot_sign_for_another_nor_a_stranger_for_anybody(history, receipts):
    mine = history.pens[1].receipt(receipts.contract)
    assert not receipts.take(0, reply(receipts.contract, mine)), "another laptop's"
    assert not receipts.take(5, reply(receipts.contract, mine)), "a laptop without an anchor"
    stranger = Pen(99).receipt(receipts.contract)
    assert not receipts.take(1, reply(receipts.contract, stranger))


@pytest.mark.parametrize("spoil", [
    lambda receipt: b"", lambda receipt: receipt[:-1], lambda receipt: receipt + b" ",
    lambda receipt: receipt.replace(b'"sig":"', b'"sig":"A'), lambda receipt: b"\xff" * 5000,
])  # fmt: skip
def test_what_is_no_receipt_is_not_taken(history, receipts, spoil):
    receipt = spoil(history.pens[1].receipt(receipts.contract))
    assert not receipts.take(1, reply(receipts.contract, receipt))


def test_a_forged_receipt_is_not_taken(history, receipts):
    pen = history.pens[1]
    honest = Receipt.open(pen.receipt(receipts.contract))
    forged = replace(honest, count=9).signed(Pen(7).key)
    assert not receipts.take(1, reply(receipts.contract, forged))


def test_a_second_receipt_of_a_laptop_does_not_take_the_first_ones_place(history, receipts):
    pen = history.pens[1]
    first, second = (pen.receipt(receipts.contract) for _ in range(2))
    receipts.take(1, reply(receipts.contract, first))
    receipts.take(1, reply(receipts.contract, second))
    assert receipts.taken == {pen.anchor: first}


def test_what_another_run_logged_meanwhile_is_left_out(history, rules, receipts):
    """Two runs were answered with one count, as only a laptop that is two can."""
    pen = history.pens[1]
    assert receipts.take(1, reply(receipts.contract, pen.receipt(receipts.contract, count=1)))
    other = history.ask(a_contract(run="cd" * 16))
    rules.add(history.leaves[-1])
    rules.add(receipt_leaf(pen.receipt(other.digest(), count=1)))
    assert receipts.leaves(rules) == []
