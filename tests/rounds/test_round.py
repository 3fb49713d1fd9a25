"""A whole round over TLS with real SuperNodes: what comes back, and what the ledgers then say."""

import hashlib
import json

import pytest

from deskbound_client.privacy.ledger_store import LedgerStore
from deskbound_strategies import codec, wire
from deskbound_strategies.ledger_bodies import LedgerKind
from deskbound_strategies.ledger_export import verify_export

pytestmark = pytest.mark.federation


@pytest.fixture(scope="module")
def answered(world):
    asked = world.server.contract(minimum_cohort=2)
    ids = world.server.send(world.server.request(asked), *world.desks)
    replies = {reply.metadata.src_node_id: reply for reply in world.server.replies(ids)}
    for message in replies.values():
        world.server.take(wire.parse_reply(message.content))
    return asked, replies


def test_each_laptop_sends_one_noised_update_of_the_models_layout(world, answered):
    asked, replies = answered
    assert set(replies) == {desk.node for desk in world.desks}
    layout, updates = world.server.task.layout(), []
    for message in replies.values():
        reply = wire.parse_reply(message.content)
        assert isinstance(reply, wire.Reply)
        assert reply.contract_digest == asked.digest()
        updates.append(codec.decode(reply.update, layout))
    for name in updates[0]:
        assert (updates[0][name] != updates[1][name]).any(), "the same noise twice"


def test_nothing_else_is_in_a_reply(answered):
    _, replies = answered
    for message in replies.values():
        assert set(message.content) == {"deskbound"}
        assert set(message.content["deskbound"]) == {
            "contract_digest", "client_version", "update", "receipt",
        }  # fmt: skip


def test_the_ledger_reserved_first_and_names_the_bytes_that_left(world, answered):
    asked, replies = answered
    for desk in world.desks:
        update = wire.parse_reply(replies[desk.node].content).update
        entries = [e for e in desk.ledger() if e.body.get("contract") == asked.digest()]
        assert [e.kind for e in entries] == [LedgerKind.RESERVE, LedgerKind.RELEASE]
        reserve, release = entries
        assert release.body == {
            "contract": asked.digest(),
            "reserve": reserve.seq,
            "update": hashlib.sha256(update).hexdigest(),
            "bytes": len(update),
        }
        assert len(reserve.body["blocks"]) == 2  # three days, the latest is held out


def test_an_export_of_the_ledger_verifies_for_a_stranger(world, answered, tmp_path):
    with world.desks[0].vault() as vault:
        LedgerStore(vault).export(tmp_path / "ledger.jsonl")
    summary = verify_export((tmp_path / "ledger.jsonl").read_bytes())
    assert summary.uploads >= 1


def test_the_shared_model_is_kept_for_the_employee(world, answered):
    asked, _ = answered
    paths = world.desks[0].paths
    card = json.loads(paths.model_card.read_bytes())
    weights = paths.model_weights.read_bytes()
    assert card["model_hash"] == hashlib.sha256(weights).hexdigest()
    assert card["task"] == asked.task


def test_what_the_agent_writes_down_are_codes(world, answered):
    for desk in world.desks:
        for line in desk.codes():
            role, code = line.split(" ")
            assert role in {"capture", "executor", "supernode", "presence"}
            assert len(code) < 40
            assert "/" not in code
            assert ":" not in code
