"""One round on Flower's message API: ask a cohort, take replies singly, combine what is admitted.

Flower's own ``Strategy.start`` keeps every reply until all have arrived; here one reply is resident
at a time, so memory does not grow with the cohort. No noise is added and no budget is kept here:
both are done on the laptops, before anything is sent (that is the DP in the name).

A laptop that does not answer is not asked why: it may be off, paused, or out of budget, and the
server cannot tell. Refusal codes are counted, never tied to a laptop.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from random import SystemRandom
from typing import Protocol

from flwr.app import Message, MessageType, RecordDict

from deskbound_strategies.aggregation import Aggregator, FloatTensors
from deskbound_strategies.codec import Tensors
from deskbound_strategies.contract import RoundContract
from deskbound_strategies.errors import Refusal, RefusalCode
from deskbound_strategies.wire import Reply, parse_reply

POLL_SECONDS = 0.2
PRESENCE_SECONDS = 2.0  # how often to look whether a laptop that went away is back
MAX_ASKS = 3  # of one laptop in one round; the same contract, so it pays once

# Decides about one laptop's reply: the decoded update, or the code under which it does not count.
Judge = Callable[[int, Reply], "Tensors | StrEnum"]
# What is sent to a laptop: the same contract and weights, with a proof of its own.
Request = Callable[[int], RecordDict]


class Grid(Protocol):
    """The three calls of Flower's Grid that a round needs."""

    def get_node_ids(self) -> Iterable[int]:
        """Return the laptops that are connected now."""
        ...

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str | None]:
        """Send messages; returns their ids in order, None for one that was not taken."""
        ...

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        """Return the replies to these messages that have arrived."""
        ...


class ReplyFault(StrEnum):
    """Why a reply was not even read as one."""

    FOREIGN = "foreign"  # from another laptop than the one that was asked
    DUPLICATE = "duplicate"  # the laptop was heard already
    MALFORMED = "malformed"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a round came to; counts only, nothing per laptop.

    Attributes:
        cohort: laptops that were asked.
        admitted: replies that count.
        refused: laptops that refused, by refusal code.
        rejected: replies that do not count, by admission code or reply fault.
        missing: laptops that were not heard before the round closed.
        mean: the combined update, or None when fewer than the minimum cohort were admitted.
        outstanding: messages that were not answered yet, and whom they went to.
    """

    cohort: int
    admitted: int
    refused: dict[str, int]
    rejected: dict[str, int]
    missing: int
    mean: FloatTensors | None
    outstanding: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an open round is; counts only, as in ``Outcome``."""

    asked: int
    admitted: int
    refused: int
    rejected: int


@dataclass(frozen=True, slots=True)
class Clock:
    """Time as a round sees it, so that tests need no waiting."""

    now: Callable[[], float] = time.time
    wait: Callable[[float], None] = time.sleep


@dataclass(slots=True)
class _Tally:
    refused: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    heard: set[int] = field(default_factory=set)
    asks: Counter[int] = field(default_factory=Counter)
    away: set[int] = field(default_factory=set)
    looked: float = 0.0

    def progress(self, asked: int, admitted: int) -> Progress:
        return Progress(asked, admitted, self.refused.total(), self.rejected.total())


def gather(grid: Grid, wanted: int, until: float, clock: Clock | None = None) -> list[int]:
    """Return connected laptops, waiting for ``wanted`` of them until ``until`` (Unix seconds)."""
    clock = clock or Clock()
    nodes = sorted(set(grid.get_node_ids()))
    while len(nodes) < wanted and clock.now() < until:
        clock.wait(POLL_SECONDS)
        nodes = sorted(set(grid.get_node_ids()))
    return nodes


def sample_cohort(nodes: Sequence[int], size: int) -> list[int]:
    """Return at most ``size`` of the laptops, uniformly, from the system's random source.

    No privacy amplification is claimed for this: a server could choose as it likes.
    """
    return SystemRandom().sample(list(nodes), min(size, len(nodes)))


class DpFedAvg:
    """Carries out one round.

    Args:
        grid: Flower's Grid, or anything with its three calls.
        judge: admission; returns the decoded update or the code to count.
        max_update_bytes: most bytes of an update; more is malformed, undecoded.
        enough: close the round once so many are admitted (over-selection); 0 waits for all.
        clock: time source.
        report: told how far the round is, when it begins and whenever a reply came.
    """

    def __init__(
        self,
        grid: Grid,
        judge: Judge,
        *,
        max_update_bytes: int,
        enough: int = 0,
        clock: Clock | None = None,
        report: Callable[[Progress], None] = lambda _: None,
    ) -> None:
        self._grid = grid
        self._judge = judge
        self._max_update_bytes = max_update_bytes
        self._enough = enough
        self._clock = clock or Clock()
        self._report = report

    def run_round(
        self,
        contract: RoundContract,
        request: Request,
        cohort: Sequence[int],
        aggregator: Aggregator,
    ) -> Outcome:
        """Send the contract to the cohort and combine what comes back before the deadline.

        A laptop that went away unheard and came back is asked again, with the same contract: if it
        had an answer ready, it sends the very same one.

        Args:
            contract: the round's terms; its deadline and minimum cohort bind this side too.
            request: makes the message to one laptop: the signed contract, its proof, the model.
            cohort: laptops to ask, each once.
            aggregator: fresh aggregator of the task's layout.
        """
        tally = _Tally(looked=self._clock.now())
        waiting = self._ask(contract, request, dict.fromkeys(cohort), tally)
        self._report(tally.progress(len(cohort), aggregator.count))
        while self._is_open(contract, waiting, tally, aggregator):
            if self._collect(contract, waiting, tally, aggregator):
                self._report(tally.progress(len(cohort), aggregator.count))
            else:
                self._clock.wait(POLL_SECONDS)
            waiting |= self._ask_again(contract, request, waiting, tally)
        released = aggregator.count >= max(1, contract.minimum_cohort)
        return Outcome(
            cohort=len(cohort),
            admitted=aggregator.count,
            refused=dict(tally.refused),
            rejected=dict(tally.rejected),
            missing=len(cohort) - len(tally.heard),
            mean=aggregator.result() if released else None,
            outstanding=waiting,
        )

    def _ask(
        self, contract: RoundContract, request: Request, nodes: Iterable[int], tally: _Tally
    ) -> dict[str, int]:
        """Push one message per laptop, one at a time so that one payload is resident."""
        remaining = max(1.0, contract.deadline - self._clock.now())
        asked: dict[str, int] = {}
        for node in nodes:
            message = Message(
                request(node), node, MessageType.TRAIN, ttl=remaining, group_id=str(contract.round)
            )
            tally.asks[node] += 1
            for message_id in self._grid.push_messages([message]):
                if message_id is not None:
                    asked[message_id] = node
                elif tally.asks[node] < MAX_ASKS:
                    tally.away.add(node)  # gone since it was sampled; it may come back
        return asked

    def _ask_again(
        self, contract: RoundContract, request: Request, waiting: dict[str, int], tally: _Tally
    ) -> dict[str, int]:
        """Ask laptops anew that were away, are back, and were not heard."""
        if self._clock.now() < tally.looked + PRESENCE_SECONDS:
            return {}
        tally.looked = self._clock.now()
        present = set(self._grid.get_node_ids())
        unheard = {node for node in tally.asks if node not in tally.heard}
        back = sorted(tally.away & present & unheard)
        tally.away = {
            node for node in (tally.away | unheard) - present if tally.asks[node] < MAX_ASKS
        }
        for message_id in [one for one, node in waiting.items() if node in back]:
            del waiting[message_id]  # it went down with the laptop
        return self._ask(contract, request, back, tally)

    def _is_open(
        self,
        contract: RoundContract,
        waiting: dict[str, int],
        tally: _Tally,
        aggregator: Aggregator,
    ) -> bool:
        """Wait for laptops that went away only where the round needs them."""
        lacking = aggregator.count < contract.minimum_cohort
        awaited = bool(waiting) or (lacking and bool(tally.away))
        return awaited and not self._closed(contract, aggregator)

    def _closed(self, contract: RoundContract, aggregator: Aggregator) -> bool:
        if self._enough and aggregator.count >= self._enough:
            return True
        return self._clock.now() >= contract.deadline

    def _collect(
        self,
        contract: RoundContract,
        waiting: dict[str, int],
        tally: _Tally,
        aggregator: Aggregator,
    ) -> bool:
        """Pull once for every laptop still awaited; True when anything came.

        One laptop at a time: Flower would inflate a whole batch at once, and one reply it cannot
        inflate would take the others of its batch with it. Lost connections do not end up here,
        Flower's Grid retries those itself.
        """
        progress = False
        for message_id in list(waiting):
            try:
                replies = self._grid.pull_messages([message_id])
            except Exception:  # noqa: BLE001 - Flower inflates what a hostile laptop composed
                tally.heard.add(waiting.pop(message_id))
                tally.rejected[ReplyFault.MALFORMED.value] += 1
                continue
            for reply in replies:
                progress = True
                answered = reply.metadata.reply_to_message_id
                self._take(contract, waiting.pop(answered, None), reply, tally, aggregator)
            if self._closed(contract, aggregator):
                break
        return progress

    def _take(
        self,
        contract: RoundContract,
        node: int | None,
        message: Message,
        tally: _Tally,
        aggregator: Aggregator,
    ) -> None:
        """Count one reply, and add its update when it is admitted.

        An error is Flower's report, in the laptop's place, that it signed off or did not deliver:
        that is silence, and its text is not looked at. It may come back.
        """
        if node is not None and message.has_error():
            if tally.asks[node] < MAX_ASKS:
                tally.away.add(node)
            return
        read = self._read(contract, node, message, tally.heard)
        if node is not None:
            tally.heard.add(node)
        if isinstance(read, RefusalCode):
            tally.refused[read.value] += 1
        elif isinstance(read, StrEnum):
            tally.rejected[read.value] += 1
        else:
            aggregator.add(read)

    def _read(
        self, contract: RoundContract, node: int | None, message: Message, heard: set[int]
    ) -> "Tensors | StrEnum":
        if node is None or node in heard:
            return ReplyFault.DUPLICATE
        if message.metadata.src_node_id != node:
            return ReplyFault.FOREIGN
        if self._clock.now() >= contract.deadline:
            return ReplyFault.LATE
        try:
            reply = parse_reply(message.content, max_update_bytes=self._max_update_bytes)
        except Refusal:
            return ReplyFault.MALFORMED
        return reply if isinstance(reply, RefusalCode) else self._judge(node, reply)
