"""``deskbound start`` and ``stop``: what is refused before anything runs, and the real agent."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from deskbound_client import agent
from deskbound_client.config_edit import set_value
from deskbound_strategies.ledger_bodies import LedgerKind
from tests.helpers.cli import Desk, days_ago
from tests.helpers.display import desktop, eventually

__all__ = ["desktop"]
PROGRAM = Path(sys.executable).with_name("deskbound")


@pytest.fixture
def nowhere(desk, monkeypatch):
    """A laptop without any display, on which nothing may be started."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "XDG_SESSION_TYPE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(agent, "start", lambda *_, **__: pytest.fail("the agent was started"))
    return desk


def test_without_a_display_nothing_starts(nowhere):
    said = nowhere.fails(20, "start")
    assert "DISPLAY" in said
    assert "--no-capture" in said


def test_under_wayland_nothing_starts(nowhere, monkeypatch):
    monkeypatch.setenv("XDG_SESSION_TYPE", "wayland")
    said = nowhere.fails(21, "start")
    assert "Wayland" in said
    assert "--no-capture" in said


@pytest.mark.parametrize("verb", ["start", "agent"])
def test_a_wrong_passphrase_is_told_here_and_now(nowhere, verb):
    nowhere.passphrase.write_text("not the passphrase\n")
    nowhere.fails(12, verb, "--no-capture")


def test_stopping_what_does_not_run_is_no_error(desk):
    assert "was not running" in desk.ok("stop")


def by_hand(desk: Desk, *words: str, **env: str) -> "subprocess.CompletedProcess[str]":
    """Run the installed command as a person would."""
    return subprocess.run(
        [PROGRAM, *words],
        env=os.environ | {"DESKBOUND_HOME": str(desk.paths.home)} | env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def stopped(desk):
    """Ends whatever a test started."""
    yield desk
    agent.stop(desk.paths)


def test_it_runs_until_it_is_stopped_and_only_once(stopped):
    started = by_hand(stopped, "start", "--no-capture", "--json")
    assert started.returncode == 0, started.stderr
    assert json.loads(started.stdout)["agent"]["state"] == "running"
    again = by_hand(stopped, "start", "--no-capture")
    assert again.returncode == 15
    assert again.stdout == ""
    assert "deskbound status" in again.stderr
    assert json.loads(by_hand(stopped, "status", "--json").stdout)["agent"]["pid"] > 0
    ended = by_hand(stopped, "stop")
    assert (ended.returncode, ended.stdout) == (0, "Stopped.\n")
    assert stopped.ask("status")["agent"]["state"] == "stopped"


@pytest.mark.display
def test_while_it_runs_old_days_retire_and_pauses_are_written_down(stopped, desktop):
    stopped.ok("consent", "grant", "keys")  # which has let old days go for today
    stopped.store(days_ago(5))
    stopped.store(days_ago(1))
    set_value(stopped.paths.config, "retention_days", 3)
    started = by_hand(stopped, "start", "--json", DISPLAY=desktop.name, XDG_SESSION_TYPE="x11")
    assert started.returncode == 0, started.stderr
    assert json.loads(started.stdout)["agent"]["children"]["capture"]["state"] == "running"
    eventually(lambda: stopped.bodies(LedgerKind.RETIRE), "the old day to retire")
    assert by_hand(stopped, "pause").returncode == 0
    eventually(lambda: stopped.bodies(LedgerKind.PAUSE), "the pause in the ledger")
    assert by_hand(stopped, "resume").returncode == 0
    eventually(lambda: stopped.bodies(LedgerKind.RESUME), "its end in the ledger")
    assert by_hand(stopped, "stop").returncode == 0
    with stopped.vault() as vault:
        assert vault.days()[0] == days_ago(1)
    assert [body["reason"] for body in stopped.bodies(LedgerKind.RETIRE)] == ["retention"]
    assert stopped.bodies(LedgerKind.PAUSE) == [{"timed": False}]
    assert stopped.bodies(LedgerKind.RESUME) == [{"by": "person"}]


@pytest.mark.display
def test_capture_that_is_killed_is_not_called_on_for_a_moment(stopped, desktop):
    stopped.ok("consent", "grant", "keys")
    by_hand(stopped, "start", DISPLAY=desktop.name, XDG_SESSION_TYPE="x11")

    def capture():
        told = stopped.ask("status")
        return told["agent"]["children"].get("capture", {}).get("pid"), told["capture"]

    eventually(lambda: capture()[0] and capture()[1] != "stopped", "capture to say something")
    first, _ = capture()
    os.kill(first, signal.SIGKILL)
    assert capture()[1] == "stopped"
    eventually(lambda: capture()[0] not in (0, first), "it to be started again")
    eventually(lambda: capture()[1] != "stopped", "it to say something again")


def test_without_the_control_file_it_says_what_is_missing(desk):
    desk.paths.control.unlink()
    said = desk.fails(13, "start", "--no-capture")
    assert "control file is missing" in said
    assert "deskbound init" in said
