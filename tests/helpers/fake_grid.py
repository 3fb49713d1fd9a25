"""A Grid that behaves: messages get ids, replies arrive when the clock says so, errors happen."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from flwr.app import Error, Message, RecordDict
from flwr.supercore.task_identity import TaskIdentity

Answer = Callable[[Message], "RecordDict | Error | Exception | None"]


@dataclass
class FakeClock:
    """Time that passes only when somebody waits."""

    time: float = 1_000.0

    def now(self) -> float:
        return self.time

    def wait(self, seconds: float) -> None:
        self.time += seconds


@dataclass
class FakeNode:
    """A laptop: what it answers, how long it takes, how often it repeats itself, when it is away.

    What it was asked while it is away, or had not answered when it left, is lost.
    """

    answer: Answer
    seconds: float = 0.0
    copies: int = 1
    claims_to_be: int | None = None
    away: tuple[tuple[float, float], ...] = ()

    def is_there(self, at: float) -> bool:
        return not any(left <= at < back for left, back in self.away)

    def stays(self, begin: float, end: float) -> bool:
        return self.is_there(end) and not any(begin <= left <= end for left, _ in self.away)


@dataclass
class FakeGrid:
    clock: FakeClock
    nodes: dict[int, FakeNode]
    sent: list[Message] = field(default_factory=list)
    largest_pull: int = 0
    _replies: dict[str, list[tuple[float, Any]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # Flower composes messages only inside a task; ours is the first one of run 1.
        TaskIdentity.run_id, TaskIdentity.task_id, TaskIdentity.node_id = 1, 1, 1

    def get_node_ids(self) -> Iterable[int]:
        now = self.clock.now()
        return [node for node, laptop in self.nodes.items() if laptop.is_there(now)]

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str | None]:
        return [self._deliver(message) for message in messages]

    def _deliver(self, message: Message) -> str | None:
        node = self.nodes.get(message.metadata.dst_node_id)
        if node is None or not node.is_there(self.clock.now()):
            return None
        message_id = f"message-{len(self.sent)}"
        message.metadata.__dict__["_message_id"] = message_id
        self.sent.append(message)
        answer = node.answer(message)
        if answer is None:
            return message_id
        ready = self.clock.now() + node.seconds
        if not node.stays(self.clock.now(), ready):
            return message_id
        for _ in range(node.copies):
            made = answer if isinstance(answer, Exception) else self._reply(message, answer, node)
            self._replies.setdefault(message_id, []).append((ready, made))
        return message_id

    def _reply(self, message: Message, answer: RecordDict | Error, node: FakeNode) -> Message:
        reply = Message(answer, reply_to=message)
        sender = node.claims_to_be or message.metadata.dst_node_id
        reply.metadata.__dict__["_src_node_id"] = sender
        return reply

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        found: list[Message] = []
        for message_id in message_ids:
            waiting = self._replies.get(message_id, [])
            ready = [reply for at, reply in waiting if at <= self.clock.now()]
            self._replies[message_id] = [pair for pair in waiting if pair[0] > self.clock.now()]
            for reply in ready:
                if isinstance(reply, Exception):
                    raise reply
                found.append(reply)
        self.largest_pull = max(self.largest_pull, len(found))
        return found
