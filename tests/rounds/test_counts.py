"""A round of private counts over TLS: charged, noised and admitted like any other."""

import hashlib

import numpy as np
import pytest

from deskbound_strategies import codec, recents, sketch, wire
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
