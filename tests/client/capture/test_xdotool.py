"""Input that another program makes, xdotool, is captured as any other, and as little of it."""

import subprocess

import pytest

from tests.helpers.display import capturing, desktop

__all__ = ["desktop"]
pytestmark = pytest.mark.display


def xdotool(desktop, *arguments):
    subprocess.run(["xdotool", *arguments], env=dict(desktop.environment), check=True)


def test_typing_shortcut_and_click_become_words_of_the_vocabulary(desktop, tmp_path):
    terminal = desktop.open("xterm")
    desktop.place(terminal, 20, 40, 600, 300)
    with capturing(tmp_path / "home", desktop) as session:
        session.notices(terminal)
        xdotool(desktop, "type", "--delay", "5", "secretword")
        xdotool(desktop, "key", "Return")
        xdotool(desktop, "key", "ctrl+c")
        xdotool(desktop, "mousemove", "200", "200", "click", "1")
        wanted = ["type:letters/8-15", "key:enter", "shortcut:ctrl+c", "click@1,1"]
        names = session.until(*wanted)
        assert [name for name in names if not name.startswith("switch:")] == wanted
    desktop.close(terminal)
