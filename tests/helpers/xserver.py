"""A display that can be killed, come back under its name, and change its size."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from demo.desktop import Desktop, missing_programs
from tests.helpers.display import eventually

FULL, SMALL = (1920, 1080), (1280, 720)


class XServer:
    """Xvfb under a name that stays; ``desktop`` is what runs on it now.

    Args:
        folder: home of the programs on it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server: subprocess.Popen[bytes] | None = None
        self.name = ""
        self.desktop = self.start()

    def start(self) -> Desktop:
        """Start the server, the first time under any free name, and a window manager on it."""
        size = f"{FULL[0]}x{FULL[1]}x24"
        options = ["-screen", "0", size, "-noreset", "-nolisten", "tcp"]
        reading, writing = os.pipe()
        self._server = subprocess.Popen(
            ["Xvfb", *([self.name] if self.name else []), "-displayfd", str(writing), *options],
            pass_fds=(writing,),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(writing)
        with os.fdopen(reading) as answer:
            self.name = f":{answer.readline().strip()}"
        passed = {key: os.environ[key] for key in ("PATH", "LANG") if key in os.environ}
        # Without a file of its history: a shell whose terminal was killed writes it when it likes.
        environment = {
            **passed, "DISPLAY": self.name, "HOME": str(self._folder), "HISTFILE": "",
        }  # fmt: skip
        self.desktop = Desktop(self.name, environment, self._folder)
        self.desktop.start("openbox", "--sm-disable")
        check = "_NET_SUPPORTING_WM_CHECK"
        eventually(lambda: bool(self.desktop._root_numbers(check)), "the window manager")
        return self.desktop

    def kill(self) -> None:
        """End the server as a crash does; every program on it loses its display."""
        if self._server is not None:
            self._server.kill()
            self._server.wait()
        self.desktop.end()

    def resize(self, size: tuple[int, int]) -> None:
        """Change the size of the whole screen, as plugging a monitor in or out does."""
        connection = self.desktop.connection
        connection.screen().root.xrandr_set_screen_size(*size, 300, 200)
        connection.sync()

    def xrandr(self, *words: str) -> None:
        """Run xrandr on the display."""
        subprocess.run(["xrandr", "--display", self.name, *words], check=True, timeout=20)


@contextmanager
def x_server() -> Iterator[XServer]:
    """Run a display for one test."""
    if missing := missing_programs():
        pytest.skip(f"not installed: {', '.join(missing)}")
    with TemporaryDirectory(prefix="deskbound-x-") as folder:
        server = XServer(Path(folder))
        try:
            yield server
        finally:
            server.kill()
