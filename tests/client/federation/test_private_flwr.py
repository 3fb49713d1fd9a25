"""The one file that depends on Flower's inside: the right version, and hostile messages."""

import hashlib

import numpy as np
import pytest
from flwr.app import Array, ArrayRecord, ConfigRecord, Message, MetricRecord, RecordDict
from flwr.proto.message_pb2 import Message as ProtoMessage
from flwr.proto.message_pb2 import ObjectTree
from flwr.proto.runtime_pb2 import PullAppMessagesResponse, PullTaskInputResponse
from flwr.supercore.inflatable.inflatable_object import (
    get_all_nested_objects,
    get_object_tree,
)
from flwr.supercore.task_identity import TaskIdentity

from deskbound_client.federation import private_flwr
from deskbound_client.federation.private_flwr import (
    ClaimedTask,
    Runtime,
    chain_of,
    check_flwr,
    inflate,
)
from deskbound_strategies import wire
from deskbound_strategies.errors import ConfigError, Refusal, RefusalCode, UnreachableError


def test_the_installed_flower_is_the_one_whose_inside_is_known():
    check_flwr()


@pytest.mark.parametrize("found", ["1.40.0", "1.42.0", "2.0.0", "1.410.0"])
def test_another_flower_is_refused_with_a_clear_sentence(monkeypatch, found):
    monkeypatch.setattr(private_flwr, "version", lambda _: found)
    with pytest.raises(ConfigError, match=f"Flower {found} is installed"):
        check_flwr()


@pytest.fixture(autouse=True)
def _identity(monkeypatch):
    monkeypatch.setattr(TaskIdentity, "_run_id", 1, raising=False)
    monkeypatch.setattr(TaskIdentity, "_node_id", 1, raising=False)
    monkeypatch.setattr(TaskIdentity, "_task_id", 1, raising=False)


def taken_apart(content):
    TaskIdentity.run_id, TaskIdentity.node_id, TaskIdentity.task_id = 1, 1, 1
    message = Message(content, dst_node_id=2, message_type="train")
    message.metadata.__dict__["_message_id"] = message.object_id
    objects = {name: found.deflate() for name, found in get_all_nested_objects(message).items()}
    return get_object_tree(message), objects


def put_together(content, limit=10**9):
    tree, objects = taken_apart(content)
    return inflate(tree.object_id, {name: objects[name] for name in chain_of(tree)}, limit)


def test_a_request_survives_the_way():
    sent = wire.contract_message(b"envelope", b"proof", b"weights")
    assert wire.parse_request(put_together(sent)) == wire.parse_request(sent)


@pytest.mark.parametrize(
    "content",
    [
        RecordDict({"a": ArrayRecord({"w": Array(np.ones(3, np.float32))})}),
        RecordDict({"a": MetricRecord({"w": 1.0})}),
        RecordDict({"a": ConfigRecord({"x": 1}), "b": ConfigRecord({"y": 1})}),
        RecordDict({}),
    ],
    ids=["arrays", "metrics", "two records", "nothing"],
)
def test_every_other_shape_is_refused(content):
    with pytest.raises(Refusal) as caught:
        put_together(content)
    assert caught.value.code is RefusalCode.MESSAGE_MALFORMED


def test_a_deep_or_wide_tree_is_refused_before_anything_is_fetched():
    deep = tree = ObjectTree(object_id="0")
    for level in range(1, 50):
        tree = tree.children.add(object_id=str(level))
    wide = ObjectTree(object_id="0", children=[ObjectTree(object_id=str(i)) for i in range(10_000)])
    for hostile in (deep, wide, ObjectTree(object_id="0")):
        with pytest.raises(Refusal):
            chain_of(hostile)


def test_an_array_that_would_inflate_is_never_inflated():
    """The chunk-repeat bomb: three small objects that pose as the chain we accept."""
    bomb = RecordDict({"a": ArrayRecord({"w": Array(np.zeros(1 << 20, np.float32))})})
    tree, objects = taken_apart(bomb)
    names = list(objects)
    chain = {names[0]: objects[names[0]], "x": objects[names[1]], "y": objects[names[-1]]}
    with pytest.raises(Refusal):
        inflate(tree.object_id, chain, 10**9)


def test_bytes_that_are_not_what_their_name_says_are_refused():
    tree, objects = taken_apart(wire.contract_message(b"envelope", b"proof", b"weights"))
    chain = {name: objects[name] for name in chain_of(tree)}
    last = list(chain)[-1]
    forged = chain | {last: chain[last].replace(b"weights", b"WEIGHTS")}
    assert hashlib.sha256(forged[last]).hexdigest() != last
    with pytest.raises(Refusal):
        inflate(tree.object_id, forged, 10**9)


def test_garbage_and_too_much_are_refused_with_their_codes():
    tree, objects = taken_apart(wire.contract_message(b"envelope", b"proof", b"weights"))
    chain = {name: objects[name] for name in chain_of(tree)}
    with pytest.raises(Refusal) as caught:
        inflate(tree.object_id, chain, sum(map(len, chain.values())) - 1)
    assert caught.value.code is RefusalCode.MESSAGE_TOO_LARGE
    with pytest.raises(Refusal) as caught:
        inflate(tree.object_id, dict.fromkeys(chain, b"\xff\x00garbage"), 10**9)
    assert caught.value.code is RefusalCode.MESSAGE_MALFORMED


def test_no_supernode_is_unreachable():
    runtime = Runtime("127.0.0.1:1", b"secret")
    with pytest.raises(UnreachableError):
        runtime.claim()
    runtime.close()


class OneTask:
    """A SuperNode that hands out one message, as a hostile server may have composed it."""

    def __init__(self, message, trees):
        self._got = PullAppMessagesResponse(messages_list=[message], message_object_trees=trees)

    def PullTaskInput(self, _):
        return PullTaskInputResponse()

    def PullMessages(self, _):
        return self._got


@pytest.mark.parametrize("trees", [[], [ObjectTree(object_id="x")]])
def test_a_message_that_flower_cannot_even_make_has_no_content_and_breaks_nothing(trees):
    hollow = ProtoMessage()  # neither content nor error: MessageInitializationError
    task = ClaimedTask(OneTask(hollow, trees), "flwr-clientapp")
    brought = task.pull(1_000)
    assert brought.content is None
    with pytest.raises(UnreachableError):
        task.answer(wire.contract_message(b"a", b"p", b"b"))
