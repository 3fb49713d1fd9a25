"""The recorder: one thread that empties the inbox into the vault.

It waits until the board has confirmed the moment of an observation, puts what several taps saw into
the order of the X server's clock, and hands rows to the writer. When the gate's generation changes
everything under way is dropped: queue, open gesture, rows not yet committed.
"""

import heapq
import threading
import time
from collections import Counter, deque
from collections.abc import Callable

from deskbound_client.capture.control import Control
from deskbound_client.capture.inbox import Inbox, Picture, Seen
from deskbound_client.capture.rows import RowMaker
from deskbound_client.capture.signals import RHYTHM, SCREEN, STREAMS
from deskbound_client.capture.situation import GUARD_MS, Board
from deskbound_client.store.rows import Stored, StoredAction, StoredGap, StoredThumb
from deskbound_client.store.writer import Writer
from deskbound_strategies.errors import BusyError, DiskFullError
from deskbound_strategies.vocabulary import GAP_UNKNOWN

BUSY_SECONDS, REST_SECONDS = 0.1, 1.0
FINISH_SECONDS = 2.0
UNCONFIRMED_SECONDS = 10  # an observation whose moment stays unconfirmed this long is dropped
_LONGEST_STEP = 2.0  # what is longer was sleep or a hold-up, in which the watch did not run either
REST_AFTER_MS = 5_000  # longer than any gesture stays open
_STREAM_MASK = sum(signal.bit for signal in STREAMS)


class Recorder(threading.Thread):
    """Runs until ``stop``; an error of the disk is waited out, any other ends it and is counted.

    Args:
        inbox: what the taps and the watch have seen.
        board: knows the situation.
        control: the pause word.
        writer: commits rows; used by this thread alone.
        boot: number of this boot.
        clock: wall clock, Unix seconds.
        steady: monotonic seconds; the wall clock may be set at any time.
    """

    def __init__(
        self,
        inbox: Inbox,
        board: Board,
        control: Control,
        writer: Writer,
        *,
        boot: int,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(name="recorder", daemon=True)
        self.faults = 0
        self.disk_full = self._failing = False
        self._inbox, self._board, self._control, self._writer = inbox, board, control, writer
        self._boot, self._clock, self._steady = boot, clock, steady
        self._awake, self._stepped = 0.0, steady()
        self._stopping = threading.Event()
        self._word = self._streams = -1
        self._maker = RowMaker(board, 1, 0, boot)
        # A heap: time, order of arrival, what, and how long we had been awake when it came.
        self._waiting: list[tuple[int, int, Seen, float]] = []
        self._order = 0
        self._last: Seen | None = None
        self._handed: deque[list[int]] = deque()  # streams of each row not known to be on disk
        self._stored_before = self._lost = 0
        self._committed: deque[tuple[float, int, int]] = deque(maxlen=4_096)

    def run(self) -> None:
        """Empty the inbox until told to stop, then commit what may be kept."""
        try:
            while not self._stopping.is_set():
                self._inbox.arrived.wait(REST_SECONDS if self._resting else 0)
                self.step()
                self._stopping.wait(BUSY_SECONDS)
            self._finish()
        except Exception:  # noqa: BLE001 - could quote a row
            self.faults += 1

    def stop(self) -> None:
        """Let the thread finish."""
        self._stopping.set()
        self._inbox.arrived.set()

    def counts(self, seconds: float = 60.0) -> dict[str, int]:
        """Return rows on the disk by stream, of the last ``seconds``."""
        since = self._steady() - seconds
        found: Counter[int] = Counter()
        for at, stream, rows in list(self._committed):
            if at >= since:
                found[stream] += rows
        return {signal.name: found[signal.bit] for signal in STREAMS if found[signal.bit]}

    @property
    def _resting(self) -> bool:
        return not self._waiting and not self._writer.waiting and self._last is None

    def step(self) -> None:
        """Take what has arrived, store what is settled."""
        word = self._control.word()
        if word != self._word:
            self._begin(word)
        now = self._steady()
        self._awake += min(now - self._stepped, _LONGEST_STEP)
        self._stepped = now
        for seen in self._inbox.take():
            self._order += 1
            heapq.heappush(self._waiting, (seen.what.t_ms, self._order, seen, self._awake))
        holes = self._inbox.take_holes()
        if word & 1 or not self._control.streams & _STREAM_MASK:
            self._waiting.clear()
            holes.clear()
        for hole in holes:
            self._inbox.pulse.missed(hole)
        self._store([*holes, *self._settled()])

    def _begin(self, word: int) -> None:
        """Start a new generation: nothing of the one before may be stored any more."""
        streams = self._control.streams
        if (word & 1, streams) == (self._word & 1, self._streams):
            # Neither a pause nor consent: the employee forgets, or has changed the rules.
            self._inbox.pulse.forget()
            self._committed.clear()
        self._word, self._streams = word, streams
        self._waiting.clear()
        self._last = None
        self._handed.clear()
        self._inbox.pulse.begin()
        self._stored_before = self._writer.stored
        self._maker = RowMaker(self._board, word, streams, self._boot)

    def _settled(self) -> list[Stored]:
        rows: list[Stored] = []
        while self._waiting and self._board.settled(self._waiting[0][0]):
            seen = heapq.heappop(self._waiting)[2]
            if seen.generation == self._word >> 1:
                made = self._maker.make(seen)
                if not made and not self._failing:
                    self._inbox.pulse.went_on(seen.stream)
                rows += made
                if not isinstance(seen.what, Picture):
                    self._last = seen
        self._drop_unconfirmed()
        if self._last is not None:
            now = self._board.confirmed_ms - GUARD_MS
            rows += self._maker.settle(now, self._last)
            if now - self._last.what.t_ms > REST_AFTER_MS:
                self._last = None
        return rows

    def _drop_unconfirmed(self) -> None:
        if not self._waiting:
            return
        _, _, seen, came = self._waiting[0]
        if self._awake - came > UNCONFIRMED_SECONDS:
            self._waiting.clear()
            now = int(self._clock())
            self._inbox.put_hole(StoredGap(min(seen.at, now), now, "lag"))

    def _store(self, rows: list[Stored]) -> None:
        generation = self._word >> 1
        for row in rows:
            self._handed.append(_streams_of(row))
            try:
                self._writer.add(row, generation)
            except (DiskFullError, BusyError) as error:
                self._failed(error)
        self._commit(self._writer.tick)

    def _commit(self, act: Callable[[], None]) -> None:
        try:
            act()
        except (DiskFullError, BusyError) as error:
            self._failed(error)
        if self._writer.lost > self._lost:
            self._lost = self._writer.lost
            now = int(self._clock())
            self._inbox.put_hole(StoredGap(now, now, "disk-full" if self.disk_full else "lag"))
        self._count()
        if not self._writer.waiting:
            self.disk_full = self._failing = False
            self._handed.clear()

    def _failed(self, error: DiskFullError | BusyError) -> None:
        self.disk_full, self._failing = isinstance(error, DiskFullError), True

    def _count(self) -> None:
        """Count as stored what the writer says is on the disk: it stores in the order handed."""
        stored = self._writer.stored - self._stored_before
        if not stored:
            return
        self._stored_before = self._writer.stored
        first = [self._handed.popleft() for _ in range(min(stored, len(self._handed)))]
        counts = Counter(stream for streams in first for stream in streams)
        now = self._steady()
        self._committed.extend((now, stream, n) for stream, n in counts.items())
        for stream in counts:
            self._inbox.pulse.went_on(stream)

    def _finish(self) -> None:
        deadline = time.monotonic() + FINISH_SECONDS
        self.step()
        while self._waiting and time.monotonic() < deadline:  # until the watch has confirmed it
            time.sleep(BUSY_SECONDS / 2)
            self.step()
        if self._last is not None and self._control.word() == self._word:
            self._store(self._maker.finish(self._last))
        self._commit(self._writer.close)


def _streams_of(row: Stored) -> list[int]:
    """Return the streams that a row is there because of."""
    if isinstance(row, StoredAction):
        return [row.stream] if row.gap == GAP_UNKNOWN else [row.stream, RHYTHM]
    return [SCREEN] if isinstance(row, StoredThumb) else [0]
