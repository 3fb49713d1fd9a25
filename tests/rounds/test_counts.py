"""A round of private counts over TLS: charged, noised and admitted like any other."""

import hashlib

import numpy as np
import pytest

from deskbound_strategies import codec, recents, sketch, weighing, wire
from deskbound_strategies.action_counts import TASK
from deskbound_strategies.ledger_bodies import LedgerKind
from deskbound_strategies.task import weights_of

pytestmark = pytest.mark.federation


@pytest.fixture(scope="module")
def answered(world):
    empty = codec.encode(weights_of(TASK.build_model(0)), TASK.layout())
    asked = world.server.contract(
        task=TASK.name,
        model_hash=hashlib.sha256(empty).hexdigest(),
        sampling_rate=1.0,
        noise_multiplier=1.0,
        steps=1,
        divisor=1.0,
        learning_rate=1.0,
        aggregation="told",
    )
    desk = world.desks[0]
    kept = desk.paths.model_weights.read_bytes() if desk.paths.model_weights.exists() else None
    reply = world.server.ask(desk, world.server.request(asked, empty))
    return asked, desk, kept, reply


def test_what_comes_is_a_sketch_under_noise(answered):
    asked, _, _, reply = answered
    assert isinstance(reply, wire.Reply)
    update = codec.decode(reply.update, TASK.layout())
    cells = np.concatenate([update[spec.name].ravel() for spec in TASK.layout()])
    assert cells.size == TASK.actions + TASK.actions**2 + sketch.CELLS + recents.CELLS
    assert abs(cells.std() / (asked.noise_multiplier * asked.clip) - 1) < 0.05
    assert np.count_nonzero(cells) > 0.9 * cells.size, "noise is on every cell, counted or not"


def test_the_days_were_charged_for_it(answered):
    asked, desk, _, reply = answered
    kinds = {
        one.kind: one.body for one in desk.ledger() if one.body.get("contract") == asked.digest()
    }
    assert set(kinds) == {LedgerKind.RESERVE, LedgerKind.RELEASE}
    assert kinds[LedgerKind.RELEASE]["update"] == hashlib.sha256(reply.update).hexdigest()


def test_the_model_the_employee_asks_stays(answered):
    _, desk, kept, _ = answered
    now = desk.paths.model_weights.read_bytes() if desk.paths.model_weights.exists() else None
    assert now == kept


def test_a_later_update_weighs_what_was_told_and_tells_no_more(answered, world):
    counted, desk, _, reply = answered
    told = weighing.told(counted, codec.decode(reply.update, TASK.layout()))
    assert told is not None
    amount = max(told.amount, told.noise)
    for mean, share in ((amount / 8, 2 / 3), (amount * 2, 1 / 9)):
        asked = world.server.contract(steps=1, told_mean=mean)
        answer = world.server.ask(desk, world.server.request(asked))
        assert isinstance(answer, wire.Reply)
        update = codec.decode(answer.update, world.server.task.layout())
        values = np.concatenate([one.ravel() for one in update.values()])
        step = asked.learning_rate / asked.divisor
        noise = asked.noise_multiplier * asked.clip * step
        assert values.std() == pytest.approx(share * noise, rel=0.05)
