"""P1 at scale: thousands of canaries typed, titled, copied and drawn, and none is anywhere.

They are looked for in decrypted rows, in every file while capture runs and after it (journals,
shared memory, status), in all that it says, also when it crashes, and in what commands print.
"""

import contextlib
import io
import os
import secrets
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from deskbound_client.capture.control import Control
from deskbound_client.capture.status import read_status
from deskbound_client.store.vault import Vault
from tests.helpers.canaries import Hunter, canaries
from tests.helpers.capture_process import SILENT, every_value, start_capture
from tests.helpers.display import ALL_STREAMS, agree, desktop, eventually
from tests.helpers.pad import Pad
from tests.helpers.store import FileKeystore

__all__ = ["desktop"]
pytestmark = pytest.mark.display

LINES, PER_LINE = 30, 8  # canaries on one screenful


@dataclass
class Scene:
    """A vault, capture at work on it, and where all that it says goes."""

    home: Path
    desktop: object
    output: Path
    raw: dict[str, bytes] = field(default_factory=dict)

    @property
    def keystore(self) -> FileKeystore:
        return FileKeystore(self.home.parent / "key")

    @contextlib.contextmanager
    def capturing(self, end: int = signal.SIGTERM) -> Iterator[None]:
        process = start_capture(self.home, self.desktop, self.output)
        try:
            yield
            self.look()
        finally:
            process.send_signal(end)
            process.wait(30)
        self.look()

    def rows(self) -> dict[str, int]:
        return (read_status(self.home / "run" / "capture.json") or SILENT).rows_last_minute

    def is_open(self) -> bool:
        return (read_status(self.home / "run" / "capture.json") or SILENT).state == "open"

    def look(self) -> None:
        """Keep what all files hold now; a later look does not forget an earlier one."""
        for path in self.home.parent.rglob("*"):
            if path.is_file():
                with contextlib.suppress(FileNotFoundError):
                    self.raw[f"{path.name} {time.monotonic()}"] = path.read_bytes()

    def decrypted(self) -> bytes:
        with Vault.open(self.home, self.keystore) as vault:
            parts = [every_value(vault.database)]
            parts += [every_value(vault.day(day).connection) for day in vault.days()]
            return b"\n".join(parts)


@pytest.fixture
def scene(desktop, tmp_path) -> Iterator[Scene]:
    home = tmp_path / "home"
    (tmp_path / "key").write_bytes(secrets.token_bytes(32))
    with Vault.create(home, FileKeystore(tmp_path / "key")) as vault:
        control = Control.create(home / "control")
        agree(vault, control, ALL_STREAMS)
        control.close()
    yield Scene(home, desktop, tmp_path / "output")
    desktop.close_all()


def _show(scene: Scene, pad: Pad, words: list[str]) -> None:
    """A quarter is typed, a quarter titled, a quarter copied and pasted, a quarter drawn."""
    quarter = len(words) // 4
    typed, titled, copied, drawn = (words[i * quarter : (i + 1) * quarter] for i in range(4))
    screenful = LINES * PER_LINE
    steps = max(1, -(-quarter // screenful))
    for step in range(steps):
        pad.draw([" ".join(drawn[at : at + PER_LINE]) for at in _rows(step, len(drawn))])
        for word in titled[step * screenful : (step + 1) * screenful]:
            pad.title(word)
        for word in copied[step * screenful : (step + 1) * screenful]:
            assert pad.copy_and_paste(word) == word.encode()
        for word in typed[step * screenful : (step + 1) * screenful]:
            scene.desktop.type(word + "\n")
        scene.desktop.click(200, 200)
    time.sleep(1.5)  # for one more picture of the last screenful


def _rows(step: int, count: int) -> range:
    return range(step * LINES * PER_LINE, min((step + 1) * LINES * PER_LINE, count), PER_LINE)


def _run(scene: Scene, count: int) -> None:
    words = canaries(count, seed=count)
    hunter = Hunter.of(words)
    with scene.capturing():
        pad = Pad(scene.desktop.name)
        scene.desktop.wait(lambda: pad.number in scene.desktop.windows(), "the pad")
        scene.desktop.activate(pad.number)
        eventually(scene.is_open, "capture to begin")
        _show(scene, pad, words)
        eventually(lambda: {"keys", "pointer", "screen"} <= set(scene.rows()), "all streams")
        scene.look()
    # It crashes in the middle of a word and says all that a crash can say.
    with scene.capturing(end=signal.SIGABRT):
        eventually(scene.is_open, "capture to begin again")
        scene.desktop.type(" ".join(words[:40]))
    pad.close()

    assert b"Fatal Python error: Aborted" in scene.output.read_bytes()  # there was something to say
    decrypted = scene.decrypted()
    assert decrypted.count(b"\n") > count  # it did capture: about ten values a row
    assert hunter.find(decrypted) == []
    for name, content in scene.raw.items():
        assert hunter.find(content) == [], name


def test_a_hunter_finds_what_is_there():
    words = canaries(200, seed=1)
    hunter = Hunter.of(words)
    noise = os.urandom(100_000)
    assert hunter.find(noise) == []
    for shape in (
        words[3].encode(),
        words[3].upper().encode(),
        words[3][::-1].encode(),
        words[3].encode("utf-16-le"),
        words[3].encode().hex().encode(),
        words[3][:9].encode(),
        words[3][-9:].encode(),
    ):
        with io.BytesIO() as file:
            file.write(noise[:5000] + shape + noise[5000:])
            assert hunter.find(file.getvalue()) != [], shape


def test_four_thousand_canaries_are_nowhere(scene):
    _run(scene, 4_000)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_hundred_thousand_canaries_are_nowhere(scene):
    _run(scene, 100_000)
