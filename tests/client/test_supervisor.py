"""How long the SuperNode stays once its laptop is paused: not at all, but for one farewell."""

import pytest

from deskbound_client import supervisor
from deskbound_client.capture.control import Control
from deskbound_client.federation.executor import Word
from deskbound_client.paths import HomePaths
from deskbound_client.supervision import Role, State
from deskbound_client.supervisor import Supervisor
from deskbound_strategies.stop_order import StopReason


@pytest.fixture
def agent(tmp_path, monkeypatch):
    """An agent whose executor is warm and willing and whose SuperNode runs."""
    paths = HomePaths(tmp_path / "home")
    paths.prepare()
    Control.create(paths.control).close()
    made = Supervisor(paths, "a passphrase")
    made._wishes = made._wishes.__class__(joined=True, willing=True)
    made._states[Role.EXECUTOR] = State(running_since=0.0, ready=True)
    made._children[Role.SUPERNODE] = object()
    now = [1000.0]
    monkeypatch.setattr(supervisor.time, "monotonic", lambda: now[0])
    made.pass_by = lambda seconds: now.__setitem__(0, now[0] + seconds)
    return made


def stop(agent):
    agent._control.pause(stopped_for=StopReason.FAULT)


def test_a_pause_ends_the_supernode_at_once(agent):
    assert Role.SUPERNODE in agent._wanted()
    agent._control.pause()
    assert Role.SUPERNODE not in agent._wanted()


def test_the_answer_to_a_stop_may_leave_and_then_the_supernode_ends(agent):
    agent._hear_worker(Role.EXECUTOR, Word.PARTING)
    stop(agent)
    agent._hear_worker(Role.EXECUTOR, Word.ANSWERED)
    agent._hear_worker(Role.EXECUTOR, Word.UNWILLING)
    agent._hear_worker(Role.EXECUTOR, f"{Word.SILENT} 99999999999")
    assert Role.SUPERNODE in agent._wanted()
    agent._hear_supernode("reply-sent")
    assert Role.SUPERNODE in agent._wanted(), "its server may not have taken it yet"
    agent.pass_by(supervisor.FAREWELL_SECONDS + 0.1)
    assert Role.SUPERNODE not in agent._wanted()


def test_an_answer_to_a_round_holds_nobody(agent):
    agent._hear_supernode("reply-sent")
    agent._control.pause()
    assert Role.SUPERNODE not in agent._wanted()


def test_it_does_not_stay_for_long_where_no_answer_leaves(agent):
    agent._hear_worker(Role.EXECUTOR, Word.PARTING)
    stop(agent)
    agent.pass_by(supervisor.PARTING_SECONDS - 0.1)
    assert Role.SUPERNODE in agent._wanted()
    agent.pass_by(0.2)
    assert Role.SUPERNODE not in agent._wanted()


def test_nobody_is_started_for_a_farewell(agent):
    stop(agent)
    del agent._children[Role.SUPERNODE]
    agent._hear_worker(Role.EXECUTOR, Word.PARTING)
    assert Role.SUPERNODE not in agent._wanted()


def test_only_the_executor_can_ask_for_it(agent):
    stop(agent)
    agent._hear_worker(Role.CAPTURE, Word.PARTING)
    assert Role.SUPERNODE not in agent._wanted()
