"""The one file that uses Flower's inside: taking tasks from the SuperNode and answering them.

Flower offers no public way to run a ClientApp in a process of one's own choosing, so a few private
functions of flwr 1.41 are used here, and nowhere else; ``tests/client/federation/
test_private_flwr.py`` fails with a clear sentence on any other version.

What differs from Flower's own ``flwr-clientapp`` is on purpose:

- The bundle is handed over as bytes to be compared. It is never unpacked, installed or imported.
- A message is inflated only if it is exactly message -> records -> one plain record. Flower would
  first inflate whatever was sent: 5 MB can become 2 GB (docs/adr/0006).
- Nothing is retried by sending signals to this very process, and no exception's text is sent.
"""

import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from socket import socket
from typing import Self, TypeVar

# Both are read when flwr is first imported, so they must be set before the lines below.
os.environ["FLWR_TELEMETRY_ENABLED"] = "0"
os.environ["FLWR_DISABLE_UPDATE_CHECK"] = "1"

import httpx
from flwr.app import Message, RecordDict
from flwr.common.constant import SubStatus
from flwr.common.serde import message_from_proto
from flwr.proto.message_pb2 import (
    ConfirmMessageReceivedRequest,
    ObjectTree,
    PullObjectRequest,
)
from flwr.proto.node_pb2 import Node
from flwr.proto.runtime_pb2 import (
    AcquireTaskRequest,
    PullAppMessagesRequest,
    PullAppMessagesResponse,
    PullTaskInputRequest,
    PushTaskOutputRequest,
    SendTaskHeartbeatRequest,
)
from flwr.supercore.constant import TaskType
from flwr.supercore.inflatable.inflatable_object import (
    get_object_id,
    get_object_type_from_object_content,
)
from flwr.supercore.inflatable.inflatable_utils import inflate_object_from_contents
from flwr.supercore.interceptors import (
    RuntimeTokenHttpInterceptor,
    RuntimeVersionHttpInterceptor,
    SuperExecAuthHttpInterceptor,
)
from flwr.supercore.protobuf.client import ProtobufClientInterceptor
from flwr.supercore.runtime import RuntimeHttpClient
from flwr.supernode.runtime.run_clientapp import push_message

from deskbound_client.federation.doorway import through
from deskbound_strategies.errors import (
    ConfigError,
    Refusal,
    RefusalCode,
    UnreachableError,
)

T = TypeVar("T")

FLWR_VERSION = "1.41"
_ACQUIRE = "/flwr.proto.Runtime/AcquireTask"
_SECONDS = 30.0  # Flower's own patience with a SuperNode
_HEARTBEAT_SECONDS = 15.0  # a task lapses after 60
_ARRIVAL_SECONDS = 60.0
_ARRIVAL_POLL_SECONDS = 0.02
_SHAPE = ("Message", "RecordDict", "ConfigRecord")
# An agent task is claimed only to be refused: unclaimed, it would block the SuperNode for ever.
_CLAIMED = (TaskType.CLIENT_APP, TaskType.AGENT_APP)


def check_flwr() -> None:
    """Check that the installed Flower is the one whose inside is known here.

    Raises:
        ConfigError: when it is another version.
    """
    found = version("flwr")
    if not found.startswith(FLWR_VERSION + "."):
        raise ConfigError(
            f"Flower {found[:20]} is installed; Deskbound works with {FLWR_VERSION}.",
            f"Install flwr=={FLWR_VERSION}.* beside Deskbound.",
        )


@dataclass(frozen=True, slots=True)
class TaskInput:
    """What came with a task.

    Attributes:
        task_type: ``flwr-clientapp`` for the only sort that is run here.
        message_type: what the server called the message, e.g. ``train``.
        bundle: the server's bundle, to be compared and not to be opened.
        content: the message's records, or None when they were not of the one shape we take.
    """

    task_type: str
    message_type: str
    bundle: bytes
    content: RecordDict | None

    @property
    def size(self) -> int:
        """Bytes of the bundle and of every byte string in the records."""
        records = () if self.content is None else self.content.values()
        values = [value for record in records for value in record.values()]
        return len(self.bundle) + sum(len(one) for one in values if isinstance(one, bytes))

    @property
    def is_client_app(self) -> bool:
        """Whether this is a task for the ClientApp."""
        return self.task_type == TaskType.CLIENT_APP.value


class Runtime:
    """The SuperNode's runtime API on loopback, used with the secret of this start.

    Args:
        address: ``127.0.0.1:port``.
        secret: shared with the SuperNode; without it no task is handed out.
        dial: gives connections to that address, for a process that may make none itself.
    """

    def __init__(
        self, address: str, secret: bytes, dial: Callable[[], socket] | None = None
    ) -> None:
        check_flwr()
        self._address = address
        self._dial = dial
        self._client = self._connect(
            "SuperExec",
            SuperExecAuthHttpInterceptor(master_secret=secret, protected_methods={_ACQUIRE}),
        )

    def _connect(self, name: str, extra: ProtobufClientInterceptor) -> RuntimeHttpClient:
        client = RuntimeHttpClient.from_server_address(
            server_address=self._address,
            insecure=True,  # loopback; the secret, not TLS, keeps other processes out
            root_certificates=None,
            interceptors=[RuntimeVersionHttpInterceptor(component_name=name), extra],
            retry_invoker=None,
        )
        if self._dial is not None:
            before, client._client = client._client, through(self._dial)  # noqa: SLF001 - this file
            before.close()
        return client

    def claim(self, patience: float = _SECONDS) -> "ClaimedTask | None":
        """Take the oldest waiting task, if there is one.

        Args:
            patience: seconds to wait for an answer.

        Raises:
            UnreachableError: when the SuperNode does not answer, or not to us.
        """
        request = AcquireTaskRequest(supported_task_types=list(_CLAIMED))
        self._client._client.timeout = httpx.Timeout(patience)  # noqa: SLF001 - this file
        try:
            response = self._client.AcquireTask(request)
        except (httpx.HTTPError, ValueError):
            raise _no_supernode() from None
        if not (response.HasField("task") and response.token):
            return None
        connected = self._connect("flwr-clientapp", RuntimeTokenHttpInterceptor(response.token))
        return ClaimedTask(connected, response.task.type)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


class ClaimedTask:
    """One task that is ours until it is answered or let go; use it in a ``with`` block.

    Leaving the block without an answer lets the task go: nothing is sent about it.
    """

    def __init__(self, client: RuntimeHttpClient, task_type: str) -> None:
        self._client = client
        self._type = task_type
        self._left = threading.Event()
        self._heartbeat = threading.Thread(target=self._beat, daemon=True)
        self._message: Message | None = None
        self._run_id = 0
        self._node_id = 0

    def __enter__(self) -> Self:
        self._heartbeat.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
        self._heartbeat.join()
        self._client.close()

    def _beat(self) -> None:
        # Flower's own sender raises SIGINT in this process when a beat comes too late.
        while not self._left.wait(_HEARTBEAT_SECONDS):
            with suppress(httpx.HTTPError, ValueError):
                self._client.SendTaskHeartbeat(SendTaskHeartbeatRequest())

    def is_alive(self) -> bool:
        """Return whether the SuperNode still waits for this task's answer."""
        try:
            return bool(self._client.SendTaskHeartbeat(SendTaskHeartbeatRequest()).success)
        except (httpx.HTTPError, ValueError):
            return False

    def pull(self, max_bytes: int) -> TaskInput:
        """Fetch what the task is about.

        Args:
            max_bytes: most bytes a message may have.

        Raises:
            UnreachableError: when the SuperNode went away.
        """
        try:
            got = self._client.PullTaskInput(PullTaskInputRequest())
            messages = _awaited(self._messages)
        except (httpx.HTTPError, ValueError):
            raise _no_supernode() from None
        self._run_id, self._node_id = got.context.run_id, got.context.node_id
        try:
            tree = messages.message_object_trees[0]
            self._message = message_from_proto(messages.messages_list[0])
        except Exception:  # noqa: BLE001 - a parser fed by strangers; there is nobody to answer
            return TaskInput(self._type, "", got.fab.content, None)
        self._message.metadata.__dict__["_message_id"] = tree.object_id
        return TaskInput(
            task_type=self._type,
            message_type=self._message.metadata.message_type,
            bundle=got.fab.content,
            content=self._content(tree, max_bytes),
        )

    def _messages(self) -> PullAppMessagesResponse | None:
        response = self._client.PullMessages(PullAppMessagesRequest())
        return response if response.messages_list else None

    def _content(self, tree: ObjectTree, max_bytes: int) -> RecordDict | None:
        node = Node(node_id=self._node_id)
        try:
            contents = {
                object_id: _awaited(lambda wanted=object_id: self._object(node, wanted))  # type: ignore[misc]
                for object_id in chain_of(tree)
            }
            self._client.ConfirmMessageReceived(
                ConfirmMessageReceivedRequest(
                    node=node, run_id=self._run_id, message_object_id=tree.object_id
                )
            )
            return inflate(tree.object_id, contents, max_bytes)
        except Refusal:
            return None
        except httpx.HTTPError:
            raise _no_supernode() from None

    def _object(self, node: Node, object_id: str) -> bytes | None:
        request = PullObjectRequest(node=node, run_id=self._run_id, object_id=object_id)
        response = self._client.PullObject(request)
        return bytes(response.object_content) if response.object_available else None

    def answer(self, content: RecordDict) -> None:
        """Send a reply and finish the task.

        Raises:
            UnreachableError: when the SuperNode went away; what was sent may have arrived.
        """
        if self._message is None:
            raise _no_supernode()
        reply = Message(content, reply_to=self._message)
        try:
            push_message(self._client, reply, _Names(self._node_id, self._run_id))  # type: ignore[arg-type]
            self._client.PushTaskOutput(
                PushTaskOutputRequest(sub_status=SubStatus.COMPLETED, details="")
            )
        except (httpx.HTTPError, ValueError, RuntimeError):
            raise _no_supernode() from None


def _awaited(fetch: Callable[[], T | None]) -> T:
    """Return what ``fetch`` brings as soon as there is something.

    The SuperNode hands out a task before it has stored its message and the message's objects.
    """
    deadline = time.monotonic() + _ARRIVAL_SECONDS
    while (found := fetch()) is None:
        if time.monotonic() > deadline:
            raise _no_supernode()
        time.sleep(_ARRIVAL_POLL_SECONDS)
    return found


@dataclass(frozen=True, slots=True)
class _Names:
    """The two fields of a Flower ``Context`` that pushing a message reads; it has no state."""

    node_id: int
    run_id: int


def chain_of(tree: ObjectTree) -> list[str]:
    """Return the object ids of a message that is one record inside one dictionary.

    Raises:
        Refusal: ``message-malformed`` for every other tree, before anything of it is fetched.
    """
    ids = []
    for depth in range(len(_SHAPE)):
        ids.append(tree.object_id)
        if len(tree.children) != (1 if depth + 1 < len(_SHAPE) else 0):
            raise Refusal(RefusalCode.MESSAGE_MALFORMED)
        if tree.children:
            tree = tree.children[0]
    return ids


def inflate(message_id: str, contents: Mapping[str, bytes], max_bytes: int) -> RecordDict:
    """Make records of a message's three objects.

    Raises:
        Refusal: ``message-too-large`` or ``message-malformed``.
    """
    if sum(len(content) for content in contents.values()) > max_bytes:
        raise Refusal(RefusalCode.MESSAGE_TOO_LARGE)
    try:
        sorts = tuple(get_object_type_from_object_content(each) for each in contents.values())
        genuine = all(get_object_id(content) == name for name, content in contents.items())
        sound = sorts == _SHAPE and genuine
        message = inflate_object_from_contents(message_id, dict(contents)) if sound else None
    except Exception:  # noqa: BLE001 - a parser fed by strangers; its words must not travel
        message = None
    if not isinstance(message, Message) or not message.has_content():
        raise Refusal(RefusalCode.MESSAGE_MALFORMED)
    return message.content


def _no_supernode() -> UnreachableError:
    return UnreachableError(
        "The SuperNode on this laptop does not answer.", "Deskbound restarts it by itself."
    )
