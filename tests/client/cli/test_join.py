"""``deskbound join`` and ``leave``: one fleet at a time, pinned, and written down."""

import json

import pytest

from deskbound_server import pki
from deskbound_server.home import ServerHome, Settings
from deskbound_strategies.ledger_bodies import LedgerKind


def bundle_of(root, name):
    home = ServerHome(root / name)
    pki.init(home, Settings("127.0.0.1", 9092, name))
    return home.join_bundle


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    root = tmp_path_factory.mktemp("servers")
    return bundle_of(root, "ours"), bundle_of(root, "theirs")


def test_joining_pins_the_server_and_makes_a_key(desk, bundles):
    found = desk.ask("join", str(bundles[0]))
    assert (found["fleet"], found["public_key"]) == ("ours", str(desk.paths.node_public_key))
    assert found["server"] == json.loads(bundles[0].read_bytes())["superlink"]
    assert desk.paths.node_public_key.read_bytes()
    (entry,) = desk.bodies(LedgerKind.JOIN)
    assert entry["action"] == "join"


def test_it_says_what_else_is_needed_until_it_is_there(desk, bundles):
    assert "consent grant updates" in desk.ok("join", str(bundles[0]))
    desk.ok("consent", "grant", "updates")
    said = desk.ok("join", str(bundles[0]))
    assert "consent grant updates" not in said
    assert len(desk.bodies(LedgerKind.JOIN)) == 1, "joining twice changes nothing"


def test_another_fleet_is_refused_until_one_leaves(desk, bundles):
    desk.ok("join", str(bundles[0]))
    key = desk.paths.node_key.read_bytes()
    assert "deskbound leave" in desk.fails(10, "join", str(bundles[1]))
    assert desk.paths.node_key.read_bytes() == key
    desk.ok("leave")
    assert not desk.paths.node_key.exists()
    assert desk.ask("join", str(bundles[1]))["fleet"] == "theirs"
    assert [body["action"] for body in desk.bodies(LedgerKind.JOIN)] == ["join", "leave", "join"]


def test_leaving_no_fleet_is_told(desk):
    assert "deskbound join" in desk.fails(17, "leave")


@pytest.mark.parametrize("harm", ["other text", "another field", "no authority", "missing"])
def test_what_is_no_bundle_changes_nothing(desk, bundles, tmp_path, harm):
    given = tmp_path / "given.json"
    raw = json.loads(bundles[0].read_bytes())
    if harm == "another field":
        given.write_text(json.dumps(raw | {"run": "this"}))
    elif harm == "no authority":
        given.write_text(json.dumps(raw | {"ca_pem": "none"}))
    elif harm == "other text":
        given.write_text("hello")
    desk.fails(17 if harm == "missing" else 10, "join", str(given))
    assert not desk.paths.join.exists()
    assert desk.bodies(LedgerKind.JOIN) == []
