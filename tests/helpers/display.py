"""A private X session and a running capture on it, for tests with real input."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from demo.desktop import Desktop, missing_programs, private_desktop
from deskbound_client import consent
from deskbound_client.capture import signals
from deskbound_client.capture.control import Control
from deskbound_client.capture.process import TICK_SECONDS, Capture
from deskbound_client.capture.settings import CaptureConfig
from deskbound_client.store.rows import StoredAction, StoredGap, StoredThumb
from deskbound_client.store.vault import Vault
from deskbound_strategies.vocabulary import TOKENS
from tests.helpers.patience import until
from tests.helpers.store import MemoryKeystore

ALL_STREAMS = sum(signal.bit for signal in signals.STREAMS)
PATIENCE = 60.0  # seconds a test waits for something that takes a fraction of one


@pytest.fixture(scope="module")
def desktop() -> Iterator[Desktop]:
    """One private display with a window manager for the tests of a module."""
    if missing := missing_programs():
        pytest.skip(f"not installed: {', '.join(missing)}")
    with private_desktop() as found:
        yield found


def eventually(holds: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    """Wait until something holds, or fail saying what did not."""
    until(holds, what, seconds, every=0.02)


def agree(vault: Vault, control: Control, streams: int) -> None:
    """Grant and revoke until just these streams are agreed to, then publish it, as the cli does."""
    for signal in signals.STREAMS:
        held = signal.name in consent.granted(vault)
        if streams & signal.bit and not held:
            consent.grant(vault, signal.name)
        elif held and not streams & signal.bit:
            consent.revoke(vault, signal.name)
    control.set_streams(streams)


@dataclass
class Session:
    """A capture at work in this process."""

    home: Path
    vault: Vault
    control: Control
    capture: Capture

    def actions(self) -> list[StoredAction]:
        return [row for day in self.vault.days() for row in self.vault.day(day).actions()]

    def names(self) -> list[str]:
        return [TOKENS[row.token].name for row in self.actions()]

    def thumbs(self) -> list[StoredThumb]:
        return [row for day in self.vault.days() for row in self.vault.day(day).thumbs()]

    def gaps(self) -> list[StoredGap]:
        return [row for day in self.vault.days() for row in self.vault.day(day).gaps()]

    def until(self, *wanted: str) -> list[str]:
        """Wait until these names are stored, in any order; return all names."""
        eventually(
            lambda: not set(wanted) - set(self.names()),
            f"{sorted(wanted)} in the vault",
        )
        return self.names()

    def notices(self, window: int) -> None:
        """Wait until the watch knows that this window is active, and the word of now."""
        board = self.capture._board
        eventually(
            lambda: (
                board.current.number == window
                and board.current.known
                and board._began[0] == self.control.word()
            ),
            "the watch to notice",
        )

    def settled(self) -> None:
        """Wait until all that was observed so far is either stored or dropped."""
        recorder, board = self.capture._recorder, self.capture._board
        start = board.confirmed_ms
        eventually(lambda: board.confirmed_ms > start + 1_000, "the watch to go on")
        eventually(
            lambda: not recorder._waiting and not self.capture._writer.waiting, "an empty queue"
        )


@contextlib.contextmanager
def capturing(
    home: Path,
    desktop: Desktop,
    *,
    streams: int = ALL_STREAMS,
    config: CaptureConfig | None = None,
) -> Iterator[Session]:
    """Run capture on a desktop in threads of this process; ticks go on by themselves."""
    vault = Vault.create(home, MemoryKeystore(), today=date.today())  # noqa: DTZ011
    (home / "run").mkdir(mode=0o700)
    control = Control.create(home / "control")
    agree(vault, control, streams)
    capture = Capture(home, vault, config or CaptureConfig(), desktop.name)
    stopping = threading.Event()

    def look_after() -> None:
        while not stopping.wait(TICK_SECONDS):
            capture.tick()

    capture.start()
    ticker = threading.Thread(target=look_after)
    ticker.start()
    try:
        if streams & ALL_STREAMS and not control.paused:
            eventually(lambda: capture._board.confirmed_ms >= 0, "the watch to begin")
            for stream, keeper in capture._taps._keepers.items():
                if streams & stream:
                    eventually(keeper._listener.ready.is_set, "a tap to listen")
        yield Session(home, vault, control, capture)
    finally:
        stopping.set()
        ticker.join()
        capture.stop()
        control.close()
        vault.close()
