"""Replies after their round was closed: the receipt is logged, whatever a laptop tries with it."""

import pytest
from flwr.app import Error, Message

from deskbound_server.late import LateReceipts
from deskbound_server.receipts import Receipts
from deskbound_strategies.errors import RefusalCode
from deskbound_strategies.log_entries import receipt_leaf
from deskbound_strategies.log_rules import LogRules
from deskbound_strategies.wire import refusal_content, reply_content
from tests.helpers.agreement import a_contract, signing_key
from tests.helpers.fake_grid import FakeClock, FakeGrid, FakeNode
from tests.helpers.log import History

KEY = signing_key()


class Bench:
    """Two laptops that answer a closed round whenever the test lets time pass."""

    def __init__(self):
        self.history = History(KEY, laptops=2)
        self.rules = LogRules(KEY.public_key())
        self.clock = FakeClock()
        self.grid = FakeGrid(self.clock, {})
        self.late = LateReceipts()
        self.anchors = {node: pen.anchor for node, pen in enumerate(self.history.pens, 1)}

    def ask(self, number=1):
        contract = self.history.ask(a_contract(run=f"{number:032x}"))
        self.catch_up()
        return contract.digest()

    def catch_up(self):
        for leaf in self.history.leaves[self.rules.size :]:
            self.rules.add(leaf)

    def send(self, digest, answers, *, seconds=5.0, **traits):
        """Send to each laptop; nothing comes before the round is closed."""
        outstanding = {}
        for node, answer in answers.items():
            self.grid.nodes[node] = FakeNode(lambda _, answer=answer: answer, seconds, **traits)
            message = Message(refusal_content(RefusalCode.INTERNAL), node, "train")
            (message_id,) = self.grid.push_messages([message])
            outstanding[message_id] = node
        self.late.add(outstanding, Receipts(digest, self.anchors, {}))

    def answer(self, node, digest, *, count=None):
        receipt = self.history.pens[node - 1].receipt(digest, count=count)
        return reply_content(digest, "0.1.0", b"update", receipt)

    def leaves(self, after=10.0):
        self.clock.wait(after)
        self.late.collect(self.grid)
        return self.late.leaves(self.rules)


@pytest.fixture
def bench():
    return Bench()


def test_what_comes_late_is_logged_once(bench):
    digest = bench.ask()
    bench.send(digest, {1: bench.answer(1, digest), 2: bench.answer(2, digest)})
    assert bench.leaves(after=0.0) == []
    leaves = bench.leaves()
    for leaf in leaves:
        bench.rules.add(leaf)
    assert bench.rules.receipts[digest] == set(bench.anchors.values())
    assert bench.leaves() == []


def test_refusals_errors_and_rubbish_leave_nothing(bench):
    digest = bench.ask()
    bench.send(digest, {1: refusal_content(RefusalCode.CLIP_TOO_HIGH), 2: ValueError("a bomb")})
    assert bench.leaves() == []
    bench.send(digest, {1: Error(1, "words"), 2: bench.answer(1, digest)})
    assert bench.leaves() == [], "signed by another laptop"
    bench.send(digest, {1: bench.answer(1, digest)}, claims_to_be=2)
    assert bench.leaves() == [], "from another laptop than was asked"


def test_a_laptop_that_answers_twice_is_logged_once(bench):
    """Else the log would break its own rules, and nobody would follow it any more."""
    digest = bench.ask()
    bench.send(digest, {1: bench.answer(1, digest)}, copies=2)
    bench.send(digest, {1: bench.answer(1, digest, count=7)})
    (leaf,) = bench.leaves()
    bench.rules.add(leaf)


def test_one_count_for_two_rounds_is_logged_once(bench):
    first, second = bench.ask(1), bench.ask(2)
    bench.send(first, {1: bench.answer(1, first, count=4)})
    bench.send(second, {1: bench.answer(1, second, count=4)})
    (leaf,) = bench.leaves()
    bench.rules.add(leaf)


def test_what_was_logged_meanwhile_is_not_logged_again(bench):
    digest = bench.ask()
    answer = bench.answer(1, digest, count=1)
    bench.send(digest, {1: answer})
    bench.rules.add(receipt_leaf(bench.history.pens[0].receipt(digest, count=1)))
    assert bench.leaves() == []


def test_receipts_of_several_closed_rounds_come_in_any_order(bench):
    digests = [bench.ask(number) for number in (1, 2, 3)]
    for digest, count, seconds in zip(digests, (1, 2, 3), (30.0, 20.0, 10.0), strict=True):
        bench.send(digest, {1: bench.answer(1, digest, count=count)}, seconds=seconds)
    for _ in digests:
        (leaf,) = bench.leaves()
        bench.rules.add(leaf)
    assert bench.rules.anchors.get(bench.anchors[1]).count == 3
    assert all(bench.rules.receipts[digest] for digest in digests)
