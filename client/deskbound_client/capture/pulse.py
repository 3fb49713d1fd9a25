"""What came in, what went on to the disk, and what was missed: the truth behind the status.

A stream is in trouble when something was seen of it and for half a minute nothing of it went on:
neither stored, nor kept out by the second look. Callbacks, recorder and status share this; it holds
counts and seconds, never what was seen.
"""

import time
from collections import Counter, deque
from collections.abc import Callable

from deskbound_client.store.rows import StoredGap

MINUTE, HOUR = 60.0, 3600.0
TROUBLE_SECONDS = 30.0
_MOST_HOLES = 100


class Pulse:
    """Counts by stream; any thread may tell, any may ask.

    Args:
        steady: monotonic seconds.
    """

    def __init__(self, steady: Callable[[], float] = time.monotonic) -> None:
        self._steady = steady
        self._seconds: deque[tuple[int, Counter[int]]] = deque(maxlen=int(MINUTE) + 2)
        self._since: dict[int, float] = {}
        self._holes: deque[StoredGap] = deque(maxlen=_MOST_HOLES)

    def saw(self, stream: int) -> None:
        """An observation of a stream came through the gate."""
        now = self._steady()
        if not self._seconds or self._seconds[-1][0] != int(now):
            self._seconds.append((int(now), Counter()))
        self._seconds[-1][1][stream] += 1
        self._since.setdefault(stream, now)

    def went_on(self, stream: int) -> None:
        """What was seen of a stream reached the disk, or may not be read after all."""
        self._since.pop(stream, None)

    def begin(self) -> None:
        """The gate has a new generation: nothing that was seen before is waited for."""
        self._since.clear()

    def forget(self) -> None:
        """Say no more of the time before: some of it may have been forgotten."""
        self._seconds.clear()
        self._holes.clear()

    def missed(self, hole: StoredGap) -> None:
        """A stretch was missed."""
        self._holes.append(hole)

    def seen(self) -> dict[int, int]:
        """Return the observations of the last minute, by stream."""
        since = self._steady() - MINUTE
        total: Counter[int] = Counter()
        for second, counts in list(self._seconds):
            if second >= since:
                total.update(dict(counts))
        return dict(total)

    def in_trouble(self) -> set[int]:
        """Return the streams of which something was seen and nothing went on."""
        before = self._steady() - TROUBLE_SECONDS
        return {stream for stream, since in list(self._since.items()) if since <= before}

    def holes(self, now: float) -> list[StoredGap]:
        """Return what was missed in the last hour before a Unix time, oldest first."""
        return [hole for hole in list(self._holes) if hole.ended > now - HOUR]
