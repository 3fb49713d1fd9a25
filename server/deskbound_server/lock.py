"""Advisory file locks that the system releases when their holder dies, however it dies."""

import fcntl
import os
import time
from pathlib import Path
from typing import Self


class FileLock:
    """Tries to take a lock for the length of a ``with`` block; ``held`` says whether it did.

    Args:
        path: file to lock; made when it is missing.
        patience: seconds to keep trying.
    """

    def __init__(self, path: Path, patience: float = 0.0) -> None:
        self._path = path
        self._patience = patience
        self._handle = -1
        self.held = False

    def __enter__(self) -> Self:
        self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        until = time.monotonic() + self._patience
        self.held = self._try()
        while not self.held and time.monotonic() < until:
            time.sleep(0.02)
            self.held = self._try()
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._handle)
        self.held = False

    def _try(self) -> bool:
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
