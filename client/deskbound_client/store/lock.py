"""One lock for the keys of a vault, across threads and processes.

Whoever commits rows holds it shared; whoever changes keys or forgets holds it alone. So a day that
is forgotten here is never written by a process that has not heard of it yet.
"""

import contextlib
import fcntl
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from deskbound_client.store.files import FILE_MODE, check_private, translated
from deskbound_strategies.errors import BusyError

PATIENCE_SECONDS = 15.0
_POLL_SECONDS = 0.005


class VaultLock:
    """A re-entrant ``flock`` on one file; a thread that holds it alone may take it again.

    Args:
        path: the lock's file, created when it is missing.
        patience: seconds to wait for others before giving up.

    Attributes:
        turn: orders the threads of this process; whoever also takes the lock takes this first.
    """

    def __init__(self, path: Path, patience: float = PATIENCE_SECONDS) -> None:
        self._path = path
        self._patience = patience
        self.turn = threading.RLock()
        self._depth = 0
        self._alone = False
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        with translated(path):
            self._handle = os.open(path, flags, FILE_MODE)
        check_private(path)

    @contextlib.contextmanager
    def shared(self) -> Iterator[None]:
        """Hold the lock together with others who only read keys and commit rows."""
        with self.turn, self._held(alone=False):
            yield

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the lock alone.

        Raises:
            BusyError: when another process keeps it longer than our patience.
        """
        with self.turn:
            if self._depth and not self._alone:
                raise _busy()  # two holders of the shared lock would wait for each other
            with self._held(alone=True):
                yield

    @contextlib.contextmanager
    def _held(self, *, alone: bool) -> Iterator[None]:
        if self._depth == 0:
            self._acquire(fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
            self._alone = alone
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            if self._depth == 0:
                fcntl.flock(self._handle, fcntl.LOCK_UN)

    def _acquire(self, mode: int) -> None:
        deadline = time.monotonic() + self._patience
        while True:
            try:
                fcntl.flock(self._handle, mode | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise _busy() from None
                time.sleep(_POLL_SECONDS)
            else:
                return

    def close(self) -> None:
        """Let go of the file; once more does nothing."""
        handle, self._handle = self._handle, -1
        if handle >= 0:
            os.close(handle)


def _busy() -> BusyError:
    return BusyError(
        "Another Deskbound process holds the vault's keys.",
        "Wait a moment and try again, or run `deskbound stop`.",
    )
