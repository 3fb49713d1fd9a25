"""Every byte that leaves is in the ledger: a wire-tap on real rounds, read against it."""

import hashlib
import json

import pytest
from flwr.proto.message_pb2 import PushObjectRequest
from flwr.supercore.inflatable.inflatable_object import get_object_type_from_object_content

from deskbound_client.employee.sent import bytes_of, sent
from deskbound_strategies import wire
from deskbound_strategies.ledger_bodies import LedgerKind
from tests.helpers.federation import fleet, new_desk
from tests.helpers.patience import until
from tests.helpers.recorder import recording

pytestmark = pytest.mark.federation

# What Flower says around our replies: who it is, that it lives, what it received.
FLEET = "/v1/fleet/"
SMALL = 2_048
CALLS = {
    "activate-node", "deactivate-node", "send-node-heartbeat", "pull-messages", "push-messages",
    "pull-object", "push-object", "confirm-message-received", "get-run", "get-fab",
    "register-node", "unregister-node",
}  # fmt: skip


def test_what_crosses_is_what_the_ledger_says(tmp_path):
    desk = new_desk(tmp_path / "desk")
    with fleet(tmp_path / "server") as made, recording(made.home) as tape:
        bundle = json.loads(made.home.join_bundle.read_text())
        bundle["superlink"] = f"127.0.0.1:{tape.port}"
        made.home.join_bundle.write_text(json.dumps(bundle))
        made.enroll(desk)
        try:
            desk.start()
            until(lambda: desk.node in made.online(), "the laptop is online, through the tap")
            server = made.run()
            for _ in range(2):
                assert isinstance(server.ask(desk, server.request(server.contract())), wire.Reply)
            server.ask(desk, server.request(server.contract(noise_multiplier=0.1)))
            server.close()
        finally:
            desk.stop()
    releases = [entry.body for entry in desk.ledger() if entry.kind is LedgerKind.RELEASE]
    assert len(releases) == 2

    requests = tape.requests()
    assert {path.removeprefix(FLEET) for path, _ in requests} <= CALLS
    bodies = [body for path, body in requests if path == FLEET + "push-object"]
    pushed = [PushObjectRequest.FromString(body) for body in bodies]
    records = [
        one.object_content
        for one in pushed
        if get_object_type_from_object_content(one.object_content) == "ConfigRecord"
    ]
    explained = 0
    with desk.vault() as vault:
        for upload, release in zip(sent(vault).uploads, releases, strict=True):
            _, update = bytes_of(vault, upload.sha256)
            assert hashlib.sha256(update).hexdigest() == release["update"]
            assert len(update) == release["bytes"]
            (record,) = [one for one in records if update in one]
            assert len(record) - len(update) < SMALL, "something beside the update"
            explained += len(update)
    rest = sum(len(body) for _, body in requests) - explained
    assert rest / len(requests) < SMALL
    for path, body in requests:
        big = len(body) > SMALL
        assert not big or "push-object" in path, f"{path} carried {len(body)} bytes"
    big = [one for one in pushed if len(one.object_content) > SMALL]
    assert len(big) == len(releases), "an object that no ledger entry explains"
