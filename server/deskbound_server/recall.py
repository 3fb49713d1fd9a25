"""Lets each laptop sign in anew, once: so that one which holds a round hears what comes next.

Flower's SuperNode takes no message while it holds an unanswered one, and a round may be held for
hours, while its owner works. An order to stop must not wait for that. A SuperNode whose heartbeat
(every 25 seconds at most) is answered with 401 ends, its agent starts it anew, and then it takes
messages again. Whoever delivers the order asks for that; the gate, in another process, does it.
"""

import hashlib
import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

from deskbound_server.home import write_private

RECALL = "recall"  # the file's name in run/
HEARTBEAT_PATH = "/v1/fleet/send-node-heartbeat"
KEY_HEADER = b"flwr-public-key"
SECONDS = 30.0  # longer than it takes until every heartbeat came once
MOST_KEYS = 100_000  # remembered at most; who is not remembered is left alone


class Recall:
    """Answers heartbeats with 401 for a while, each laptop's once.

    Args:
        path: of the file that says until when, in Unix seconds.
        clock: Unix time.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock
        self._until = 0.0
        self._done: set[bytes] = set()

    def ask(self) -> None:
        """Let every laptop that is connected sign in anew."""
        write_private(self._path, str(self._clock() + SECONDS).encode("ascii"))

    def verdict(self, path: str, key: bytes | None) -> HTTPStatus | None:
        """Return 401 for a heartbeat that is to end its connection, else None.

        Args:
            path: of the request.
            key: the public key that it shows.
        """
        if path != HEARTBEAT_PATH or key is None:
            return None
        until = self._read()
        if until != self._until:
            self._until, self._done = until, set()
        # Nobody has checked the key yet, so it may be anything, and long.
        shown = hashlib.sha256(key).digest()
        if self._clock() >= until or shown in self._done or len(self._done) >= MOST_KEYS:
            return None
        self._done.add(shown)
        return HTTPStatus.UNAUTHORIZED

    def _read(self) -> float:
        try:
            return float(self._path.read_text("ascii"))
        except (OSError, ValueError):
            return 0.0
