"""The icon: drawn into a real tray of a real display, and what a click on it does."""

import os
import subprocess
import time
from contextlib import contextmanager
from datetime import datetime

import pytest
from Xlib import X
from Xlib import display as xdisplay

from deskbound_client.capture.control import Control
from deskbound_client.capture.status import CaptureStatus, write_status
from deskbound_client.paths import HomePaths
from deskbound_client.presence.desk import DeskState, line
from deskbound_client.presence.tray import _COLOURS, picture
from deskbound_client.processes import Child, worker
from deskbound_strategies.stop_order import StopReason
from tests.helpers.display import desktop, eventually
from tests.helpers.tray import SIDE, tray_manager

__all__ = ["desktop"]
NOW = datetime(2026, 11, 20, 15, 30).astimezone()


def test_the_states_differ_in_shape_and_not_in_colour_alone():
    grey = {name: picture(name).convert("L").point(lambda p: 255 * (p > 250)) for name in _COLOURS}
    assert len({image.tobytes() for image in grey.values()}) == len(_COLOURS)


def test_lines():
    assert "capturing what you agreed to" in line(DeskState("on"))
    assert "not looking" in line(DeskState("closed"))
    stopped = DeskState("paused", stopped_for=StopReason.ENDED)
    assert line(stopped).endswith("stopped by the operator until you resume")
    assert line(DeskState("paused", NOW.timestamp())).endswith("paused until Fri 15:30")
    assert "until you resume" in line(DeskState("paused"))
    assert "not capturing" in line(DeskState("off"))


@pytest.fixture
def paths(tmp_path):
    made = HomePaths(tmp_path / "home")
    made.prepare()
    Control.create(made.control).close()
    return made


def colour_at(desktop, icon):
    """Return the colour of the middle of a window."""
    connection = xdisplay.Display(desktop.name)
    try:
        window = connection.create_resource_object("window", icon)
        image = window.get_image(SIDE // 2, SIDE // 2, 1, 1, X.ZPixmap, 0xFFFFFFFF)
        blue, green, red = image.data[:3]
        return red, green, blue
    finally:
        connection.close()


@contextmanager
def icon(paths, desktop):
    """The icon's process, as presence starts it; yields what it says."""
    said = []
    environment = dict(os.environ) | {"DISPLAY": desktop.name}
    command = worker("tray", "--home", str(paths.home))
    child = Child("tray", command, environment, "", lambda _, told: said.append(told))
    try:
        yield child, said
    finally:
        child.stop()


def says(paths, state):
    """Be capture, and say how it does."""
    write_status(paths.run / "capture.json", status(state))


def status(state):
    return CaptureStatus(1, int(time.time()), state, (), {}, 0, disk_full=False)


@pytest.mark.display
def test_it_shows_what_is_so_and_a_click_pauses_and_never_resumes(desktop, paths):
    control = Control.open(paths.control)

    def click():
        env = dict(desktop.environment)
        subprocess.run(["xdotool", "mousemove", "20", "20", "click", "1"], env=env, check=True)

    def shows(word):
        return colour_at(desktop, manager.icons[0]) == word

    with tray_manager(desktop.name) as manager, icon(paths, desktop) as (_, said):
        eventually(lambda: manager.icons and "ready" in said, "the icon in the tray")
        middle = picture("on").getpixel((32, 32))
        says(paths, "open")
        eventually(lambda: shows(middle), "the dot")
        click()
        eventually(lambda: control.paused, "the pause")
        assert control.paused_until is None
        generation = control.generation
        eventually(lambda: shows((255, 255, 255)), "the bars, with paper between them")
        for _ in range(2):
            click()
        says(paths, "open")  # whatever capture says, a pause is a pause
        assert not shows(middle)
        assert (control.paused, control.generation) == (True, generation)


@pytest.mark.display
def test_a_desktop_without_a_tray_is_told(desktop, paths):
    with icon(paths, desktop) as (child, said):
        eventually(lambda: child.exit_code is not None, "its end")
        eventually(lambda: said, "its word")
    assert "this desktop has no tray" in said[0]


@pytest.mark.display
def test_it_ends_with_the_tray(desktop, paths):
    with icon_in_a_tray(desktop, paths) as child:
        pass
    eventually(lambda: child.exit_code is not None, "its end")
    child.stop()


@contextmanager
def icon_in_a_tray(desktop, paths):
    with tray_manager(desktop.name) as manager:
        environment = dict(os.environ) | {"DISPLAY": desktop.name}
        command = worker("tray", "--home", str(paths.home))
        child = Child("tray", command, environment, "", lambda *_: None)
        eventually(lambda: manager.icons, "the icon in the tray")
        yield child
