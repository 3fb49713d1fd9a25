"""Log-out: the display goes, the agent is told to end, and all that was stored is there."""

import json
import os
import signal

import psutil
import pytest

from deskbound_client import agent
from deskbound_client.capture.status import read_status
from deskbound_strategies.vocabulary import TOKENS
from tests.helpers.capture_process import SILENT
from tests.helpers.cli import PASSPHRASE, desk, empty
from tests.helpers.display import eventually
from tests.helpers.xserver import x_server

__all__ = ["desk", "empty"]
pytestmark = pytest.mark.display


@pytest.fixture
def server(monkeypatch):
    with x_server() as made:
        monkeypatch.setenv("DISPLAY", made.name)
        monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
        monkeypatch.delenv("XDG_SESSION_TYPE", raising=False)
        made.desktop.open("xterm")
        yield made


@pytest.fixture
def working(desk, server):
    """An agent that has stored a key, and the number of its process."""
    desk.ok("consent", "grant", "keys")
    started = agent.start(desk.paths, PASSPHRASE)
    try:
        eventually(lambda: told(desk).state == "open", "capture to begin")
        server.desktop.press("F2")
        eventually(lambda: told(desk).rows_last_minute.get("keys") == 1, "the key")
        yield started.pid
    finally:
        agent.stop(desk.paths)


def told(desk):
    return read_status(desk.paths.run / "capture.json") or SILENT


def left_over(desk):
    home = str(desk.paths.home)
    lines = [" ".join(one.info["cmdline"] or ()) for one in psutil.process_iter(["cmdline"])]
    return [line for line in lines if home in line and "deskbound_client" in line]


def names(desk):
    with desk.vault() as vault:
        return [TOKENS[row.token].name for day in vault.days() for row in vault.day(day).actions()]


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_the_end_of_the_session_ends_everything_cleanly(desk, server, working, number):
    server.kill()
    os.kill(working, number)
    eventually(lambda: not left_over(desk), "all processes to end")
    assert agent.status(desk.paths).state == "stopped"
    assert told(desk).state == "stopped"
    assert [name for name in names(desk) if name.startswith("key")] == ["key:f2"]


def test_a_display_that_is_gone_ends_nothing_else(desk, server, working):
    server.kill()
    eventually(lambda: told(desk).state == "display-lost", "the status to say so")
    looked = json.loads(desk.run("doctor", "--json").out)
    found = {each["name"]: each for each in looked}
    assert found["capture"]["level"] == "warn"
    assert agent.status(desk.paths).pid == working
    desk.ok("pause", "forever")
    eventually(lambda: told(desk).state == "paused", "the pause")
    assert [name for name in names(desk) if name.startswith("key")] == ["key:f2"]
