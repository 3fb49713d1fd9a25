"""Brings a stop order to the laptops that are connected, until all of them said that it came.

It runs as a ServerApp of its own, beside whatever else runs, and ends when nobody it waits for is
connected; ``dispatch.py`` starts the next when somebody is. What a laptop answers depends on the
order alone, so nothing is kept of it but that it need not be asked again.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from flwr.app import Message, MessageType

from deskbound_server import stop_orders
from deskbound_server.database import Database
from deskbound_server.log import Log, Prover, cosigned_by
from deskbound_server.stop_orders import OpenOrder
from deskbound_strategies.dp_fedavg import Clock, Grid, ReplyFault
from deskbound_strategies.errors import Refusal, RefusalCode
from deskbound_strategies.note import Verifier
from deskbound_strategies.wire import parse_stopped, stop_message

RUN = "stop-orders"  # what the pointer is told in place of a run's id
LOCK = "stop-orders.lock"  # who holds it delivers
POLL_SECONDS = 0.5
IDLE_SECONDS = 20.0  # nobody to reach was there for so long
ASK_AGAIN_SECONDS = 20.0  # after an answer that was none, or no answer at all
WITNESS_SECONDS = 15.0
UNHEARD_SECONDS = 10.0  # a laptop that takes messages has answered by then
RECALL_AGAIN_SECONDS = 90.0
TTL_SECONDS = 120.0
FAREWELL_SECONDS = 15.0  # an answer may come so long after its laptop signed off


@dataclass(slots=True)
class _Asked:
    """A message that is under way to a laptop.

    Attributes:
        order: id of what it carries.
        node: whom it went to.
        at: Unix seconds.
        left: since when it is not connected any more; its answer may have come just before.
    """

    order: str
    node: int
    at: float
    left: float | None = None


@dataclass(slots=True)
class Delivery:
    """Delivers the latest order.

    Attributes:
        database: of the server.
        log: of the server.
        witnesses: whose cosignatures are waited for, for a while.
        grid: reaches laptops.
        clock: time source.
        recall: lets laptops that hold an unanswered round sign in anew.
    """

    database: Database
    log: Log
    witnesses: Sequence[Verifier]
    grid: Grid
    clock: Clock
    recall: Callable[[], None] = lambda: None
    _asked: dict[str, _Asked] = field(default_factory=dict)
    _not_before: dict[int, float] = field(default_factory=dict)
    _awaited: int = 0
    _recalled: float = -math.inf

    def run(self) -> None:
        """Deliver until all are reached, or nobody who is not was there for a while."""
        seen = self.clock.now()
        while (found := self._still_open()) is not None:
            if self._step(found):
                seen = self.clock.now()
            elif self.clock.now() > seen + IDLE_SECONDS:
                return
            self.clock.wait(POLL_SECONDS)

    def _still_open(self) -> OpenOrder | None:
        """Take the answers that came, and return the order if it waits for anybody after that."""
        found = stop_orders.latest(self.database)
        if found is not None and self._asked:
            self._collect(found)
            found = stop_orders.latest(self.database)
        return found if found is not None and found.waiting else None

    def _step(self, found: OpenOrder) -> bool:
        """Ask whom that is there and was not asked; return whether anybody is there."""
        present = found.waiting & set(self.grid.get_node_ids())
        self._forget_lost(present)
        under_way = {one.node for one in self._asked.values()}
        now = self.clock.now()
        due = [
            node for node in sorted(present - under_way) if self._not_before.get(node, 0.0) <= now
        ]
        if due:
            self._ask(found, due)
        if any(now > one.at + UNHEARD_SECONDS for one in self._asked.values() if one.left is None):
            self._recall_once(now)
        return bool(present)

    def _recall_once(self, now: float) -> None:
        """Whoever does not answer holds a round, and takes nothing while it does."""
        if now > self._recalled + RECALL_AGAIN_SECONDS:
            self._recalled = now
            self.recall()

    def _ask(self, found: OpenOrder, nodes: list[int]) -> None:
        prover = self._prover(found)
        anchors = self.database.anchors()
        for node in nodes:
            if node not in anchors:
                continue
            content = stop_message(found.envelope, prover.prove_stop(anchors[node]))
            message = Message(content, node, MessageType.TRAIN, ttl=TTL_SECONDS, group_id="stop")
            for message_id in self.grid.push_messages([message]):
                if message_id is not None:
                    self._asked[message_id] = _Asked(found.order.id, node, self.clock.now())

    def _prover(self, found: OpenOrder) -> Prover:
        """Return what proves under the head of now: a laptop may know a later one than the order's.

        Witnesses are waited for once for each head; whether they suffice, each laptop decides.
        """
        with self.log.turn():
            prover = self.log.stop_prover(found.leaf)
        size = prover.head.size
        until = self.clock.now() + WITNESS_SECONDS
        while self.witnesses and size != self._awaited and self.clock.now() < until:
            if len(cosigned_by(self.database, size, self.witnesses)) == len(self.witnesses):
                break
            self.clock.wait(POLL_SECONDS)
        self._awaited = size
        return prover

    def _collect(self, found: OpenOrder) -> None:
        for message_id, asked in list(self._asked.items()):
            if asked.order != found.order.id:  # a newer order took its place meanwhile
                del self._asked[message_id]
                continue
            try:
                replies = list(self.grid.pull_messages([message_id]))
            except Exception:  # noqa: BLE001 - Flower inflates what a hostile laptop composed
                self._settle(found, message_id, ReplyFault.MALFORMED.value)
                continue
            for reply in replies:
                self._settle(found, message_id, _verdict(found, asked.node, reply))

    def _settle(self, found: OpenOrder, message_id: str, verdict: str) -> None:
        """Note what came of a message: reached, gone before it answered, or refused."""
        asked = self._asked.pop(message_id, None)
        if asked is None:
            return
        if verdict == _REACHED:
            stop_orders.reached(self.database, found.order, asked.node)
        elif verdict != _GONE:
            stop_orders.refused(self.database, found.order, verdict)
            self._not_before[asked.node] = self.clock.now() + ASK_AGAIN_SECONDS

    def _forget_lost(self, present: frozenset[int]) -> None:
        """Drop messages of laptops that left, and those that stayed unanswered for too long.

        A laptop that obeyed leaves soon after, and its answer may be on its way to us.
        """
        now = self.clock.now()
        for message_id, asked in list(self._asked.items()):
            if asked.node not in present:
                asked.left = asked.left or now
            back = asked.left is not None and asked.node in present
            gone = asked.left is not None and now > asked.left + FAREWELL_SECONDS
            if back or gone or now > asked.at + TTL_SECONDS:
                del self._asked[message_id]


_REACHED, _GONE = "", "gone"


def _verdict(found: OpenOrder, node: int, reply: Message) -> str:
    if reply.has_error():  # Flower's own, in the laptop's place: it signed off
        return _GONE
    if reply.metadata.src_node_id != node:
        return ReplyFault.FOREIGN.value
    try:
        answer = parse_stopped(reply.content)
    except Refusal:
        return ReplyFault.MALFORMED.value
    if isinstance(answer, RefusalCode):
        return answer.value
    return _REACHED if answer == found.order.digest() else ReplyFault.MALFORMED.value
