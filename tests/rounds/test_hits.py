"""A round of private evaluation over TLS: charged to the days held out, and read back."""

import hashlib

import pytest

from deskbound_strategies import codec, wire
from deskbound_strategies.ledger_bodies import LedgerKind
from deskbound_strategies.next_action import TASK as NEXT_ACTION
from deskbound_strategies.next_action_hits import TASK, around, read_hits
from deskbound_strategies.task import weights_of

pytestmark = pytest.mark.federation


def test_a_model_is_tried_on_the_day_that_nobody_trains_on(world):
    before = around(weights_of(NEXT_ACTION.build_model(0)))
    encoded = codec.encode(before, TASK.layout())
    asked = world.server.contract(
        task=TASK.name, model_hash=hashlib.sha256(encoded).hexdigest(), sampling_rate=0.5,
        noise_multiplier=1.0, steps=1, divisor=1.0, learning_rate=1.0,
    )  # fmt: skip
    desk = world.desks[1]
    reply = world.server.ask(desk, world.server.request(asked, encoded))
    assert isinstance(reply, wire.Reply), reply
    (paid,) = [
        one.body for one in desk.ledger()
        if one.kind == LedgerKind.RESERVE and one.body["contract"] == asked.digest()
    ]  # fmt: skip
    assert len(paid["blocks"]) == 1, "of three days one is held out, and two are trained on"
    change = codec.decode(reply.update, TASK.layout())
    after = {name: before[name] + change[name] for name in before}
    for one in read_hits(before, after).values():
        assert 0 <= one.value <= 1
        assert one.error > 0.05, "ten sessions of one laptop tell little, and it says so"
