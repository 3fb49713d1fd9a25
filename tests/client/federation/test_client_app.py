"""Which tasks are looked at at all."""

import pytest

from deskbound_client.federation.client_app import app, respond
from deskbound_client.federation.participant import Silence
from deskbound_client.federation.private_flwr import TaskInput
from deskbound_strategies import wire
from deskbound_strategies.errors import RefusalCode
from deskbound_strategies.pointer import pointer_fab
from tests.client.federation.test_participant import FakeLaptop, asked, request


def task(**changes):
    plain = {
        "task_type": "flwr-clientapp", "message_type": "train", "bundle": pointer_fab(),
        "content": request(asked()),
    }  # fmt: skip
    return TaskInput(**(plain | changes))


def test_the_pointer_and_a_contract_are_answered():
    outcome = respond(task(), FakeLaptop())
    assert isinstance(wire.parse_reply(outcome), wire.Reply)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"bundle": pointer_fab() + b"\0"}, RefusalCode.BUNDLE_UNKNOWN),
        ({"bundle": b""}, RefusalCode.BUNDLE_UNKNOWN),
        ({"task_type": "flwr-agentapp"}, RefusalCode.TASK_TYPE_REFUSED),
        ({"message_type": "query"}, RefusalCode.MESSAGE_MALFORMED),
        ({"content": None}, RefusalCode.MESSAGE_MALFORMED),
    ],
)
def test_every_other_task_is_refused_with_a_code(changes, code):
    laptop = FakeLaptop()
    assert wire.parse_reply(respond(task(**changes), laptop)) is code
    assert laptop.said == ["refuse", (code, None)]


@pytest.mark.parametrize("laptop", [FakeLaptop(willing=[False]), FakeLaptop(broken="willing")])
def test_who_is_not_willing_does_not_even_refuse_a_bundle(laptop):
    assert isinstance(respond(task(bundle=b"evil"), laptop), Silence)
    assert laptop.said == []


def test_the_named_app_refuses_when_flowers_own_runner_runs_it():
    from flwr.app import Message
    from flwr.supercore.task_identity import TaskIdentity

    TaskIdentity.run_id, TaskIdentity.node_id, TaskIdentity.task_id = 1, 1, 1
    message = Message(request(asked()), dst_node_id=2, message_type="train")
    reply = app(message=message, context=None)
    assert wire.parse_reply(reply.content) is RefusalCode.INTERNAL
