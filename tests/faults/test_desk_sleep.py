"""The laptop sleeps, or capture is held up: the hole has a cause, and no row has a wrong time."""

import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deskbound_client.capture import signals
from deskbound_client.capture.clocks import Clocks, since_boot
from deskbound_client.capture.control import Control
from deskbound_client.capture.status import read_status
from deskbound_client.store.vault import Vault
from deskbound_strategies.vocabulary import TOKENS
from tests.helpers.capture_process import PROGRAM, SILENT, start_capture
from tests.helpers.display import agree, capturing, desktop, eventually
from tests.helpers.store import FileKeystore

__all__ = ["desktop"]
pytestmark = pytest.mark.display
HELD_UP = 6.0
TEN_DAYS = 864_000


@pytest.fixture
def home(tmp_path):
    (tmp_path / "key").write_bytes(secrets.token_bytes(32))
    with Vault.create(tmp_path / "home", FileKeystore(tmp_path / "key")) as vault:
        agree(vault, Control.create(tmp_path / "home" / "control"), signals.KEYS)
    return tmp_path / "home"


@pytest.fixture
def terminal(desktop):
    yield desktop.open("xterm")
    desktop.close_all()


def stored(home):
    with Vault.open(home, FileKeystore(home.parent / "key")) as vault:
        days = [vault.day(day) for day in vault.days()]
        rows = [row for day in days for row in day.actions()]
        return rows, [gap for day in days for gap in day.gaps()]


def says(home):
    return read_status(home / "run" / "capture.json") or SILENT


def end(process):
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0


def test_a_process_that_was_stopped_keeps_no_row_of_what_it_missed(
    desktop, terminal, home, tmp_path
):
    process = start_capture(home, desktop, tmp_path / "output")
    try:
        eventually(lambda: says(home).state == "open", "capture to begin")
        desktop.press("F2")
        eventually(lambda: says(home).rows_last_minute.get("keys") == 1, "the first key")
        process.send_signal(signal.SIGSTOP)
        for _ in range(6):
            desktop.press("F3")
            time.sleep(HELD_UP / 6)
        process.send_signal(signal.SIGCONT)
        asleep = time.time()
        eventually(lambda: says(home).at > asleep + 1, "capture to go on")
        eventually(lambda: says(home).state == "open", "the gate to open")
        desktop.press("F4")
        eventually(lambda: says(home).rows_last_minute.get("keys", 0) >= 2, "the next key")
    finally:
        process.send_signal(signal.SIGCONT)
        end(process)
    rows, gaps = stored(home)
    assert [TOKENS[row.token].name for row in rows] == ["key:f2", "key:f4"]
    held_up = [gap for gap in gaps if gap.cause == "lag"]
    assert any(gap.ended - gap.started >= HELD_UP - 2 for gap in held_up), gaps


def test_sleep_is_a_hole_of_its_own_and_capture_goes_on(desktop, terminal, tmp_path):
    slept = [0.0]
    with capturing(tmp_path / "home", desktop, streams=signals.KEYS) as session:
        session.capture._clocks = Clocks(booted=lambda: since_boot() + slept[0])
        session.notices(terminal)
        desktop.press("F2")
        session.until("key:f2")
        slept[0] = 3_600.0  # the one clock that goes on while the machine sleeps
        eventually(lambda: "sleep" in {gap.cause for gap in session.gaps()}, "the hole")
        desktop.press("F3")
        session.until("key:f3")
        (gap,) = [gap for gap in session.gaps() if gap.cause == "sleep"]
        assert session.names() == ["key:f2", "key:f3"]
    assert abs(gap.ended - gap.started - 3_600) <= 1


def _apart(*command):
    """Return a command line in a time namespace of its own: booted ten days earlier."""
    return ["unshare", "--user", "--map-root-user", "--time", "--boottime", str(TEN_DAYS),
            "--", *command]  # fmt: skip


def _can_be_apart():
    if shutil.which("unshare") is None:
        return False
    return subprocess.run(_apart("true"), capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not _can_be_apart(), reason="time namespaces are not permitted here")
def test_a_machine_that_slept_for_days_before_makes_no_hole(desktop, terminal, home, tmp_path):
    with (tmp_path / "output").open("wb") as output:
        process = subprocess.Popen(
            _apart("setpriv", "--pdeathsig", "TERM", sys.executable, "-c", PROGRAM, str(home), ""),
            env={**os.environ, **desktop.environment, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=output,
            stderr=output,
            cwd=Path(__file__).parents[2],
        )
        try:
            eventually(lambda: says(home).state == "open", "capture to begin")
            desktop.press("F2")
            eventually(lambda: says(home).rows_last_minute.get("keys") == 1, "the key")
        finally:
            os.kill(says(home).pid or process.pid, signal.SIGTERM)
            process.wait(30)
    rows, gaps = stored(home)
    assert gaps == []
    assert rows[0].mono_s >= TEN_DAYS
