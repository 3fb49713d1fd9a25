"""Replies as a hostile laptop would compose them, handed to the reader object by object."""

import numpy as np
import pytest
from flwr.app import ArrayRecord, ConfigRecord, Error, Message, RecordDict
from flwr.app.message import remove_content_from_message
from flwr.common.serde import message_to_proto
from flwr.proto.message_pb2 import PullObjectResponse
from flwr.proto.node_pb2 import Node
from flwr.proto.runtime_pb2 import PullAppMessagesResponse
from flwr.supercore.inflatable.inflatable_object import get_all_nested_objects, get_object_tree
from flwr.supercore.run import Run
from flwr.supercore.task_identity import TaskIdentity
from flwr.superlink.grid import HttpGrid

from deskbound_server.strict_grid import StrictGrid
from deskbound_strategies.errors import ConfigError, Refusal, RefusalCode
from deskbound_strategies.wire import Reply, parse_reply, reply_content

LIMIT = 10_000
DIGEST = "ab" * 32


class Link:
    """The SuperLink's runtime interface: hands out a message once, and its objects as they come."""

    def __init__(self) -> None:
        self.messages, self.objects = {}, {}
        self.pulled, self.confirmed = [], []

    def deliver(self, asked: Message, content, *, missing=()) -> None:
        reply = Message(content, reply_to=asked)
        reply.metadata.__dict__["_message_id"] = reply.object_id
        for name, each in get_all_nested_objects(reply).items():
            self.objects[name] = each.deflate()
        self.withheld = set(missing) or set()
        proto = message_to_proto(remove_content_from_message(reply))
        self.messages[asked.metadata.message_id] = (proto, get_object_tree(reply))

    def PullMessages(self, request):
        found = [self.messages.pop(i) for i in list(request.message_ids) if i in self.messages]
        return PullAppMessagesResponse(
            messages_list=[proto for proto, _ in found],
            message_object_trees=[tree for _, tree in found],
        )

    def PullObject(self, request):
        self.pulled.append(request.object_id)
        known = request.object_id in self.objects
        ready = known and request.object_id not in self.withheld
        return PullObjectResponse(
            object_found=known,
            object_available=ready,
            object_content=self.objects[request.object_id] if ready else b"",
        )

    def ConfirmMessageReceived(self, request):
        self.confirmed.append(request.message_object_id)


@pytest.fixture
def link():
    TaskIdentity.run_id, TaskIdentity.task_id, TaskIdentity.node_id = 1, 1, 1
    return Link()


@pytest.fixture
def grid(link):
    inner = HttpGrid(token="t")
    inner._client, inner.node = link, Node(node_id=1)
    inner.set_run(Run.create_empty(1))
    return StrictGrid(inner, LIMIT)


@pytest.fixture
def asked(link):
    message = Message(RecordDict(), 7, "train")
    message.metadata.__dict__["_message_id"] = "asked"
    return message


def honest(update: bytes = b"update") -> RecordDict:
    return reply_content(DIGEST, "0.1.0", update, b"receipt")


def test_an_honest_reply_is_read_once_and_deleted(grid, link, asked):
    assert grid.pull_messages(["asked"]) == []
    link.deliver(asked, honest())
    (reply,) = grid.pull_messages(["asked"])
    assert parse_reply(reply.content) == Reply(DIGEST, "0.1.0", b"update", b"receipt")
    assert reply.metadata.reply_to_message_id == "asked"
    assert len(link.confirmed) == 1
    assert grid.pull_messages(["asked"]) == []


def test_flowers_own_error_passes(grid, link, asked):
    link.deliver(asked, Error(0, "node unavailable"))
    (reply,) = grid.pull_messages(["asked"])
    assert reply.has_error()


@pytest.mark.parametrize(
    "content",
    [
        RecordDict(),
        RecordDict({"deskbound": ArrayRecord([np.zeros(4, np.float32)])}),
        RecordDict({"a": ConfigRecord({"x": 1}), "b": ConfigRecord({"x": 2})}),
    ],
)
def test_another_tree_is_refused_before_anything_of_it_is_fetched(grid, link, asked, content):
    link.deliver(asked, content)
    with pytest.raises(Refusal) as refusal:
        grid.pull_messages(["asked"])
    assert refusal.value.code is RefusalCode.MESSAGE_MALFORMED
    assert link.pulled == []
    assert len(link.confirmed) == 1, "the SuperLink may delete it"


def test_a_reply_that_is_too_large_is_refused(grid, link, asked):
    link.deliver(asked, honest(b"\0" * LIMIT))
    with pytest.raises(Refusal) as refusal:
        grid.pull_messages(["asked"])
    assert refusal.value.code is RefusalCode.MESSAGE_TOO_LARGE


def test_an_announced_reply_that_is_not_complete_holds_nobody_up(grid, link, asked):
    link.deliver(asked, honest())
    link.withheld = set(link.objects)
    assert grid.pull_messages(["asked"]) == []
    assert grid.pull_messages(["asked"]) == []
    link.withheld = set()
    assert len(grid.pull_messages(["asked"])) == 1


def test_an_object_that_was_never_there_is_malformed(grid, link, asked):
    link.deliver(asked, honest())
    link.objects.popitem()
    with pytest.raises(Refusal):
        grid.pull_messages(["asked"])


@pytest.mark.parametrize("content", [b"", b"\0", b"ConfigRecord  9\0", b"Array  0\0", b"\xff" * 64])
def test_objects_that_are_not_what_their_name_says_are_malformed(grid, link, asked, content):
    link.deliver(asked, honest())
    link.objects = dict.fromkeys(link.objects, content)
    with pytest.raises(Refusal):
        grid.pull_messages(["asked"])


def test_another_sort_of_grid_is_refused():
    with pytest.raises(ConfigError):
        StrictGrid(object(), LIMIT)
