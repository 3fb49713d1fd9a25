import asyncio

import pytest

from deskbound_server.gate import Gate
from deskbound_server.recall import HEARTBEAT_PATH, KEY_HEADER, SECONDS, Recall
from tests.server.test_gate import TOKEN, App, http


@pytest.fixture
def clock():
    return [1_000.0]


@pytest.fixture
def recall(tmp_path, clock):
    return Recall(tmp_path / "recall", lambda: clock[0])


def test_nobody_is_recalled_unless_that_was_asked_for(recall):
    assert recall.verdict(HEARTBEAT_PATH, b"a") is None


def test_each_laptop_signs_in_anew_once(recall):
    recall.ask()
    assert [recall.verdict(HEARTBEAT_PATH, key) for key in (b"a", b"b", b"a", b"b")] == [
        401, 401, None, None,
    ]  # fmt: skip


def test_it_is_over_after_a_while_and_can_be_asked_for_again(recall, clock):
    recall.ask()
    assert recall.verdict(HEARTBEAT_PATH, b"a") == 401
    clock[0] += SECONDS
    assert recall.verdict(HEARTBEAT_PATH, b"b") is None
    recall.ask()
    assert recall.verdict(HEARTBEAT_PATH, b"a") == 401


def test_another_process_asks_through_the_file(recall, tmp_path, clock):
    Recall(tmp_path / "recall", lambda: clock[0]).ask()
    assert recall.verdict(HEARTBEAT_PATH, b"a") == 401
    assert (tmp_path / "recall").stat().st_mode & 0o777 == 0o600


def test_a_spoiled_file_recalls_nobody(recall, tmp_path):
    (tmp_path / "recall").write_text("soon")
    assert recall.verdict(HEARTBEAT_PATH, b"a") is None


@pytest.mark.parametrize("path", ["/v1/fleet/pull-messages", "/v1/fleet/activate-node", "/health"])
def test_nothing_but_heartbeats_is_turned_away(recall, path):
    recall.ask()
    assert recall.verdict(path, b"a") is None


def test_who_shows_no_key_is_left_to_flower(recall):
    recall.ask()
    assert recall.verdict(HEARTBEAT_PATH, None) is None


def test_the_gate_does_it(recall):
    app, sent = App(), []

    async def send(message):
        sent.append(message)

    async def receive():
        raise AssertionError("the gate reads no body")

    gate = Gate(app, TOKEN, App(), recall)
    shown = [(b"content-length", b"9"), (KEY_HEADER, b"a")]
    recall.ask()
    asyncio.run(gate(http(HEARTBEAT_PATH, shown), receive, send))
    assert sent[0]["status"] == 401
    assert not app.reached
    asyncio.run(gate(http(HEARTBEAT_PATH, shown), receive, send))
    assert app.reached
