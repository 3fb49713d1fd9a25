"""The hotkey on a real X server: it pauses whatever is in front, and never resumes."""

import subprocess
import time

import pytest
from Xlib import X
from Xlib import display as xdisplay

from deskbound_client.capture.control import Control
from deskbound_client.presence.hotkey import Hotkey
from deskbound_client.presence.keys import lock_masks, parse
from deskbound_strategies.errors import BusyError, NotFoundError
from tests.helpers.display import desktop, eventually

__all__ = ["desktop"]
pytestmark = pytest.mark.display
KEYS = "ctrl+alt+p"


@pytest.fixture
def pressed(desktop):
    """How often the keys were pressed, while they are ours."""
    times = []
    hotkey = Hotkey(desktop.name, parse(KEYS), lambda: times.append(time.monotonic()))
    hotkey.take()
    hotkey.start()
    yield times
    hotkey.stop()
    hotkey.join(5)
    assert not hotkey.is_alive()


def tap(desktop, *words):
    subprocess.run(["xdotool", *words], env=dict(desktop.environment), check=True)


def test_pressing_is_heard_with_any_lock_key_on(desktop, pressed):
    assert len(lock_masks(desktop.connection)) >= 4  # NumLock and CapsLock, each on or off
    for locks in ([], ["Num_Lock"], ["Caps_Lock"], ["Num_Lock", "Caps_Lock"]):
        for lock in locks:
            tap(desktop, "key", lock)
        before = len(pressed)
        tap(desktop, "key", "ctrl+alt+p")
        eventually(lambda seen=before: len(pressed) > seen, f"the hotkey with {locks}")
        for lock in locks:
            tap(desktop, "key", lock)


def test_no_other_key_reaches_it(desktop, pressed):
    for keys in ("p", "ctrl+p", "alt+p", "ctrl+alt+o", "ctrl+alt+shift+p"):
        tap(desktop, "key", keys)
    tap(desktop, "key", "ctrl+alt+p")
    eventually(lambda: pressed, "the hotkey")
    assert len(pressed) == 1


def test_a_program_in_front_does_not_get_it_and_it_still_works(desktop, pressed):
    desktop.open("xterm")
    tap(desktop, "key", "ctrl+alt+p")
    eventually(lambda: pressed, "the hotkey")
    desktop.close_all()


def test_it_follows_the_layout(desktop, pressed):
    try:
        tap(desktop, "key", "ctrl+alt+p")
        eventually(lambda: len(pressed) == 1, "the hotkey")
        subprocess.run(["setxkbmap", "us", "dvorak"], env=dict(desktop.environment), check=True)

        def heard():
            tap(desktop, "key", "ctrl+alt+p")  # by symbol: another key now
            return len(pressed) >= 2

        eventually(heard, "the hotkey on another layout")
    finally:
        subprocess.run(["setxkbmap", "us"], env=dict(desktop.environment), check=True)


def test_keys_that_another_program_has_are_told(desktop):
    other = xdisplay.Display(desktop.name)
    code = other.keysym_to_keycode(parse(KEYS).keysym)
    other.screen().root.grab_key(
        code, X.ControlMask | X.Mod1Mask, False, X.GrabModeAsync, X.GrabModeAsync
    )
    other.sync()
    with pytest.raises(BusyError, match="Another program"):
        Hotkey(desktop.name, parse(KEYS), lambda: None).take()
    other.close()


def test_no_display_is_told():
    with pytest.raises(NotFoundError, match="display"):
        Hotkey(":987", parse(KEYS), lambda: None).take()


def test_it_pauses_the_control_word_without_end_and_a_second_press_does_not_resume(
    desktop, tmp_path
):
    from deskbound_client.config import Config
    from deskbound_client.paths import HomePaths
    from deskbound_client.presence.process import Presence, read_presence

    paths = HomePaths(tmp_path / "home")
    paths.prepare()
    Control.create(paths.control).close()
    config = Config(notifications=False, tray=False)
    presence = Presence(paths, config, lambda _: None, {"DISPLAY": desktop.name})
    presence.tick()
    assert read_presence(paths)["hotkey"].state == "on"
    control = Control.open(paths.control)
    control.pause(time.time() + 60)
    for _ in range(2):
        tap(desktop, "key", "ctrl+alt+p")
        eventually(lambda: control.paused and control.paused_until is None, "a pause without end")
    generation = control.generation
    tap(desktop, "key", "ctrl+alt+p")
    presence.tick()
    assert control.paused
    assert control.generation == generation
    presence.stop()
    assert read_presence(paths) == {}
