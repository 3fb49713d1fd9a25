"""P1 at every door: after real capture nothing that was typed, titled, copied or drawn comes out.

Commands, exports, pages and an update ready to leave are asked for all that they have to say about
a vault that was filled from a display full of canaries, some of them in the employee's own rules.
"""

import io
import json
import signal
import zipfile
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime

import pytest

from deskbound_client.capture.signals import STREAMS
from deskbound_client.capture.status import read_status
from deskbound_client.learn.trainer import train
from deskbound_client.learn.units import units
from deskbound_client.ui.app import PAGES
from deskbound_strategies.task import find_task, weights_of
from tests.helpers.browser import pages_of
from tests.helpers.canaries import Hunter, canaries
from tests.helpers.capture_process import SILENT, start_capture
from tests.helpers.cli import PASSPHRASE, Desk, desk, empty
from tests.helpers.display import desktop, eventually
from tests.helpers.learning import contract, repeatable
from tests.helpers.pad import Pad

__all__ = ["desk", "desktop", "empty"]
pytestmark = pytest.mark.display

COUNT = 400


@pytest.fixture
def words() -> list[str]:
    return canaries(COUNT, seed=11)


@pytest.fixture
def filled(desk: Desk, desktop, words: list[str]) -> Iterator[Desk]:
    """A vault of a display full of canaries; capture has ended."""
    desk.ok("consent", "grant", *(stream.name for stream in STREAMS))
    process = start_capture(desk.paths.home, desktop, desk.paths.home.parent / "output", PASSPHRASE)
    status = desk.paths.run / "capture.json"
    pad = Pad(desktop.name)
    try:
        desktop.wait(lambda: pad.number in desktop.windows(), "the pad")
        desktop.activate(pad.number)
        eventually(lambda: (read_status(status) or SILENT).state == "open", "capture to begin")
        pad.draw([" ".join(words[at : at + 8]) for at in range(0, 200, 8)])
        for word in words:
            pad.title(word)
            desktop.type(word + "\n")
        pad.copy_and_paste(words[0])
        desktop.click(300, 300)
        wanted = {"keys", "pointer", "screen"}
        eventually(
            lambda: wanted <= set((read_status(status) or SILENT).rows_last_minute), "all streams"
        )
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        pad.close()
    yield desk
    desktop.close_all()


def _today() -> str:
    return datetime.now().astimezone().date().isoformat()


def test_no_door_lets_a_canary_out(filled, words, tmp_path):
    hunter = Hunter.of(words)
    said = {**_commands(filled), **_exports(filled, tmp_path), **_pages(filled)}
    said["update"] = _update(filled)
    assert len(json.loads(said["show today --last 100000 --json"])["last"]) > COUNT  # it is filled
    for door, content in said.items():
        assert content or door.endswith((".gaps.jsonl", "forgotten.jsonl")), door
        assert hunter.find(content) == [], door


def _commands(desk: Desk) -> dict[str, bytes]:
    """All that commands print of this vault, for people and for programs."""
    asked = [
        "show", "show today --last 100000 --thumbnails 50", "status", "consent show",
        "consent receipts", "budget", "sent", "doctor", "doctor --deep", "exclude list",
        "forget --last 5m --preview", "forget --receipts", "pause 5m", "resume", "autostart show",
    ]  # fmt: skip
    answers = {words: desk.run(*words.split()) for words in asked}
    for words in ("show today --last 100000", "status", "budget", "sent", "doctor"):
        answers[f"{words} --json"] = desk.run(*words.split(), "--json")
    return {words: (got.out + got.err).encode() for words, got in answers.items()}


def _exports(desk: Desk, folder) -> dict[str, bytes]:
    """An export as it lies on the disk, and each of its members."""
    desk.run("export", str(folder / "plain.zip"))
    desk.run(
        "export", str(folder / "sealed.age"), "--encrypt", "--passphrase-file",
        str(desk.passphrase),
    )  # fmt: skip
    found = {path.name: path.read_bytes() for path in folder.glob("*.*") if path.is_file()}
    assert {"plain.zip", "sealed.age"} <= set(found)
    with zipfile.ZipFile(io.BytesIO(found["plain.zip"])) as archive:
        found |= {name: archive.read(name) for name in archive.namelist()}
    return found


def _pages(desk: Desk) -> dict[str, bytes]:
    """Every page, and what lies one click behind it."""
    found = {}
    with pages_of(desk.paths.home) as pages, closing(pages.entered()) as visitor:
        paths = [page.PATH for page in PAGES]
        paths += [f"/stored?day={_today()}", f"/stored?day={_today()}&app=editor"]
        for path in paths:
            answer = visitor.get(path)
            assert answer.status_code == 200, path
            found[path] = answer.content
    return found


def _update(desk: Desk) -> bytes:
    """A noised update trained on these very rows, as numbers."""
    with desk.vault() as vault:
        days = vault.days()
        actions = [stored.action for day in days for stored in vault.day(day).actions()]
    task = find_task("next_action")
    trained = train(
        task, weights_of(task.build_model(0)), units(actions, "session", 600, 256), contract(),
        source=repeatable(1),
    )  # fmt: skip
    return b"".join(array.tobytes() for array in trained.values())
