"""A laptop that does not take part is offline in fact: no code, no message, no connection."""

import time

import pytest

from deskbound_client import agent
from deskbound_client.employee.forgetting import forget
from deskbound_client.employee.wishes import Wish
from deskbound_strategies import wire
from deskbound_strategies.ledger_bodies import LedgerKind
from tests.helpers.federation import new_desk
from tests.helpers.patience import until

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


def test_the_same_contract_gets_the_same_bytes_and_none_once_their_source_is_gone(world, tmp_path):
    desk = new_desk(tmp_path / "desk")
    world.fleet.enroll(desk)
    try:
        desk.start()
        until(lambda: desk.node in world.fleet.online(), "it is online")
        request = world.server.message(world.server.request(world.server.contract()), desk)
        first = world.server.ask(desk, request)
        assert isinstance(first, wire.Reply)
        again = world.server.ask(desk, request)
        assert (again.update, again.receipt) == (first.update, first.receipt)
        with desk.vault() as vault:
            forget(desk.paths, vault, Wish.of_day(vault.days()[0]), now=time.time())
        world.server.send(request, desk)
        until(lambda: "executor silent" in desk.codes(), "it is silent")
        until(lambda: desk.node not in world.fleet.online(), "it is offline")
        assert desk.codes().count("supernode reply-sent") == 2
    finally:
        desk.stop()
    kinds = [entry.kind for entry in desk.ledger()]
    assert kinds.count(LedgerKind.RESERVE) == kinds.count(LedgerKind.RELEASE) == 1
