"""The warm process that answers tasks: waits, claims, responds; one task after the other.

It holds the vault and has no network but the SuperNode's runtime API on loopback, at a port that
it chooses. What it tells its supervisor are words of a closed list (``Word``), one a line, so that
the supervisor can keep the SuperNode off whenever this laptop is not to be seen.
"""

import threading
from collections.abc import Callable
from enum import StrEnum
from socket import socket
from typing import Protocol

from deskbound_client.federation.client_app import respond
from deskbound_client.federation.participant import Laptop, Silence
from deskbound_client.federation.ports import free_port
from deskbound_client.federation.private_flwr import ClaimedTask, Runtime
from deskbound_client.federation.supernode import LOOPBACK
from deskbound_strategies import wire
from deskbound_strategies.errors import UnreachableError

POLL_SECONDS = 0.5
_ENVELOPE_BYTES = 64 * 1024  # Flower's own headers around our two byte strings


class Word(StrEnum):
    """What the supervisor is told."""

    PORT = "port"  # followed by a number: where the SuperNode is to offer its runtime API
    READY = "ready"  # warm: everything heavy is imported
    WILLING = "willing"  # the SuperNode may be seen
    UNWILLING = "unwilling"  # paused, or no consent to updates
    CLAIMED = "claimed"
    ANSWERED = "answered"  # an update or a refusal code was handed to the SuperNode
    SILENT = "silent"  # followed by a Unix time: go offline until then
    LOST = "lost"  # the SuperNode went away before the answer was handed over


class Endpoint(Protocol):
    """Where tasks come from."""

    def claim(self) -> ClaimedTask | None:
        """Take the oldest waiting task, if there is one."""


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
        may_work: whether a task may be begun now; until then it waits, unread, in the SuperNode.
        received: told how many bytes each task brought.
    """
    said = None
    while not stop.is_set():
        beside()
        word = Word.WILLING if laptop.is_willing() else Word.UNWILLING
        if word is not said:
            say(word)
            said = word
        # Whoever is not willing claims nothing: the task stays unread.
        idle = word is Word.UNWILLING or not may_work()
        if idle or not _serve_one(endpoint, laptop, say, stop, received):
            stop.wait(POLL_SECONDS)


def _serve_one(
    endpoint: Endpoint,
    laptop: Laptop,
    say: Say,
    stop: threading.Event,
    received: Callable[[int], None],
) -> bool:
    """Answer one task if there is one; return whether there was."""
    try:
        task = endpoint.claim()
    except UnreachableError:
        return False  # it is being started, or was stopped on purpose
    if task is None:
        return False
    say(Word.CLAIMED)
    with task:
        try:
            _answer(task, laptop, say, lambda: _gone(endpoint, stop), received)
        except UnreachableError:
            say(Word.LOST)
    return True


def _answer(
    task: ClaimedTask,
    laptop: Laptop,
    say: Say,
    wait_until_gone: Callable[[], None],
    received: Callable[[int], None],
) -> None:
    most = laptop.floor.max_message_bytes + wire.MAX_CONTRACT_BYTES + _ENVELOPE_BYTES
    brought = task.pull(most)
    received(brought.size)
    outcome = respond(brought, laptop)
    if isinstance(outcome, Silence):
        say(f"{Word.SILENT} {outcome.until}")
        # The claim is held until the SuperNode is off: a claim that lapses would make the
        # SuperNode report a crash, which is not what an offline laptop does.
        wait_until_gone()
        return
    task.answer(outcome)
    say(Word.ANSWERED)


def _gone(endpoint: Endpoint, stop: threading.Event) -> None:
    while not stop.wait(POLL_SECONDS):
        try:
            endpoint.claim()
        except UnreachableError:
            return


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
