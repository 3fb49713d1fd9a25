"""The caps on real processes: a laptop that is used, waited for, and held to what it may take."""

import os
import subprocess
import time

import pytest

from deskbound_client import agent, consent
from deskbound_client.governor.network import NetworkAccount
from deskbound_client.governor.report import read_report
from deskbound_client.processes import Child, worker
from deskbound_strategies import wire
from tests.helpers.display import desktop, eventually
from tests.helpers.federation import PASSPHRASE, fleet, new_desk
from tests.helpers.patience import until

__all__ = ["desktop"]
pytestmark = [pytest.mark.display, pytest.mark.federation]


@pytest.fixture
def desk(tmp_path, desktop, monkeypatch):
    """A laptop on a private display, with an ordinary employee's settings."""
    found = new_desk(tmp_path / "desk")
    found.paths.config.write_text("training_idle_seconds = 10\ntray = false\n")
    monkeypatch.setenv("DISPLAY", desktop.name)
    for name in ("WAYLAND_DISPLAY", "XDG_SESSION_TYPE", "DBUS_SESSION_BUS_ADDRESS"):
        monkeypatch.delenv(name, raising=False)
    yield found
    found.stop()


def touch(desktop):
    subprocess.run(["xdotool", "key", "a"], env=dict(desktop.environment), check=True)


def is_waiting(desk):
    return read_report(desk.paths).reason == "in-use"


@pytest.mark.slow
def test_a_round_waits_for_its_owner_online_and_is_answered_afterwards(tmp_path, desk, desktop):
    with fleet(tmp_path / "server") as made:
        made.enroll(desk)
        touch(desktop)
        desk.start()
        until(lambda: desk.node in made.online(), "the laptop is online, though in use")
        server = made.run()
        until(lambda: touch(desktop) or is_waiting(desk), "the governor sees somebody")
        ids = server.send(server.request(server.contract()), desk)
        for _ in range(10):  # somebody works on
            touch(desktop)
            time.sleep(1)
            assert "executor answered" not in desk.codes()
        assert desk.node in made.online()
        (message,) = server.replies(ids)  # nobody touches it any more
        assert isinstance(wire.parse_reply(message.content), wire.Reply)
        assert read_report(desk.paths).state == "free"
        used = NetworkAccount(desk.paths.network_account).used()
        assert used > 2 * len(server.weights) * 0.9
        executor = agent.status(desk.paths).children["executor"]["pid"]
        assert os.sched_getscheduler(executor) == os.SCHED_IDLE
        assert os.getpriority(os.PRIO_PROCESS, executor) == 19
        server.close()


def test_capture_above_its_memory_rests_and_it_is_said(desk):
    desk.paths.config.write_text("capture_rss_mb = 80\ndisk_mb = 20\ntray = false\n")
    (desk.paths.model / "current.bin").touch(mode=0o600)
    (desk.paths.model / "current.bin").write_bytes(os.urandom(21_000_000))
    agent.start(desk.paths, PASSPHRASE)
    until(
        lambda: (read_report(desk.paths) or 0) and read_report(desk.paths).capture == "stopped",
        "a stop",
    )
    until(lambda: agent.status(desk.paths).children["capture"]["state"] == "off", "capture is off")
    assert agent.status(desk.paths).children["presence"]["state"] == "running"
    told = read_report(desk.paths)
    assert told.state == "limiting"
    assert told.sentence


def test_a_rest_is_stored_as_a_hole(desk):
    with desk.vault() as vault:
        consent.grant(vault, "keys")
    since = int(time.time()) - 700
    said = []
    command = worker("capture", "--home", str(desk.paths.home), "--rested-since", str(since))
    child = Child("capture", command, os.environ, PASSPHRASE, lambda _, one: said.append(one))
    eventually(lambda: "ready" in said, "capture")
    child.stop()
    with desk.vault() as vault:
        gaps = [row for day in vault.days() for row in vault.day(day).gaps()]
    assert (since, "stopped") in [(gap.started, gap.cause) for gap in gaps]
