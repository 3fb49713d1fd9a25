"""The whole presence process, as the agent runs it: on a real display, bus and control word."""

import json
import os
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from deskbound_client.capture.control import Control
from deskbound_client.capture.status import CaptureStatus, write_status
from deskbound_client.config import Config
from deskbound_client.paths import HomePaths
from deskbound_client.presence.desk import desk_state
from deskbound_client.presence.process import Presence, read_presence
from deskbound_client.presence.somebody import Somebody
from deskbound_client.processes import Child, worker
from tests.helpers.bus import notification_service, private_bus
from tests.helpers.display import desktop, eventually

__all__ = ["desktop"]


@pytest.fixture
def paths(tmp_path):
    made = HomePaths(tmp_path / "home")
    made.prepare()
    Control.create(made.control).close()
    made.config.touch(mode=0o600)
    made.config.write_text("tray = false\n")
    return made


@contextmanager
def presence(paths, **environ):
    """Run the process; yields it and what it says."""
    said, environment = [], dict(os.environ)
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "XDG_SESSION_TYPE"):
        environment.pop(name, None)
    command = worker("presence", "--home", str(paths.home))
    child = Child("presence", command, environment | environ, "", lambda _, one: said.append(one))
    try:
        eventually(lambda: "ready" in said, "presence")
        yield child, said
    finally:
        child.stop()


def says(paths, state):
    """Be capture, and say how it does."""
    now = int(time.time())
    write_status(
        paths.run / "capture.json", CaptureStatus(1, now, state, (), {}, 0, disk_full=False)
    )


@pytest.mark.display
def test_keys_pause_and_the_desktop_is_told_and_nothing_secret_is_held(desktop, paths):
    control = Control.open(paths.control)
    with private_bus() as bus, notification_service(bus) as service:
        environ = {"DISPLAY": desktop.name, "DBUS_SESSION_BUS_ADDRESS": bus}
        with presence(paths, **environ) as (child, _):
            assert {name: part.state for name, part in read_presence(paths).items()} == {
                "hotkey": "on", "notifications": "on", "tray": "off",
            }  # fmt: skip
            says(paths, "open")
            eventually(lambda: len(service.shown) == 1, "a notice")
            subprocess.run(
                ["xdotool", "key", "ctrl+alt+p"], env=dict(desktop.environment), check=True
            )
            eventually(lambda: control.paused, "the pause")
            eventually(lambda: len(service.shown) == 2, "a notice")
            control.resume()
            says(paths, "open")
            eventually(lambda: len(service.shown) == 3, "a notice")
            opened = {str(Path(f"/proc/{child.pid}/fd/{n}").readlink()) for n in fds(child.pid)}
            assert not [name for name in opened if "vault" in name or ".db" in name]
    titles = [title for title, _ in service.shown]
    assert titles == ["Capture began", "Paused", "Capture resumed"]
    assert not (paths.run / "presence.json").exists()


def fds(pid):
    return [path.name for path in Path(f"/proc/{pid}/fd").iterdir()]


def test_without_a_desktop_nobody_is_there_and_nothing_is_missing(paths):
    with presence(paths) as (_, said):
        assert said[:2] == ["away", "ready"]
        assert {part.state for part in read_presence(paths).values()} == {"off"}


def test_each_part_that_fails_is_said_and_the_others_go_on(paths):
    with presence(paths, DISPLAY=":987") as (child, said):
        parts = read_presence(paths)
        assert said[0] == "unsure"
        assert (parts["hotkey"].state, parts["notifications"].state) == ("failed", "failed")
        assert all(part.sentence and part.mend for name, part in parts.items() if name != "tray")
        assert child.exit_code is None


def test_under_wayland_there_is_no_hotkey_and_nobody_can_tell_who_is_there(paths):
    with presence(paths, DISPLAY=":987", WAYLAND_DISPLAY="wayland-0") as (_, said):
        assert said[0] == "unsure"
        assert "Wayland" in read_presence(paths)["hotkey"].sentence


@pytest.mark.display
def test_somebody_is_there_as_long_as_there_is_input(desktop):
    subprocess.run(["xdotool", "key", "a"], env=dict(desktop.environment), check=True)
    assert Somebody(30, {"DISPLAY": desktop.name}).is_there() is True
    patient = Somebody(0.3, {"DISPLAY": desktop.name})
    eventually(lambda: patient.is_there() is False, "an empty desk")
    subprocess.run(["xdotool", "key", "a"], env=dict(desktop.environment), check=True)
    assert patient.is_there() is True
    patient.close()


def test_a_hotkey_that_is_no_key_is_told(paths):
    made = Presence(paths, Config(hotkey="p", tray=False), lambda _: None, {"DISPLAY": ":987"})
    made.tick()
    assert "hotkey" in read_presence(paths)["hotkey"].sentence
    made.stop()


def test_the_state_is_what_was_said_lately_and_a_pause_comes_first(paths):
    assert desk_state(paths).capture == "off"
    for word, found in (("open", "on"), ("idle", "closed"), ("no-consent", "off")):
        says(paths, word)
        assert desk_state(paths).capture == found
    says(paths, "open")
    assert desk_state(paths, lambda: time.time() + 60).capture == "off", "an old statement is none"
    control = Control.open(paths.control)
    control.pause()
    assert desk_state(paths).capture == "paused"
    control.close()
    paths.control.chmod(0o666)
    assert not desk_state(paths).capturing, "unknown is never shown as capturing"


def test_a_cap_that_was_reached_is_news(paths):
    told = {
        "state": "limiting", "reason": "disk", "sentence": "Too much.", "mend": "Do less.",
        "causes": ["disk"], "capture": "stopped", "training": True, "online": True,
    }  # fmt: skip
    report = paths.run / "governor.json"
    report.touch(mode=0o600)
    report.write_text(json.dumps(told))
    assert desk_state(paths).held == "Too much."
    report.write_text(json.dumps(told | {"state": "waiting", "reason": "battery"}))
    assert desk_state(paths).held == "", "waiting is no news"
