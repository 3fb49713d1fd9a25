"""An order and laptops that come, go, refuse, lie or say nothing; only the database is real."""

from contextlib import closing

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flwr.app import Error, RecordDict

from deskbound_server import releases, stop_orders
from deskbound_server.database import Database
from deskbound_server.delivery import (
    ASK_AGAIN_SECONDS,
    IDLE_SECONDS,
    TTL_SECONDS,
    UNHEARD_SECONDS,
    Delivery,
)
from deskbound_server.log import Log
from deskbound_strategies import stop_proof, wire
from deskbound_strategies.checkpoint import Checkpoint, Trust
from deskbound_strategies.dp_fedavg import Clock
from deskbound_strategies.errors import RefusalCode
from deskbound_strategies.note import SIGNATURE, Note, Verifier, cosign
from deskbound_strategies.stop_order import StopReason, open_order
from tests.helpers.fake_grid import FakeClock, FakeGrid, FakeNode
from tests.helpers.log import REVIEWER_HEX, Pen, a_manifest, witness

KEY, LOG_KEY = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
LOG = Verifier("log.example/1", SIGNATURE, LOG_KEY.public_key())
ALWAYS_AWAY = ((0.0, 1e12),)


class Bench:
    """A server with an order, and laptops that check what they are sent as real ones do."""

    def __init__(self, folder, **nodes):
        self.database = Database.open(folder / "deskbound.db")
        self.log = Log(self.database, LOG, LOG_KEY, KEY.public_key(), folder / "log.lock")
        self.clock, self.heads, self.asked = FakeClock(), {}, []
        self.trust, self.witnesses = Trust(LOG), []
        self.grid = FakeGrid(self.clock, {})
        self.folder, self.recalls = folder, []
        self.recall = lambda: self.recalls.append(self.clock.now())

    def enroll(self, node, made=None):
        self.database.add_laptop(node, f"{node:064x}", "", Pen(node).anchor)
        self.grid.nodes[node] = made or FakeNode(self.obey)

    def stop(self, reason=StopReason.FAULT):
        order, _ = stop_orders.issue(self.log, self.database, KEY, reason, self.clock.now())
        return order

    def obey(self, message):
        """Answer as a laptop does, after checking the proof against the heads it saw."""
        request = wire.parse_stop(message.content)
        order = open_order(request.envelope, KEY.public_key())
        proven = stop_proof.verify(request.proof, request.envelope, self.trust)
        seen = self.heads.setdefault(message.metadata.dst_node_id, [])
        assert all(proven.extends(head) for head in seen)
        seen.append(proven.checkpoint)
        self.asked.append((message.metadata.dst_node_id, self.clock.now()))
        return wire.stopped_content(order.digest())

    def deliver(self):
        clock = Clock(self.clock.now, self.clock.wait)
        log = Log(self.database, LOG, LOG_KEY, KEY.public_key(), self.folder / "log.lock")
        Delivery(self.database, log, self.witnesses, self.grid, clock, self.recall).run()
        return stop_orders.latest(self.database)


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path)
    with closing(made.database):
        yield made


def test_all_that_are_connected_are_reached_once_and_then_it_ends(bench):
    for node in (1, 2, 3):
        bench.enroll(node)
    bench.stop()
    found = bench.deliver()
    assert (found.reached, found.waiting) == (3, frozenset())
    assert sorted(node for node, _ in bench.asked) == [1, 2, 3]
    assert bench.clock.now() < 1_000 + 5


def test_nobody_is_asked_without_an_order(bench):
    bench.enroll(1)
    bench.deliver()
    assert bench.grid.sent == []


def test_who_is_away_is_waited_for_a_while_and_reached_when_it_is_back(bench):
    bench.enroll(1)
    bench.enroll(2, FakeNode(bench.obey, away=((0.0, 1_000 + IDLE_SECONDS / 2),)))
    bench.enroll(3, FakeNode(bench.obey, away=ALWAYS_AWAY))
    bench.stop()
    assert bench.deliver().waiting == {3}
    assert bench.clock.now() < 1_000 + 2 * IDLE_SECONDS
    bench.grid.nodes[3].away = ()
    assert bench.deliver().waiting == frozenset()
    assert [node for node, _ in bench.asked] == [1, 2, 3]


def test_who_joined_after_the_order_is_not_stopped_by_it(bench):
    bench.enroll(1)
    bench.stop()
    bench.enroll(2)
    bench.deliver()
    assert [node for node, _ in bench.asked] == [1]


def test_who_refuses_is_asked_again_later_and_counted_by_code(bench):
    codes = [RefusalCode.WITNESS_QUORUM, RefusalCode.LOG_PROOF]

    def unsure(message):
        return wire.refusal_content(codes.pop(0)) if codes else bench.obey(message)

    bench.enroll(1, FakeNode(unsure))
    bench.stop()
    found = bench.deliver()
    assert found.refused == {"witness-quorum": 1, "log-proof": 1}
    assert found.reached == 1
    assert bench.clock.now() >= 1_000 + 2 * ASK_AGAIN_SECONDS


@pytest.mark.parametrize(
    "lie",
    [
        lambda _: wire.stopped_content("ab" * 32),
        lambda _: wire.reply_content("ab" * 32, "0.1.0", b"", b""),
        lambda _: RecordDict({}),
        lambda _: ValueError("what Flower raises where a reply cannot be inflated"),
    ],
)
def test_an_answer_that_is_none_counts_as_not_reached(bench, lie):
    lies = [lie]

    def answer(message):
        return lies.pop()(message) if lies else bench.obey(message)

    bench.enroll(1, FakeNode(answer))
    bench.stop()
    found = bench.deliver()
    assert found.refused == {"malformed": 1}
    assert found.reached == 1


def test_nobody_answers_for_another(bench):
    bench.enroll(1)
    bench.enroll(2, FakeNode(bench.obey, claims_to_be=1))
    bench.stop()
    bench.grid.nodes[2].away = ((1_010.0, 1e12),)  # else it would be asked for ever
    found = bench.deliver()
    assert (found.waiting, found.refused) == ({2}, {"foreign": 1})


def test_a_laptop_that_signs_off_before_it_answered_is_asked_again_when_it_is_back(bench):
    gone = [Error(1, "the node is gone")]

    def answer(message):
        return gone.pop() if gone else bench.obey(message)

    bench.enroll(1, FakeNode(answer, away=((1_000.2, 1_005.0),)))
    bench.stop()
    found = bench.deliver()
    assert (found.reached, found.refused) == (1, {})
    assert len(bench.asked) == 1


def test_an_answer_that_comes_as_its_laptop_leaves_still_counts(bench):
    bench.enroll(1, FakeNode(bench.obey, away=((1_000.4, 1e12),)))
    bench.stop()
    pull = bench.grid.pull_messages
    bench.grid.pull_messages = lambda ids: pull(ids) if bench.clock.now() > 1_003 else []
    assert bench.deliver().reached == 1


def test_a_message_that_nobody_answers_is_sent_again(bench):
    silent = [True]

    def answer(message):
        return None if silent and silent.pop() else bench.obey(message)

    bench.enroll(1, FakeNode(answer))
    bench.stop()
    assert bench.deliver().reached == 1
    ((_, at),) = bench.asked
    assert at >= 1_000 + TTL_SECONDS


def test_who_holds_a_round_is_recalled_once_in_a_while_and_asked_when_it_is_back(bench):
    holding = [True]

    def answer(message):
        return None if holding else bench.obey(message)

    def recall():
        bench.recalls.append(bench.clock.now())
        holding.clear()
        bench.grid.nodes[1].away = ((bench.clock.now(), bench.clock.now() + 8),)

    bench.enroll(1, FakeNode(answer))
    bench.enroll(2)
    bench.stop()
    bench.recall = recall
    assert bench.deliver().reached == 2
    (at,) = bench.recalls
    assert at > 1_000 + UNHEARD_SECONDS
    assert bench.clock.now() < 1_000 + 30


def test_nobody_is_recalled_where_all_answer(bench):
    bench.enroll(1)
    bench.enroll(2, FakeNode(bench.obey, seconds=UNHEARD_SECONDS / 2))
    bench.enroll(3, FakeNode(bench.obey, away=ALWAYS_AWAY))
    bench.stop()
    bench.deliver()
    assert bench.recalls == []


def test_the_proof_is_under_the_head_of_now_and_shows_that_the_log_grew(bench):
    """A laptop that refused once is asked under a later head, and knows the earlier one."""
    refusing = [True]

    def answer(message):
        found = bench.obey(message)
        if not refusing:
            return found
        refusing.clear()
        releases.add(bench.log, bench.database, a_manifest(), REVIEWER_HEX)
        return wire.refusal_content(RefusalCode.WITNESS_QUORUM)

    bench.enroll(1, FakeNode(answer))
    bench.stop()
    assert bench.deliver().reached == 1
    assert [head.size for head in bench.heads[1]] == [1, 2]


def test_witnesses_are_waited_for_and_what_they_signed_goes_along(bench):
    key, verifier = witness(0)
    bench.witnesses = [verifier]
    bench.trust = Trust(LOG, (verifier,), 1)
    bench.enroll(1)
    bench.stop()
    wait = bench.clock.wait

    def sign_meanwhile(seconds):
        wait(seconds)
        if bench.clock.now() > 1_005:
            note = Note.parse(bench.database.checkpoint(1))
            if not note.is_signed_by(verifier):
                line = cosign(Checkpoint.parse(note.text).text, verifier.name, key, 1_005)
                both = note.with_signatures([line])
                bench.database.keep_checkpoint(1, both.to_bytes())

    bench.clock.wait = sign_meanwhile
    assert bench.deliver().reached == 1
    assert bench.clock.now() < 1_010


def test_an_order_that_comes_while_another_is_delivered_takes_its_place(bench):
    newer = []

    def answer(message):
        if not newer:
            newer.append(bench.stop(StopReason.ENDED))
        return bench.obey(message)

    bench.enroll(1, FakeNode(answer))
    bench.stop()
    found = bench.deliver()
    assert (found.order, found.reached, found.refused) == (newer[0], 1, {})
    assert len(bench.asked) == 2


def test_an_older_order_is_not_delivered_any_more(bench):
    bench.enroll(1)
    bench.stop()
    newer = bench.stop(StopReason.ENDED)
    seen = []
    honest = bench.obey

    def look(message):
        seen.append(open_order(wire.parse_stop(message.content).envelope, KEY.public_key()).id)
        return honest(message)

    bench.grid.nodes[1] = FakeNode(look)
    assert bench.deliver().reached == 1
    assert seen == [newer.id]
