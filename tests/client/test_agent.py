"""The agent with its real children: what it hides, what it says, and that nothing outlives it."""

import json
import os
import signal

import psutil
import pytest

from deskbound_client import agent
from deskbound_client.federation.private_flwr import Runtime
from deskbound_strategies.errors import BusyError, NotFoundError, UnreachableError
from tests.helpers.federation import PASSPHRASE, Desk, fleet, new_desk
from tests.helpers.patience import until

pytestmark = pytest.mark.federation


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    with fleet(tmp_path_factory.mktemp("agents") / "server") as started:
        yield started


@pytest.fixture
def desk(made, tmp_path):
    found = new_desk(tmp_path / "desk")
    made.enroll(found)
    yield found
    found.stop()


def children(desk: Desk) -> list[psutil.Process]:
    """Every process that has anything to do with this home, but for a glance at the SuperLink."""
    found = []
    for process in psutil.process_iter(["cmdline", "pid"]):
        line = " ".join(process.info["cmdline"] or ())
        if process.pid != os.getpid() and str(desk.paths.home) in line and " probe " not in line:
            found.append(process)
    return found


def online(made, desk):
    return until(lambda: desk.node in made.online(), "the laptop is online")


@pytest.fixture(scope="module")
def running(made, tmp_path_factory):
    """A laptop that is online, for the tests that leave it so; the last of them stops it."""
    found = new_desk(tmp_path_factory.mktemp("running") / "desk")
    made.enroll(found)
    try:
        found.start()
        online(made, found)
        yield found
    finally:
        found.stop()


def test_children_show_no_secret(running):
    found = children(running)
    assert len(found) == 5  # agent, presence, executor and its doorman, SuperNode
    secret = running.paths.superexec_secret.read_bytes()
    for process in found:
        shown = " ".join(process.cmdline()) + str(process.environ())
        assert PASSPHRASE not in shown
        assert secret.hex() not in shown


def test_a_process_without_the_secret_gets_no_task(running):
    (port,) = [
        process.cmdline()[process.cmdline().index("--port") + 1]
        for process in children(running)
        if "--port" in process.cmdline()
    ]
    intruder = Runtime(f"127.0.0.1:{port}", b"guess")
    with pytest.raises(UnreachableError):
        intruder.claim()
    intruder.close()
    entitled = Runtime(f"127.0.0.1:{port}", running.paths.superexec_secret.read_bytes())
    assert entitled.claim() is None
    entitled.close()


def test_one_agent_per_home(running):
    with pytest.raises(BusyError):
        running.start()


def test_a_child_that_dies_is_started_again(made, running):
    old = agent.status(running.paths).children["executor"]["pid"]
    os.kill(old, signal.SIGKILL)

    def recovered():
        now = agent.status(running.paths)
        return now.state == "running" and now.children["executor"]["pid"] not in (0, old)

    until(recovered, "another executor runs")
    assert "executor ended--9" in running.codes()
    online(made, running)


def test_kill_9_leaves_no_orphan_it_starts_again_and_a_stop_leaves_nothing_either(made, running):
    os.kill(agent.status(running.paths).pid, signal.SIGKILL)
    until(lambda: not children(running), "no process is left")
    assert agent.status(running.paths).state == "stopped"
    running.start()
    online(made, running)
    running.stop()
    assert children(running) == []
    assert agent.status(running.paths).state == "stopped"
    assert not running.paths.superexec_secret.exists()


def test_no_vault_no_agent(tmp_path):
    with pytest.raises(NotFoundError, match="no vault"):
        Desk(agent.HomePaths(tmp_path / "nothing")).start()


def test_a_wrong_passphrase_is_told(made, desk):
    found = agent.start(desk.paths, "not the passphrase", capture=False)
    assert found.state == "degraded"
    told = found.children["executor"]
    assert told["trouble"] == "WrongPassphraseError"
    assert told["sentence"] == "The passphrase does not open this vault."


def test_no_display_is_told_and_the_rest_goes_on(made, desk, monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    agent.start(desk.paths, PASSPHRASE)
    online(made, desk)
    until(lambda: agent.status(desk.paths).children["capture"]["sentence"], "the sentence")
    found = agent.status(desk.paths)
    assert found.children["capture"]["trouble"] == "NoDisplayError"
    assert found.state == "degraded"


def sentence(desk):
    return agent.status(desk.paths).children["supernode"]["sentence"]


def test_a_revoked_laptop_is_told_so(made, desk):
    made.revoke(desk)
    desk.start()
    until(lambda: "does not let this laptop in" in sentence(desk), "the sentence")
    assert agent.status(desk.paths).state == "degraded"


def test_an_unreachable_superlink_is_told(made, desk):
    change_bundle(desk, superlink="127.0.0.1:1")
    desk.start()
    until(lambda: "does not answer" in sentence(desk), "the sentence")


def test_another_authority_is_not_trusted(made, desk):
    from tests.client.federation.test_join import authority

    change_bundle(desk, ca_pem=authority())
    desk.paths.ca.write_text(json.loads(desk.paths.join.read_text())["ca_pem"])
    desk.start()
    until(lambda: "not vouched for" in sentence(desk), "the sentence")
    assert desk.node not in made.online()


def change_bundle(desk, **changes):
    raw = json.loads(desk.paths.join.read_text())
    desk.paths.join.write_text(json.dumps(raw | changes))
