"""The month's account of bytes sent and received: charged before anything is sent, never refunded.

One small file (0600) of the home, shared by the executor, which knows each message, and the agent,
which adds what being connected costs by itself. A damaged account counts as used up.
"""

import fcntl
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from deskbound_client.store.files import read_private, replace_private
from deskbound_strategies.errors import DeskboundError, NotFoundError

# Measured: a SuperNode of Flower 1.41 that is connected over TLS and has nothing to do, both ways.
CONNECTED_BYTES_PER_SECOND = 560.0
# Around each message: headers, the object tree, confirmations, TLS.
MESSAGE_BYTES = 8_192
_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")


class NetworkAccount:
    """What this laptop has moved in the present month.

    Args:
        path: of the account.
        clock: Unix time.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock

    def used(self) -> int | None:
        """Return the bytes of this month, or None when the account cannot be read."""
        try:
            kept = self._read()
        except (DeskboundError, ValueError, AttributeError):
            return None
        # After a clock that was ahead was set right, what was moved meanwhile counts for now.
        return kept[1] if kept[0] >= self._month() else 0

    def charge(self, count: int, limit: int) -> bool:
        """Add bytes that are about to be moved, unless they would go beyond the limit.

        Args:
            count: bytes.
            limit: most bytes of a month.

        Returns:
            Whether they may be moved; then it is on the disk that they were.
        """
        try:
            with self._alone():
                used = self.used()
                if used is None or used + count > limit:
                    return False
                self._write(used + count)
        except (DeskboundError, OSError):
            return False
        return True

    def note(self, count: int) -> None:
        """Add bytes that were moved already, whatever the limit."""
        with self._alone():
            used = self.used()
            if used is not None:
                self._write(used + count)

    def _month(self) -> str:
        return time.strftime("%Y-%m", time.localtime(self._clock()))

    def _read(self) -> tuple[str, int]:
        try:
            kept = json.loads(read_private(self._path))
        except NotFoundError:
            return self._month(), 0
        month, count = kept.get("month"), kept.get("bytes")
        if not isinstance(month, str) or _MONTH.fullmatch(month) is None:
            raise ValueError
        if type(count) is not int or count < 0:
            raise ValueError
        return month, count

    def _write(self, count: int) -> None:
        kept = {"month": self._month(), "bytes": count}
        replace_private(self._path, json.dumps(kept).encode("ascii"))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        lock = self._path.with_name(self._path.name + ".lock")
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        handle = os.open(lock, flags, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)
