"""A laptop that does not take part is offline in fact: no code, no message, no connection."""

import pytest

from deskbound_client import agent
from deskbound_strategies import wire
from deskbound_strategies.ledger_bodies import LedgerKind
from tests.helpers.federation import new_desk, until

pytestmark = pytest.mark.federation


def test_a_pause_takes_the_laptop_off_the_network_and_its_end_brings_it_back(world):
    desk = world.desks[1]
    desk.pause()
    until(lambda: desk.node not in world.fleet.online(), "the paused laptop is offline")
    claimed = desk.codes().count("executor claimed")
    world.server.send(world.server.request(world.server.contract()), desk)
    assert desk.codes().count("executor claimed") == claimed
    until(lambda: agent.status(desk.paths).children["supernode"]["state"] == "off", "it says so")
    desk.resume()
    until(lambda: desk.node in world.fleet.online(), "it is back")


def test_without_consent_to_updates_there_is_no_supernode(world, tmp_path):
    desk = new_desk(tmp_path / "desk", updates=False)
    world.fleet.enroll(desk)
    try:
        found = desk.start()
        assert found.state == "running"
        assert not found.willing
        assert found.children["supernode"]["state"] == "off"
        assert "supernode started" not in desk.codes()
        assert desk.node not in world.fleet.online()
    finally:
        desk.stop()


def test_with_nothing_to_train_on_it_goes_offline_instead_of_saying_so(world, tmp_path):
    desk = new_desk(tmp_path / "desk", days=1)  # the one complete day is held out
    world.fleet.enroll(desk)
    try:
        desk.start()
        until(lambda: desk.node in world.fleet.online(), "it is online")
        world.server.send(world.server.request(world.server.contract()), desk)
        until(lambda: "executor silent" in desk.codes(), "it is silent")
        until(lambda: desk.node not in world.fleet.online(), "it is offline")
        assert "supernode reply-sent" not in desk.codes()
    finally:
        desk.stop()
    assert LedgerKind.REFUSE not in [entry.kind for entry in desk.ledger()]


def test_a_contract_is_answered_once_and_then_it_is_offline(world, tmp_path):
    desk = new_desk(tmp_path / "desk")
    world.fleet.enroll(desk)
    asked = world.server.contract()
    request = world.server.request(asked)
    try:
        desk.start()
        until(lambda: desk.node in world.fleet.online(), "it is online")
        assert isinstance(world.server.ask(desk, request), wire.Reply)
        world.server.send(request, desk)
        until(lambda: "executor silent" in desk.codes(), "it is silent")
        until(lambda: desk.node not in world.fleet.online(), "it is offline")
        assert desk.codes().count("supernode reply-sent") == 1
    finally:
        desk.stop()
    ledger = desk.ledger()
    refused = {"contract": asked.digest(), "code": "contract-replayed"}
    assert [entry.body for entry in ledger if entry.kind is LedgerKind.REFUSE] == [refused]
    assert sum(entry.kind is LedgerKind.RESERVE for entry in ledger) == 1
