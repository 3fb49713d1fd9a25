"""Where the log has a leaf, without reading all of it at every look: it only grows."""

import hashlib
import threading

from deskbound_server.database import Database

_AT_ONCE = 500


class LogIndex:
    """Remembers the index of each leaf by its hash, and reads only what is new."""

    def __init__(self) -> None:
        self._at: dict[bytes, int] = {}
        self._size = 0
        self._turn = threading.Lock()

    def of(self, database: Database, leaf: bytes) -> int | None:
        """Return the index of the first leaf with exactly these bytes, or None."""
        with self._turn:
            while found := database.leaves(self._size, _AT_ONCE):
                for data in found:
                    self._at.setdefault(hashlib.sha256(data).digest(), self._size)
                    self._size += 1
            return self._at.get(hashlib.sha256(leaf).digest())
