"""The capture process: puts the parts together, keeps them alive, and stops them cleanly."""

import fcntl
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from deskbound_client import consent
from deskbound_client.capture.attention import Attention
from deskbound_client.capture.callbacks import KeyCallback, PointerCallback
from deskbound_client.capture.clocks import Clocks, boot_number
from deskbound_client.capture.control import Control
from deskbound_client.capture.display import find_display
from deskbound_client.capture.gate import Context, Reason, verdict
from deskbound_client.capture.inbox import Holes, Inbox
from deskbound_client.capture.keyboard import KEY_PRESS, KEY_RELEASE
from deskbound_client.capture.passwords import Listener
from deskbound_client.capture.pictures import Pictures
from deskbound_client.capture.pointer import BUTTON_PRESS, BUTTON_RELEASE
from deskbound_client.capture.record import Tap
from deskbound_client.capture.recorder import Recorder
from deskbound_client.capture.rules import RuleFile, Rules
from deskbound_client.capture.screen import Camera
from deskbound_client.capture.settings import CaptureConfig
from deskbound_client.capture.signals import (
    KEYS,
    POINTER,
    SCREEN,
    STREAMS,
    WINDOWS,
    mask_of,
)
from deskbound_client.capture.situation import Board, ServerClock
from deskbound_client.capture.status import CaptureStatus, Hole, write_status
from deskbound_client.capture.surroundings import Surroundings
from deskbound_client.capture.taps import Keeper, Taps
from deskbound_client.capture.watch import Watch
from deskbound_client.paths import HomePaths
from deskbound_client.store.vault import Vault
from deskbound_client.store.writer import Writer
from deskbound_strategies.errors import BusyError, VaultDamagedError
from deskbound_strategies.observations import AppFocused

TICK_SECONDS = 0.25
STATUS_SECONDS = 1.0
JOIN_SECONDS = 5.0
ALL_STREAMS = sum(one.bit for one in STREAMS)
STATUS_FILE, LOCK_FILE = "capture.json", "capture.lock"


class Capture:
    """All parts of capture for one vault and one display; for one thread.

    Args:
        home: folder of the laptop; ``control`` lies there, ``run/capture.json`` is written.
        vault: open vault that rows go to.
        config: what the employee has set.
        display_name: the X display.
        pace: times the usual time between two thumbnails that is wanted now.
    """

    def __init__(
        self,
        home: Path,
        vault: Vault,
        config: CaptureConfig,
        display_name: str,
        *,
        pace: Callable[[], int] = lambda: 1,
    ) -> None:
        self._vault, self._config, self._display_name = vault, config, display_name
        self._status_path = home / "run" / STATUS_FILE
        self._control = Control.open(home / "control")
        self._board, self._clock = Board(), ServerClock()
        self._inbox = Inbox(config.queue_limit)
        self._holes = Holes(config.gap_seconds, self._inbox.put_hole)
        parts = (self._control, self._board, self._clock, self._inbox)
        self._keys, self._pointer = KeyCallback(*parts), PointerCallback(*parts)
        first = Rules(config.excluded_apps, config.excluded_titles, config.schedule)
        attention = Attention()
        self._listener = Listener(attention)
        self._surroundings = Surroundings(
            RuleFile(first, HomePaths(home).config), vault.app_bucket, attention, self._listener
        )
        self._camera: Camera | None = None
        self._pictures = Pictures(
            self._control,
            self._board,
            self._inbox,
            self._take,
            period=config.thumbnail_seconds,
            pace=pace,
        )
        self._taps = Taps({KEYS: self._key_tap, POINTER: self._pointer_tap})
        self._watch = Keeper(self._make_watch)
        self._writer = Writer(vault, self._control)
        self._recorder = self._make_recorder()
        self._recorder_faults = 0
        self._clocks = Clocks()
        self._said = float("-inf")  # monotonic: the wall clock may be set back for years
        self._agreed, self._agreed_under = 0, -1

    def start(self) -> None:
        """Start the threads."""
        self._listener.start()
        self._recorder.start()
        self.tick()

    def tick(self) -> None:
        """Look after everything; call it every ``TICK_SECONDS``.

        Raises:
            VaultDamagedError: the control file was replaced, so a pause would go unnoticed.
        """
        now = time.time()
        if self._control.replaced:
            raise VaultDamagedError(
                "The control file was replaced while capture was running, so capture stopped.",
                "Start capture again.",
            )
        self._control.expire()
        agreed = self._agreed_streams() & ALL_STREAMS
        streams = 0 if self._control.paused else agreed
        self._watch.keep(bool(streams))
        hearing = self._taps.keep(streams)
        self._mark_holes(now, streams, hearing=hearing)
        if not self._recorder.is_alive():
            self._recorder_faults += 1
            self._recorder = self._make_recorder()
            self._recorder.start()
        steady = time.monotonic()
        if steady - self._said >= STATUS_SECONDS:
            self._said = steady
            write_status(self._status_path, self._status(now))

    def _agreed_streams(self) -> int:
        """Return the streams that the control file names and a signed receipt covers.

        Any program of this user could write the file; a bit without a receipt is taken back, and
        what was seen because of it is dropped with the generation.
        """
        if self._agreed_under != self._control.generation:
            self._agreed_under = self._control.generation
            self._agreed = mask_of(consent.granted(self._vault))
        named = self._control.streams
        if named & ~self._agreed:
            self._control.set_streams(named & self._agreed)
        return named & self._agreed

    def stop(self) -> None:
        """Stop listening, commit what may be kept, and say so."""
        self._taps.stop()
        self._holes.close(time.time())
        self._recorder.stop()
        self._recorder.join(JOIN_SECONDS)
        self._watch.stop()
        self._listener.stop()
        write_status(self._status_path, self._status(time.time(), state="stopped"))

    def _mark_holes(self, now: float, streams: int, *, hearing: bool) -> None:
        wanted = bool(streams)
        between = self._clocks.look(TICK_SECONDS)
        if wanted:
            self._holes.happened("sleep", between.slept, now)
            self._holes.happened("lag", between.held_up, now)
            self._holes.clock_set(between.set_by, now)
        self._holes.mark("display-lost", present=wanted and not self._watch.running, at=now)
        lost = wanted and self._watch.running and not hearing
        self._holes.mark("crash", present=lost, at=now)
        self._holes.mark("lock", present=wanted and self._board.current.locked is True, at=now)

    def _key_tap(self) -> Tap:
        return Tap("keys", self._display_name, (KEY_PRESS, KEY_RELEASE), self._keys)

    def _pointer_tap(self) -> Tap:
        events = (BUTTON_PRESS, BUTTON_RELEASE)
        return Tap("pointer", self._display_name, events, self._pointer)

    def _make_watch(self) -> Watch:
        return Watch(
            self._display_name,
            self._board,
            self._clock,
            self._surroundings,
            looks_around=lambda: bool(self._control.streams & SCREEN),
            word=self._control.word,
            idle_seconds=self._config.idle_seconds,
            on_focus=self._focused,
            on_keymap=self._keys.set_keymap,
            on_beat=self._pictures,
        )

    def _make_recorder(self) -> Recorder:
        return Recorder(self._inbox, self._board, self._control, self._writer, boot=boot_number())

    def _focused(self, t_ms: int, context: Context) -> None:
        word = self._control.word()
        if verdict(word, self._control.streams, WINDOWS, context) is Reason.OPEN:
            self._inbox.put(AppFocused(t_ms, context.app), WINDOWS, word >> 1)

    def _take(self, window: tuple[int, int, int, int]) -> bytes | None:
        if self._camera is None:  # nobody who keeps the stream off ever loads what can see
            self._camera = Camera(self._display_name)
        return self._camera.take(window)

    def _status(self, now: float, state: str = "") -> CaptureStatus:
        mask, pulse = self._control.streams, self._inbox.pulse
        seen, trouble = pulse.seen(), pulse.in_trouble()
        return CaptureStatus(
            pid=os.getpid(),
            at=int(now),
            state=state or self._state(mask),
            streams=tuple(one.name for one in STREAMS if mask & one.bit),
            rows_last_minute=self._recorder.counts(),
            faults=self._taps.faults + self._watch.faults + self._recorder_faults,
            disk_full=self._recorder.disk_full,
            now={one.name: self._reason(mask, one.bit) for one in STREAMS},
            seen_last_minute={one.name: seen[one.bit] for one in STREAMS if one.bit in seen},
            trouble=tuple(one.name for one in STREAMS if one.bit in trouble),
            holes=tuple(Hole(hole.started, hole.ended, hole.cause) for hole in pulse.holes(now)),
        )

    def _state(self, mask: int) -> str:
        first = next((one.bit for one in STREAMS if mask & one.bit and one.bit != SCREEN), SCREEN)
        return self._reason(mask, first)

    def _reason(self, mask: int, stream: int) -> str:
        """Return ``open``, or why nothing of a stream would be captured at this moment."""
        reason = verdict(self._control.word(), mask, stream, self._board.current)
        if reason in (Reason.PAUSED, Reason.NO_CONSENT):
            return reason.value
        if not self._watch.running:
            return "display-lost"
        return "deaf" if reason is Reason.OPEN and not self._taps.hears(stream) else reason.value


def run_capture(
    home: Path,
    vault: Vault,
    config: CaptureConfig,
    stop: threading.Event | None = None,
    *,
    beside: Callable[[], None] = lambda: None,
    pace: Callable[[], int] = lambda: 1,
) -> None:
    """Capture until SIGTERM or ``stop``; returns when all that may be kept is on the disk.

    Args:
        home: folder of the laptop.
        vault: its open vault.
        config: what the employee has set.
        stop: ends capture when set; made here if not given.
        beside: called with every tick, in this thread; it must not raise.
        pace: times the usual time between two thumbnails that is wanted now.

    Raises:
        WaylandError: input cannot be captured in this session.
        NoDisplayError: there is no X display.
        BusyError: capture runs already for this home.
        VaultDamagedError: the control file was replaced.
    """
    display_name = find_display(os.environ)
    stopping = stop or threading.Event()
    (home / "run").mkdir(mode=0o700, exist_ok=True)
    with _alone(home / "run" / LOCK_FILE), _stopped_by_sigterm(stopping):
        capture = Capture(home, vault, config, display_name, pace=pace)
        capture.start()
        try:
            while not stopping.wait(TICK_SECONDS):
                capture.tick()
                beside()
        finally:
            capture.stop()


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError(
                "Capture is running already.", "Use it, or run `deskbound stop` first."
            ) from None
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _stopped_by_sigterm(stopping: threading.Event) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # whoever runs us in a thread stops us by the event
        return

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopping.set()

    before = signal.signal(signal.SIGTERM, stop)  # Ctrl-C stays with whoever started us
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
