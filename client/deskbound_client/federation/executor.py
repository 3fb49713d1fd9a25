"""The warm process that answers tasks: waits, claims, responds; one task after the other.

It holds the vault and has no network but the SuperNode's runtime API on loopback, at a port that
it chooses. What it tells its supervisor are words of a closed list (``Word``), one a line, so that
the supervisor can keep the SuperNode off whenever this laptop is not to be seen.
"""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from socket import socket
from typing import Protocol

from deskbound_client.federation.client_app import respond
from deskbound_client.federation.participant import Laptop, Silence
from deskbound_client.federation.ports import free_port
from deskbound_client.federation.private_flwr import ClaimedTask, Runtime, TaskInput
from deskbound_client.federation.supernode import LOOPBACK
from deskbound_strategies import wire
from deskbound_strategies.errors import UnreachableError

POLL_SECONDS = 0.5
LISTEN_SECONDS = 1.0  # how long training waits for a SuperNode to say whether something came
HANGS_SECONDS = 15.0  # and how long one that did not say is left alone
_ENVELOPE_BYTES = 64 * 1024  # Flower's own headers around our two byte strings


class Word(StrEnum):
    """What the supervisor is told."""

    PORT = "port"  # followed by a number: where the SuperNode is to offer its runtime API
    READY = "ready"  # warm: everything heavy is imported
    WILLING = "willing"  # the SuperNode may be seen
    UNWILLING = "unwilling"  # paused, or no consent to updates
    CLAIMED = "claimed"
    PARTING = "parting"  # an order to stop came: what is answered to it may still leave
    ANSWERED = "answered"  # an update or a refusal code was handed to the SuperNode
    SILENT = "silent"  # followed by a Unix time: go offline until then
    LOST = "lost"  # the SuperNode went away before the answer was handed over


class Endpoint(Protocol):
    """Where tasks come from."""

    def claim(self, patience: float = ...) -> ClaimedTask | None:
        """Take the oldest waiting task, if there is one; wait so many seconds for an answer."""


Say = Callable[[str], None]


def serve(
    endpoint: Endpoint,
    laptop: Laptop,
    say: Say,
    stop: threading.Event,
    beside: Callable[[], None] = lambda: None,
    *,
    may_work: Callable[[], bool] = lambda: True,
    received: Callable[[int], None] = lambda _: None,
) -> None:
    """Answer tasks until told to stop.

    Args:
        endpoint: the SuperNode's runtime API.
        laptop: this one.
        say: tells the supervisor one line.
        stop: set to end after the task at hand.
        beside: called between tasks, in this thread; it must not raise.
        may_work: whether a round may be begun now; until then its contract waits. An order to
            stop does not wait.
        received: told how many bytes each task brought.
    """
    said = None
    tasks = _Tasks(endpoint, laptop, say, stop, received)
    laptop.listen_while_training(tasks.listen)
    while not stop.is_set():
        beside()
        word = Word.WILLING if laptop.is_willing() else Word.UNWILLING
        if word is not said:
            say(word)
            said = word
        if word is Word.UNWILLING:
            tasks.let_go()  # and claim nothing: what comes stays unread
        elif tasks.look() and may_work():
            tasks.work()
            continue
        stop.wait(POLL_SECONDS)
    tasks.let_go()


class _Tasks:
    """The task that is waiting to be worked on, if there is one, and whatever comes meanwhile.

    A SuperNode hands out one task and takes the next message when that is answered. So a task that
    comes while another is held comes from a SuperNode that was started anew, and the one that was
    held is nobody's any more.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        laptop: Laptop,
        say: Say,
        stop: threading.Event,
        received: Callable[[int], None],
    ) -> None:
        self._endpoint = endpoint
        self._laptop = laptop
        self._say = say
        self._stop = stop
        self._received = received
        self._held: tuple[ClaimedTask, TaskInput] | None = None
        self._listen_at = 0.0

    def look(self) -> bool:
        """Take the task that came, if one did; return whether one waits to be worked on.

        An order to stop is obeyed at once and never waits.
        """
        with suppress(UnreachableError):  # it is being started, or was stopped on purpose
            if (task := self._endpoint.claim()) is not None:
                self._take(task)
            return self._held is not None
        return False

    def listen(self) -> None:
        """Look now and then; called again and again while a round is worked on.

        A SuperNode that hangs must hold up nobody's training: it is asked with little patience, and
        then not for a while.
        """
        begun = time.monotonic()
        if begun < self._listen_at:
            return
        pause = POLL_SECONDS
        try:
            task = self._endpoint.claim(LISTEN_SECONDS)
        except UnreachableError:
            if time.monotonic() >= begun + LISTEN_SECONDS:
                pause = HANGS_SECONDS
        else:
            if task is not None:
                self._take(task)
        self._listen_at = time.monotonic() + pause

    def work(self) -> None:
        """Answer the task that waits."""
        if self._held is None:
            return
        (task, brought), self._held = self._held, None
        try:
            if task.is_alive():
                self._answer(task, brought)
            else:
                self._say(Word.LOST)
        finally:
            task.__exit__(None, None, None)

    def let_go(self) -> None:
        """Give up the task that waits: nothing is said about it."""
        if self._held is not None:
            (task, _), self._held = self._held, None
            task.__exit__(None, None, None)

    def _take(self, task: ClaimedTask) -> None:
        self.let_go()
        self._say(Word.CLAIMED)
        task.__enter__()
        kept = False
        try:
            brought = task.pull(_most_bytes(self._laptop))
            self._received(brought.size)
            if wire.is_stop(brought.content):
                self._say(Word.PARTING)
                self._answer(task, brought)
            else:
                self._held, kept = (task, brought), True
        except UnreachableError:
            self._say(Word.LOST)
        finally:
            if not kept:
                task.__exit__(None, None, None)

    def _answer(self, task: ClaimedTask, brought: TaskInput) -> None:
        outcome = respond(brought, self._laptop)
        if isinstance(outcome, Silence):
            self._say(f"{Word.SILENT} {outcome.until}")
            # The claim is held until the SuperNode is off: a claim that lapses would make the
            # SuperNode report a crash, which is not what an offline laptop does.
            self._wait_until_gone()
            return
        try:
            task.answer(outcome)
        except UnreachableError:
            self._say(Word.LOST)
        else:
            self._say(Word.ANSWERED)

    def _wait_until_gone(self) -> None:
        while not self._stop.wait(POLL_SECONDS):
            try:
                self._endpoint.claim()
            except UnreachableError:
                return


def _most_bytes(laptop: Laptop) -> int:
    return laptop.floor.max_message_bytes + wire.MAX_CONTRACT_BYTES + _ENVELOPE_BYTES


def run_executor(
    secret: bytes,
    laptop: Laptop,
    say: Say,
    stop: threading.Event,
    *,
    port: int = 0,
    dial: Callable[[], socket] | None = None,
    beside: Callable[[], None] = lambda: None,
    may_work: Callable[[], bool] = lambda: True,
    received: Callable[[int], None] = lambda _: None,
) -> None:
    """Serve the runtime API of a SuperNode that is still to be started, until told to stop.

    Args:
        secret: shared with the SuperNode.
        laptop: this one.
        say: tells the supervisor one line.
        stop: set to end after the task at hand.
        port: of loopback, where that API will be; 0 for any that is free.
        dial: gives connections to it; None to connect from this process.
        beside: see ``serve``.
        may_work: see ``serve``.
        received: see ``serve``.
    """
    port = port or free_port()
    runtime = Runtime(f"{LOOPBACK}:{port}", secret, dial)
    try:
        say(f"{Word.PORT} {port}")
        say(Word.READY)
        serve(runtime, laptop, say, stop, beside, may_work=may_work, received=received)
    finally:
        runtime.close()
