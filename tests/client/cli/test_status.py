"""``deskbound status``: from files alone, and only what was really stored."""

import json
import os
import time
from dataclasses import replace

import pytest

from deskbound_client import agent
from deskbound_client.capture.status import CaptureStatus, write_status
from deskbound_client.store.vault import Vault

TOLD = CaptureStatus(
    pid=1, at=0, state="open", streams=("keys",), rows_last_minute={"keys": 7}, faults=0,
    disk_full=False,
)  # fmt: skip
CHILD = {"state": "running", "pid": 0, "trouble": "", "sentence": "", "mend": ""}


@pytest.fixture
def told(desk):
    """Return a function that lets capture say something of itself, now or some seconds ago."""

    def tell(ago=0, **changes):
        now = int(time.time()) - ago
        write_status(desk.paths.run / "capture.json", replace(TOLD, at=now, **changes))

    return tell


def test_it_needs_no_passphrase_and_opens_no_vault(desk, monkeypatch):
    desk.passphrase.unlink()
    monkeypatch.setattr(Vault, "open", lambda *_: pytest.fail("the vault was opened"))
    found = desk.ask("status")
    assert {"agent", "capture", "joined", "paused_until", "streams", "disk_full"} <= set(found)
    assert (found["agent"]["state"], found["capture"], found["paused_until"]) == (
        "stopped", "stopped", None,
    )  # fmt: skip
    assert set(found["streams"]) == {"keys", "pointer", "windows", "screen", "rhythm"}
    assert {"on", "rows_last_minute"} <= set(found["streams"]["keys"])
    assert "stopped" in desk.ok("status")


def test_what_capture_says_counts_while_it_is_fresh(desk, told):
    told()
    assert desk.ask("status")["streams"]["keys"]["rows_last_minute"] == 7
    assert desk.ask("status")["capture"] == "open"
    told(ago=60)
    found = desk.ask("status")
    assert (found["capture"], found["streams"]["keys"]["rows_last_minute"]) == ("stopped", 0)


def test_a_pause_is_told_whatever_capture_says(desk, told):
    told()
    desk.ok("pause", "30m")
    found = desk.ask("status")
    assert found["capture"] == "paused"
    assert found["paused_until"] == pytest.approx(time.time() + 1800, abs=60)
    assert "paused until" in desk.ok("status")


@pytest.mark.parametrize(
    ("state", "word"),
    [("locked", "locked"), ("idle", "nobody"), ("excluded", "excluded"), ("unknown", "told")],
)
def test_why_nothing_is_captured_is_said(desk, told, state, word):
    told(state=state)
    assert word in desk.ok("status").splitlines()[0]


def test_a_full_disk_is_said(desk, told):
    told(disk_full=True)
    assert desk.ask("status")["disk_full"]
    assert "disk is full" in desk.ok("status")


def test_the_troubles_of_children_are_said(desk, monkeypatch):
    child = CHILD | {"state": "waiting", "trouble": "exit-70"}
    spoken = child | {"trouble": "", "sentence": "It does not answer [x].", "mend": "Try again."}
    known = agent.AgentStatus(
        "degraded", 7, {"capture": child, "supernode": spoken}, willing=True, silent_until=0.0
    )
    monkeypatch.setattr(agent, "status", lambda _: known)
    said = desk.ok("status")
    assert "capture: waiting (last trouble: exit-70)" in said
    assert "(supernode): waiting. It does not answer [x]. Try again." in said
    assert json.loads(desk.ok("status", "--json"))["agent"]["state"] == "degraded"


def test_a_child_that_runs_and_says_nothing_is_not_called_running(desk, told, monkeypatch):
    known = agent.AgentStatus("running", 7, {"capture": CHILD}, willing=True, silent_until=0.0)
    monkeypatch.setattr(agent, "status", lambda _: known)
    told(ago=60, pid=os.getpid())
    said = desk.ok("status")
    assert "Capture is silent" in said.splitlines()[0]
    assert "capture: silent" in said
    assert "`deskbound stop`" in said


def running(**changes):
    known = {"willing": True, "silent_until": 0.0} | changes
    return agent.AgentStatus("running", 7, {"executor": CHILD}, **known)


def test_one_who_has_not_begun_is_told_how(desk):
    assert "`deskbound start`" in desk.ok("status")


def test_whether_it_takes_part_is_said(desk, monkeypatch):
    known = [running()]
    monkeypatch.setattr(agent, "status", lambda _: known[0])
    assert "In no fleet" in desk.ok("status")
    desk.paths.prepare()
    desk.paths.join.write_bytes(b"{}")
    assert "fleet" not in desk.ok("status")
    known[0] = running(silent_until=time.time() + 90)
    assert "Silent to the server until" in desk.ok("status")
    known[0] = running(willing=False)
    assert "consent grant updates" in desk.ok("status")


def test_a_pause_that_ends_another_day_says_which(desk):
    desk.ok("pause", "30d")
    until = time.localtime(desk.word().paused_until)
    assert time.strftime("%H:%M on", until) in desk.ok("status")
    assert time.strftime("%B %Y", until) in desk.ok("status")
    desk.ok("pause")
    assert "`deskbound resume`" in desk.ok("status")
