"""What is said of this desk is what is so, or nothing."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from deskbound_client import agent
from deskbound_client.capture.control import Control
from deskbound_client.capture.gate import Reason
from deskbound_client.capture.signals import KEYS, POINTER, SCREEN
from deskbound_client.capture.status import CaptureStatus, Hole, write_status
from deskbound_client.employee.status import NOT_NOW, REASONS, status_of
from deskbound_client.governor.report import GovernorReport, write_report
from deskbound_client.paths import HomePaths
from deskbound_strategies.stop_order import StopReason
from tests.helpers.patience import until

TOLD = CaptureStatus(
    pid=1, at=0, state="open", streams=("keys", "screen"), rows_last_minute={"keys": 7}, faults=0,
    disk_full=False, now={"keys": "open", "pointer": "no-consent", "screen": "idle"},
    seen_last_minute={"keys": 9}, holes=(Hole(5, 15, "sleep"),),
)  # fmt: skip


@pytest.fixture
def paths(tmp_path):
    found = HomePaths(tmp_path / "home")
    found.prepare()
    Control.create(found.control).set_streams(KEYS | SCREEN)
    return found


@pytest.fixture
def told(paths):
    def tell(ago=0, **changes):
        now = int(time.time()) - ago
        write_status(paths.run / "capture.json", replace(TOLD, at=now, **changes))

    tell()
    return tell


@pytest.fixture
def process():
    """A process that stands for capture: it is there, and says nothing by itself."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as started:
        yield started
        started.kill()


@pytest.fixture
def running(monkeypatch):
    known = agent.AgentStatus("running", 7, {}, willing=True, silent_until=0.0)
    monkeypatch.setattr(agent, "status", lambda _: known)


def stream(paths, name):
    return next(stream for stream in status_of(paths).streams if stream.name == name)


def test_each_stream_says_what_would_be_captured_now(paths, told):
    keys, screen, pointer = (stream(paths, name) for name in ("keys", "screen", "pointer"))
    assert (keys.on, keys.rows_last_minute, keys.seen_last_minute, keys.words) == (
        True, 7, 9, "yes",
    )  # fmt: skip
    assert screen.words == "no: nobody is here"
    assert (pointer.on, pointer.words) == (False, "no: not agreed to")
    assert status_of(paths).holes == (Hole(5, 15, "sleep"),)


@pytest.mark.parametrize("ago", [60, -60])
def test_an_old_statement_is_none_and_neither_is_one_of_the_future(paths, told, ago):
    told(ago=ago)
    found = status_of(paths)
    assert (found.capture, found.holes, found.disk_full) == ("stopped", (), False)
    assert stream(paths, "keys").words == "no: capture is not running"
    assert stream(paths, "keys").rows_last_minute == 0


def test_one_that_was_killed_says_no_last_word_and_is_not_called_on(paths, told, process, running):
    told(pid=process.pid)
    assert status_of(paths).capture == "open"
    os.kill(process.pid, signal.SIGKILL)
    until(lambda: status_of(paths).capture != "open" or process.poll() is not None, "its end")
    assert status_of(paths).capture == "stopped", "though what it said is not ten seconds old"
    assert stream(paths, "keys").words == "no: capture is not running"


def test_one_that_hangs_is_silent_and_not_stopped(paths, told, process, running):
    told(pid=process.pid, ago=60)
    found = status_of(paths)
    assert (found.capture, found.holes) == ("silent", ())
    assert stream(paths, "keys").words == "no: capture says nothing"
    assert stream(paths, "pointer").words == "no: not agreed to"
    told(pid=process.pid, ago=60, state="stopped")
    assert status_of(paths).capture == "stopped", "it said farewell"


def test_input_that_arrives_and_is_not_stored_is_never_called_on(paths, told):
    told(rows_last_minute={}, trouble=("keys",))
    found = status_of(paths)
    assert found.capture == "trouble"
    assert "stored" in found.words
    assert stream(paths, "keys").trouble
    assert "in trouble" in stream(paths, "keys").words


def test_the_word_of_the_employee_comes_before_what_capture_says(paths, told):
    Control.open(paths.control).pause()
    assert {one.now for one in status_of(paths).streams} == {"paused"}
    assert status_of(paths).words == "paused until you say `deskbound resume`"
    Control.open(paths.control).resume()
    Control.open(paths.control).set_streams(POINTER)
    assert stream(paths, "keys").now == "no-consent", "though capture has not noticed yet"


def test_a_stop_of_the_fleet_is_said_with_its_reason_and_the_one_way_out(paths, told):
    Control.open(paths.control).pause(stopped_for=StopReason.REPRESENTATIVES)
    found = status_of(paths)
    assert found.capture == "paused"
    assert "the operator stopped the fleet" in found.words
    assert "the employees' representatives asked for it" in found.words
    assert "deskbound resume" in found.words
    assert json.loads(json.dumps(found.as_dict()))["stopped_for"] == "representatives"


def test_what_capture_said_of_a_pause_that_ended_since_is_not_repeated(paths, told):
    told(state="paused", now={"keys": "paused", "screen": "paused"})
    found = status_of(paths)
    assert found.capture == "resuming"
    assert "until" not in found.words
    assert "since the pause ended" in stream(paths, "keys").words


def test_a_lost_control_file_reads_as_paused(paths, told):
    paths.control.unlink()
    assert status_of(paths).capture == "paused"


def test_a_damaged_statement_is_none(paths, told):
    for content in ('{"holes": [1]}', "[]", "", '{"streams": 3}'):
        (paths.run / "capture.json").write_text(content)
        assert status_of(paths).capture == "stopped"


def test_every_reason_has_words():
    told = {reason.value for reason in Reason} | {"display-lost", "deaf", "stopped", "silent"}
    assert told <= set(REASONS)
    assert told <= set(NOT_NOW)


def test_what_the_governor_holds_back_is_passed_on(paths, told):
    report = GovernorReport("limiting", "disk", "Too much room.", "Forget some days.")
    write_report(paths, report)
    assert status_of(paths).governor == report


def test_as_a_json_value_streams_have_names(paths, told, monkeypatch):
    known = agent.AgentStatus("running", 7, {}, willing=True, silent_until=0.0)
    monkeypatch.setattr(agent, "status", lambda _: known)
    found = status_of(paths).as_dict()
    assert found["streams"]["keys"] == {
        "on": True, "rows_last_minute": 7, "seen_last_minute": 9, "now": "open", "trouble": False,
    }  # fmt: skip
    assert found["agent"]["pid"] == 7
    assert found["upload"] is None
