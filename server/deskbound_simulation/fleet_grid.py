"""Flower's Grid as the server knows it, over virtual laptops and a clock that jumps.

Which laptops are there, and whose answers get lost, is drawn from the seed for each attempt.
Answers are handed out in the order of laptops, whoever was ready first, so that sums do not depend
on how many work at once. While somebody works the clock stands still; when nobody does and answers
are still awaited, they were lost, and it jumps to the deadline.
"""

import itertools
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from flwr.app import ConfigRecord, Context, Message, RecordDict
from flwr.app.user_config import UserConfig

from deskbound_simulation.activity import BEGIN
from deskbound_simulation.engine import Engine
from deskbound_simulation.seeds import seeded_chances
from deskbound_simulation.worker import RECORD
from deskbound_strategies.dp_fedavg import PRESENCE_SECONDS
from deskbound_strategies.wire import RECORD as OURS

DAY_SECONDS = 86_400
_TTL = 365.0 * DAY_SECONDS  # of Flower's messages, which go by the real clock
_PATIENCE = 0.5  # seconds until a wait looks again; nothing depends on it


@dataclass(frozen=True, slots=True)
class Chances:
    """What fate has in store for each laptop at each attempt.

    Attributes:
        seed: of the draws.
        laptops: how many there are.
        cohort: most that are asked.
        availability: chance of a laptop to be there.
        dropout: chance of an answer to be lost, after it was paid for.
    """

    seed: int
    laptops: int
    cohort: int
    availability: float
    dropout: float

    def asked(self, attempt: int) -> list[int]:
        """Return the laptops to ask, in order."""
        draw = seeded_chances(self.seed, "available", attempt)
        there = (draw.random(self.laptops) < self.availability).nonzero()[0]
        count = min(self.cohort, len(there))
        return sorted(int(one) for one in draw.choice(there, count, replace=False))

    def lost(self, attempt: int) -> set[int]:
        """Return the laptops whose answers would be lost."""
        draw = seeded_chances(self.seed, "dropout", attempt)
        return {int(one) for one in (draw.random(self.laptops) < self.dropout).nonzero()[0]}


@dataclass(slots=True)
class Attempt:
    """What happened in one attempt at a round.

    Attributes:
        asked: laptops, in order.
        lost: those whose answers get lost.
        silent: why laptops said nothing.
        answered: answers that arrived, refusals among them.
        bytes_down, bytes_up: of our records, in messages sent and answers that arrived.
        ready: answers not handed out yet, by laptop.
        next: position in ``asked`` of the next answer to hand out.
    """

    asked: list[int]
    lost: set[int]
    silent: Counter[str] = field(default_factory=Counter)
    answered: int = 0
    bytes_down: int = 0
    bytes_up: int = 0
    ready: dict[int, Message] = field(default_factory=dict)
    next: int = 0


class FleetGrid:
    """The three calls of a Grid, and the clock; used by one thread, served by many.

    Args:
        engine: lets laptops work.
        chances: who is there.
        rounds_per_day: how many attempts to put into a simulated day.
        told: called when a laptop was done, from any thread.
    """

    def __init__(
        self,
        engine: Engine,
        chances: Chances,
        rounds_per_day: int,
        told: Callable[[], None] = lambda: None,
    ) -> None:
        self.attempts: list[Attempt] = []
        self.worked = 0  # messages that laptops were done with
        self.memories: dict[int, RecordDict] = {}
        self._engine = engine
        self._chances = chances
        self._spacing = DAY_SECONDS / rounds_per_day
        self._told = told
        self._pool = ThreadPoolExecutor(engine.workers)
        self._changed = threading.Condition()
        self._now = BEGIN.timestamp()
        self._deadline = self._now
        self._working = 0
        self._looks_back = False  # the round looks once who is back after the clock has jumped
        self._broken: BaseException | None = None
        self._asked: dict[str, tuple[Attempt, int]] = {}
        self._numbers = itertools.count()

    def ask_at_most(self, cohort: int) -> None:
        """Say how many laptops the rounds to come ask: another run may follow."""
        self._chances = replace(self._chances, cohort=cohort)

    def close(self) -> None:
        """Let whoever works come to an end, and nobody else begin."""
        self._pool.shutdown(cancel_futures=True)

    def now(self) -> float:
        """Return the simulated Unix time."""
        return self._now

    def wait(self, seconds: float) -> None:
        """Wait until something changed; where nothing can, let the time pass.

        Raises:
            Exception: whatever ended a worker.
        """
        with self._changed:
            if self._broken is not None:
                raise self._broken
            if self._deliverable():
                return
            if self._working:
                self._changed.wait(_PATIENCE)
                return
            # Long enough that whoever waits looks who is back, and finds the time over.
            self._now = max(self._now + max(seconds, PRESENCE_SECONDS), self._deadline)
            self._looks_back = True

    def get_node_ids(self) -> Iterable[int]:
        """Return whom to ask: the cohort itself, for it is drawn here; nobody comes back."""
        if self._looks_back:
            self._looks_back = False
            return []
        self.let_finish()  # a laptop works on one thing at a time
        number = len(self.attempts)
        self._now = max(self._now + 1, BEGIN.timestamp() + number * self._spacing)
        attempt = Attempt(self._chances.asked(number), self._chances.lost(number))
        self.attempts.append(attempt)
        return [laptop + 1 for laptop in attempt.asked]

    def let_finish(self) -> None:
        """Wait for everybody who was asked, also for answers too late to count.

        Raises:
            Exception: whatever ended a worker.
        """
        with self._changed:
            while self._working:
                self._changed.wait(_PATIENCE)
            if self._broken is not None:
                raise self._broken

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str | None]:
        """Let laptops work on messages."""
        return [self._push(message) for message in messages]

    def _push(self, message: Message) -> str:
        attempt, laptop = self.attempts[-1], message.metadata.dst_node_id - 1
        message_id = f"message-{next(self._numbers)}"
        self._deadline = self._now + message.metadata.ttl
        message.metadata.__dict__["_message_id"] = message_id
        message.metadata.ttl = _TTL
        attempt.bytes_down += size_of(message)
        self._asked[message_id] = attempt, laptop
        with self._changed:
            self._working += 1
        self._pool.submit(self._work, attempt, laptop, message)
        return message_id

    def _work(self, attempt: Attempt, laptop: int, message: Message) -> None:
        reply: Message | None = None
        try:
            reply, after = self._engine.process(message, self._context(laptop, message))
            self.memories[laptop] = after.state
        except BaseException as error:  # noqa: BLE001 - raised again where somebody waits
            self._broken = error
        with self._changed:
            self._working -= 1
            self.worked += 1
            if reply is not None:
                attempt.ready[laptop] = reply
            self._changed.notify_all()
        self._told()

    def _context(self, laptop: int, message: Message) -> Context:
        memory = self.memories.get(laptop) or RecordDict({RECORD: ConfigRecord({"state": b""})})
        node = {"partition-id": laptop, "now": self._now}
        return Context(message.metadata.run_id, laptop + 1, UserConfig(node), memory, UserConfig())

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        """Return the answers to these messages whose turn it is."""
        with self._changed:
            found = (self._next(*self._asked[message_id]) for message_id in message_ids)
            return [reply for reply in found if reply is not None]

    def _next(self, attempt: Attempt, laptop: int) -> Message | None:
        self._pass_over_lost(attempt)
        if laptop not in attempt.ready or laptop in attempt.lost:
            return None
        if attempt is not self.attempts[-1]:  # too late to count, so its turn does not matter
            return attempt.ready.pop(laptop)
        if attempt.asked[attempt.next] != laptop:
            return None
        attempt.next += 1
        reply = attempt.ready.pop(laptop)
        if reply.has_error():
            attempt.silent[reply.error.reason or ""] += 1
        else:
            attempt.answered += 1
            attempt.bytes_up += size_of(reply)
        return reply

    def _pass_over_lost(self, attempt: Attempt) -> None:
        while attempt.next < len(attempt.asked):
            laptop = attempt.asked[attempt.next]
            if laptop not in attempt.lost or laptop not in attempt.ready:
                return
            del attempt.ready[laptop]
            attempt.next += 1

    def _deliverable(self) -> bool:
        attempt = self.attempts[-1]
        self._pass_over_lost(attempt)
        return attempt.next < len(attempt.asked) and attempt.asked[attempt.next] in attempt.ready


def size_of(message: Message) -> int:
    """Return the bytes of our record in a message."""
    if message.has_error():
        return 0
    record = message.content[OURS]
    return sum(len(value) for value in record.values() if isinstance(value, bytes | str))
