import os
import threading
import time

import pytest

from deskbound_client.capture import process
from deskbound_client.capture.clocks import boot_number
from deskbound_client.capture.control import Control
from deskbound_client.capture.process import LOCK_FILE, run_capture
from deskbound_client.capture.settings import CaptureConfig
from deskbound_client.capture.status import CaptureStatus, read_status, write_status
from deskbound_client.employee.status import status_of
from deskbound_client.paths import HomePaths
from deskbound_client.store.vault import Vault
from deskbound_strategies.errors import (
    BusyError,
    ConfigError,
    DeskboundError,
    NoDisplayError,
    VaultDamagedError,
    WaylandError,
)
from tests.helpers.display import ALL_STREAMS, agree, desktop, eventually
from tests.helpers.store import MemoryKeystore

__all__ = ["desktop"]


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def vault(home):
    with Vault.create(home, MemoryKeystore()) as made:
        agree(made, Control.create(home / "control"), ALL_STREAMS)
        yield made


@pytest.fixture
def on_desktop(desktop, monkeypatch):
    monkeypatch.setenv("DISPLAY", desktop.name)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.delenv("XDG_SESSION_TYPE", raising=False)


class Running:
    """``run_capture`` in a thread, with what it raised."""

    def __init__(self, home, vault):
        self.stop, self.raised = threading.Event(), None
        self.thread = threading.Thread(target=self.run, args=(home, vault))
        self.thread.start()

    def run(self, home, vault):
        try:
            run_capture(home, vault, CaptureConfig(), self.stop)
        except DeskboundError as error:
            self.raised = error

    def end(self):
        self.stop.set()
        self.thread.join(20)
        assert not self.thread.is_alive()


def test_without_a_display_it_refuses_to_start(home, vault, monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.delenv("XDG_SESSION_TYPE", raising=False)
    with pytest.raises(NoDisplayError):
        run_capture(home, vault, CaptureConfig())
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    with pytest.raises(WaylandError):
        run_capture(home, vault, CaptureConfig())


@pytest.mark.display
def test_two_captures_of_one_home_are_refused(home, vault, on_desktop):
    running = Running(home, vault)
    try:
        eventually((home / "run" / LOCK_FILE).exists, "the first to start")
        eventually(lambda: read_status(home / "run" / "capture.json") is not None, "status")
        with pytest.raises(BusyError):
            run_capture(home, vault, CaptureConfig())
    finally:
        running.end()
    assert running.raised is None
    assert read_status(home / "run" / "capture.json").state == "stopped"


@pytest.mark.display
def test_a_replaced_control_file_ends_capture(home, vault, on_desktop):
    running = Running(home, vault)
    try:
        eventually(lambda: read_status(home / "run" / "capture.json") is not None, "status")
        (home / "control").unlink()
        Control.create(home / "control")
        running.thread.join(20)
        assert isinstance(running.raised, VaultDamagedError)
    finally:
        running.end()


@pytest.mark.display
def test_a_timed_pause_ends_by_itself_and_an_endless_one_does_not(
    home, vault, on_desktop, monkeypatch
):
    control = Control.open(home / "control")
    control.pause(until=process.time.time() - 1)
    running = Running(home, vault)
    try:
        eventually(lambda: control.is_open, "the end of the pause")
        control.pause()
        path = home / "run" / "capture.json"
        eventually(lambda: read_status(path) is not None, "status")
        first = read_status(path).at
        eventually(lambda: read_status(path).at > first + 1, "two more seconds")
        assert control.paused
    finally:
        running.end()


def test_settings_out_of_range_are_refused():
    for wrong in ({"idle_seconds": 0}, {"thumbnail_seconds": float("nan")}, {"queue_limit": 0}):
        with pytest.raises(ConfigError):
            CaptureConfig(**wrong)


def test_status_is_private_and_reads_back(tmp_path):
    path = tmp_path / "capture.json"
    assert read_status(path) is None
    status = CaptureStatus(os.getpid(), 5, "open", ("keys",), {"keys": 3}, 1, disk_full=False)
    write_status(path, status)
    assert read_status(path) == status
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text("{}")
    assert read_status(path) is None


def test_the_boot_has_one_number():
    assert boot_number() == boot_number() > 0


@pytest.mark.display
@pytest.mark.parametrize("years", [-10, 10])
def test_the_status_stays_fresh_when_the_clock_is_set(home, vault, on_desktop, monkeypatch, years):
    real = time.time
    running = Running(home, vault)
    try:
        paths = HomePaths(home)
        eventually(lambda: status_of(paths).capture != "stopped", "a first status")
        monkeypatch.setattr(time, "time", lambda: real() + years * 365.25 * 86_400)
        eventually(lambda: status_of(paths).capture != "stopped", "a status by the new clock")
    finally:
        running.end()
