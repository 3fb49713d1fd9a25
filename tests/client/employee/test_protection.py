"""What status says of code and sandbox, from what was really written down."""

import os

import pytest

from deskbound_client import integrity
from deskbound_client.agent import AgentStatus
from deskbound_client.config_edit import set_value
from deskbound_client.employee.protection import protection_of
from deskbound_client.integrity import Code, State
from deskbound_client.sandbox import report
from deskbound_client.sandbox.confine import Confinement
from tests.helpers.cli import desk, empty

__all__ = ["desk", "empty"]


def running(**pids):
    return AgentStatus("running", 1, {role: {"pid": pid} for role, pid in pids.items()}, False, 0)


@pytest.mark.parametrize(
    ("done", "word"),
    [
        (Confinement(7, seccomp=True), "whole"),
        (Confinement(7), "part"),
        (Confinement(), "none"),
    ],
)
def test_how_far_the_running_process_is_confined(desk, done, word):
    report.write(desk.paths, "executor", done)
    found = protection_of(desk.paths, running(executor=os.getpid(), capture=0))
    assert found.sandbox == {"executor": word}
    assert f"executor {word}" in found.words[1]


def test_what_another_process_wrote_is_no_statement(desk):
    report.write(desk.paths, "executor", Confinement(7, seccomp=True))
    assert protection_of(desk.paths, running(executor=1)).sandbox == {"executor": "none"}
    assert protection_of(desk.paths, running()).sandbox == {}


def test_what_is_known_of_the_code(desk):
    assert protection_of(desk.paths, running()).code == "not-pinned"
    set_value(desk.paths.config, "reviewer_key", "11" * 32)
    assert protection_of(desk.paths, running()).code == "pinned"
    integrity._write(desk.paths, Code(State.REVIEWED, "ab" * 32, "0.1.0"))
    found = protection_of(desk.paths, running())
    assert (found.code, found.release) == ("reviewed", "ab" * 32)
    assert "abababababababab" in found.words[0]
    integrity._write(desk.paths, Code(State.CHANGED))
    assert "nothing is trained" in protection_of(desk.paths, running()).words[0]


def test_the_command_says_both(desk):
    assert "not pinned" in desk.ok("status")
    assert desk.ask("status")["protection"] == {"code": "not-pinned", "release": "", "sandbox": {}}
