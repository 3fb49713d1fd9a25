"""Flower's Grid with a reader that trusts nobody.

Flower's own reader inflates whatever a laptop composed, where 5 MB can become 2 GB, and waits up to
two hours for a reply that was announced and never delivered; one hostile laptop could end a run.
"""

from collections.abc import Iterable

from flwr.app import Message
from flwr.proto.message_pb2 import ConfirmMessageReceivedRequest, ObjectTree, PullObjectRequest
from flwr.proto.node_pb2 import Node
from flwr.proto.runtime_pb2 import PullAppMessagesRequest
from flwr.serverapp import Grid
from flwr.supercore.inflatable.inflatable_object import (
    get_object_id,
    get_object_type_from_object_content,
)
from flwr.supercore.inflatable.inflatable_utils import inflate_object_from_contents
from flwr.superlink.grid import HttpGrid

from deskbound_strategies.errors import ConfigError, Refusal, RefusalCode

_SHAPE = ("Message", "RecordDict", "ConfigRecord")
_ERROR_SHAPE = ("Message",)  # what Flower itself answers in a laptop's place


class StrictGrid:
    """Flower's Grid with a reader that trusts nobody; has the calls that ``DpFedAvg`` needs.

    A reply must be exactly message, records, one plain record, or Flower's own error. A reply that
    is announced but not complete yet is looked at again later and holds nobody up.

    Args:
        grid: the Grid that Flower gave the ServerApp.
        max_bytes: most bytes of a whole reply.
    """

    def __init__(self, grid: Grid, max_bytes: int) -> None:
        if not isinstance(grid, HttpGrid):
            raise ConfigError("This is not Flower's HTTP Grid.", "Use flwr 1.41 as pinned.")
        self._grid = grid
        self._max_bytes = max_bytes
        self._announced: dict[str, tuple[str, ObjectTree]] = {}

    def get_node_ids(self) -> Iterable[int]:
        """Return the laptops that are connected now."""
        return self._grid.get_node_ids()

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str | None]:
        """Send messages."""
        return self._grid.push_messages(messages)

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        """Return the replies that are complete.

        Raises:
            Refusal: ``message-malformed`` or ``message-too-large``; that reply is gone.
        """
        found: list[Message] = []
        for message_id in message_ids:
            self._look(message_id)
            if message_id in self._announced:
                reply = self._fetch(message_id)
                if reply is not None:
                    found.append(reply)
        return found

    def _look(self, message_id: str) -> None:
        if message_id in self._announced:
            return
        client = self._grid._runtime_client  # noqa: SLF001 - the point of this file
        response = client.PullMessages(PullAppMessagesRequest(message_ids=[message_id]))
        for message, tree in zip(
            response.messages_list, response.message_object_trees, strict=True
        ):
            answered = message.metadata.reply_to_message_id
            self._announced[answered] = (message.metadata.message_id, tree)

    def _fetch(self, message_id: str) -> Message | None:
        """Return a reply, or None while parts of it are still on their way."""
        reply_id, tree = self._announced[message_id]
        try:
            contents: dict[str, bytes] = {}
            for object_id in chain_of(tree):
                content = self._object(object_id)
                if content is None:
                    return None
                contents[object_id] = content
            message = inflate(tree.object_id, contents, self._max_bytes)
        except Refusal:
            self._forget(message_id, tree)
            raise
        self._forget(message_id, tree)
        message.metadata.__dict__["_message_id"] = reply_id
        return message

    def _object(self, object_id: str) -> bytes | None:
        request = PullObjectRequest(node=self._node, run_id=self._run_id, object_id=object_id)
        response = self._grid._runtime_client.PullObject(request)  # noqa: SLF001
        if not response.object_found:
            raise Refusal(RefusalCode.MESSAGE_MALFORMED)
        return bytes(response.object_content) if response.object_available else None

    def _forget(self, message_id: str, tree: ObjectTree) -> None:
        """Let the SuperLink delete the reply, read or not."""
        del self._announced[message_id]
        self._grid._runtime_client.ConfirmMessageReceived(  # noqa: SLF001
            ConfirmMessageReceivedRequest(
                node=self._node, run_id=self._run_id, message_object_id=tree.object_id
            )
        )

    @property
    def _node(self) -> Node:
        return self._grid.node

    @property
    def _run_id(self) -> int:
        return int(self._grid.run.run_id)


def chain_of(tree: ObjectTree) -> list[str]:
    """Return the object ids of a message that is one record inside one dictionary, or an error.

    Raises:
        Refusal: ``message-malformed`` for every other tree, before anything of it is fetched.
    """
    ids = [tree.object_id]
    while tree.children:
        if len(tree.children) != 1 or len(ids) >= len(_SHAPE):
            raise Refusal(RefusalCode.MESSAGE_MALFORMED)
        tree = tree.children[0]
        ids.append(tree.object_id)
    if len(ids) not in {len(_SHAPE), len(_ERROR_SHAPE)}:
        raise Refusal(RefusalCode.MESSAGE_MALFORMED)
    return ids


def inflate(message_id: str, contents: dict[str, bytes], max_bytes: int) -> Message:
    """Make a message of its objects.

    Raises:
        Refusal: ``message-too-large`` or ``message-malformed``.
    """
    if sum(len(content) for content in contents.values()) > max_bytes:
        raise Refusal(RefusalCode.MESSAGE_TOO_LARGE)
    try:
        sorts = tuple(get_object_type_from_object_content(each) for each in contents.values())
        genuine = all(get_object_id(content) == name for name, content in contents.items())
        expected = genuine and sorts in {_SHAPE, _ERROR_SHAPE}
        message = inflate_object_from_contents(message_id, dict(contents)) if expected else None
    except Exception:  # noqa: BLE001 - a parser fed by strangers
        raise Refusal(RefusalCode.MESSAGE_MALFORMED) from None
    if not isinstance(message, Message):
        raise Refusal(RefusalCode.MESSAGE_MALFORMED)
    return message
