"""Finds out for the agent whether the SuperLink answers: Flower itself retries in silence.

The agent holds the vault's passphrase, so it opens no connection of its own. A child that was told
nothing secret does it, says one word, and is gone; see ``federation/probe.py``.
"""

import queue
from contextlib import suppress

from deskbound_client.federation import supernode
from deskbound_client.federation.supernode import Finding
from deskbound_client.paths import HomePaths
from deskbound_client.processes import Backoff, Child, worker

PATIENCE_SECONDS = 30.0  # looking up a name can take long
STEADY_SECONDS = 60.0  # between looks at a server that answered
_RETRY = Backoff(first=5.0, most=60.0)


class Lookout:
    """Looks now and then, one child at a time; nothing here ever waits for an answer.

    Args:
        paths: of the home, where the child reads whom to look for.
        patience: seconds after which a child that says nothing is ended: nobody answers.
    """

    def __init__(self, paths: HomePaths, patience: float = PATIENCE_SECONDS) -> None:
        self._paths = paths
        self._patience = patience
        self._child: Child | None = None
        self._heard: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._until = 0.0
        self._next = 0.0
        self._failures = 0

    def look(self, now: float) -> None:
        """Begin to look, if it is time to and nobody is looking yet.

        Args:
            now: monotonic seconds.
        """
        if self._child is not None or now < self._next:
            return
        command = worker("probe", "--home", str(self._paths.home))
        environment = supernode.environment(self._paths)
        self._child = Child("probe", command, environment, "", lambda _, line: self._hear(line))
        self._until = now + self._patience

    def found(self, now: float) -> Finding | None:
        """Return what a look has just found, once, or None.

        Args:
            now: monotonic seconds.
        """
        if self._child is None or (self._child.exit_code is None and now < self._until):
            return None
        silent = self._child.exit_code is None
        self._end()
        finding = Finding.UNREACHABLE if silent else self._word()
        self._failures = 0 if finding is Finding.REACHED else self._failures + 1
        self._next = now + (_RETRY.delay(self._failures) if self._failures else STEADY_SECONDS)
        return finding

    def hurry(self) -> None:
        """Look again at the next occasion: something changed."""
        self._next, self._failures = 0.0, 0

    def stop(self) -> None:
        """End a look that is under way; what it found is not wanted any more."""
        self._end()
        self._word()

    def _hear(self, line: str) -> None:
        self._heard.put(line)

    def _end(self) -> None:
        if self._child is not None:
            self._child.stop()
            self._child = None

    def _word(self) -> Finding | None:
        """Return the one word that was said; of a child that said anything else, nothing."""
        said = []
        with suppress(queue.Empty):
            while True:
                said.append(self._heard.get_nowait())
        try:
            (word,) = said
            return Finding(word)
        except ValueError:
            return None
