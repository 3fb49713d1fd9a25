"""Connections of whole rounds on one laptop: the SuperLink, loopback, and nobody else.

An audit hook in every Python process of the laptop (agent, executor, SuperNode) writes down each
socket, each connection and each look-up of a name before it happens. It writes into the home, the
only place where the executor can; and the executor's one connection is made by its doorman.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from deskbound_client import agent
from deskbound_strategies import wire
from tests.helpers.federation import PASSPHRASE, fleet, new_desk
from tests.helpers.patience import until
from tests.helpers.processes import words

pytestmark = pytest.mark.federation

HOOK = """
import json, os, sys
_path = os.environ.get("DESKBOUND_TEST_EGRESS")
if _path:
    def _hook(event, arguments):
        if event in ("socket.connect", "socket.sendto"):
            seen = arguments[1]
        elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
            seen = arguments[:2]
        elif event == "socket.__new__":
            seen = ""
        else:
            return
        with open(_path, "a") as log:
            log.write(json.dumps([os.getpid(), event, repr(seen)]) + "\\n")
    sys.addaudithook(_hook)
"""

# The SuperNode's environment is closed; the test opens it for the hook alone.
AGENT = """
import sys
import time
from pathlib import Path
from deskbound_client import agent
from deskbound_client.federation import supernode
supernode._KEPT += ("PYTHONPATH", "DESKBOUND_TEST_EGRESS")
agent.run_agent(agent.HomePaths(Path(sys.argv[1])), sys.stdin.readline().rstrip(), capture=False)
"""


@pytest.fixture
def watched(tmp_path):
    (tmp_path / "hook").mkdir()
    for folder in ("desk", "desk/run"):
        (tmp_path / folder).mkdir(mode=0o700)
    (tmp_path / "hook" / "sitecustomize.py").write_text(HOOK)
    return os.environ | {
        "PYTHONPATH": str(tmp_path / "hook"),
        "DESKBOUND_TEST_EGRESS": str(tmp_path / "desk" / "run" / "egress.jsonl"),
        "HTTPS_PROXY": "http://192.0.2.1:3128",  # must be ignored
        "HTTP_PROXY": "http://192.0.2.1:3128",
    }


@pytest.mark.parametrize(
    ("rounds", "minutes"),
    [(1, 0), pytest.param(20, 20, marks=[pytest.mark.slow, pytest.mark.timeout(2400)])],
)
def test_rounds_connect_to_the_superlink_and_to_nobody_else(tmp_path, watched, rounds, minutes):
    """A short run, and one long enough for whoever looks for news only now and then."""
    desk = new_desk(tmp_path / "desk")
    with fleet(tmp_path / "server") as made:
        made.enroll(desk)
        process = subprocess.Popen(
            [sys.executable, "-c", AGENT, str(desk.paths.home)], env=watched, stdin=subprocess.PIPE
        )
        process.stdin.write(PASSPHRASE.encode() + b"\n")
        process.stdin.flush()
        try:
            until(lambda: desk.node in made.online(), "the laptop is online")
            roles = roles_of(process.pid)
            server = made.run()
            for _ in range(rounds):
                asked = server.contract(noise_multiplier=30.0)
                assert isinstance(server.ask(desk, server.request(asked)), wire.Reply)
                # Nothing is waited for here: it is the time in which somebody could call home.
                time.sleep(60 * minutes / rounds)
            server.close()
        finally:
            agent.stop(desk.paths)
            process.wait(30)
        superlink = made.home.settings().port
    log = Path(watched["DESKBOUND_TEST_EGRESS"])
    told = [json.loads(line) for line in log.read_text().splitlines()]
    assert roles["executor"] in {pid for pid, event, _ in told if event == "socket.__new__"}
    assert process.pid not in {pid for pid, _, _ in told}, "the agent opened a socket"
    seen = [entry for entry in told if entry[1] != "socket.__new__"]
    assert all("'127.0.0.1'" in where for _, _, where in seen), "a connection to a stranger"
    ports = {
        role: {where.split(",")[1].strip(" )") for pid, _, where in seen if pid == number}
        for role, number in roles.items()
    }
    assert ports["supernode"] == {str(superlink)}, "the SuperNode talks to its SuperLink alone"
    assert not ports["executor"], "the process with data connected to something"
    assert len(ports["doorman"]) == 1
    assert str(superlink) not in ports["doorman"], "the doorman talked to the server"


def roles_of(parent: int) -> dict[str, int]:
    """Return the process ids of the agent's children by role."""
    found = {}
    for child in psutil.Process(parent).children():
        line = " ".join(words(child))
        for role, sign in (("executor", " executor "), ("supernode", "flower-supernode")):
            if sign in line:
                found[role] = child.pid
                for below in child.children() if role == "executor" else ():
                    found["doorman"] = below.pid
    return found


def test_the_hook_would_see_a_stranger(tmp_path, watched):
    code = "import socket\ntry: socket.getaddrinfo('example.invalid', 80)\nexcept OSError: pass"
    subprocess.run([sys.executable, "-c", code], env=watched, check=True)
    assert "example.invalid" in Path(watched["DESKBOUND_TEST_EGRESS"]).read_text()
