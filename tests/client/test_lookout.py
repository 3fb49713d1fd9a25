"""The agent learns whether the SuperLink answers without a connection of its own."""

import ast
import inspect
import socket

import psutil
import pytest

from deskbound_client import agent, lookout, processes, supervision, supervisor
from deskbound_client.capture.control import Control
from deskbound_client.federation import supernode
from deskbound_client.federation.supernode import Finding
from deskbound_client.lookout import STEADY_SECONDS, Lookout
from deskbound_client.paths import HomePaths
from deskbound_client.store.files import replace_private
from deskbound_client.supervision import Role, State
from deskbound_client.supervisor import Supervisor
from tests.client.federation.test_join import bundle
from tests.helpers.federation import until
from tests.helpers.processes import words

NETWORK = {"socket", "ssl", "httpx", "flwr", "urllib", "http", "asyncio", "socketserver"}


@pytest.fixture
def paths(tmp_path):
    found = HomePaths(tmp_path / "home")
    found.prepare()
    return found


@pytest.fixture
def mute():
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def joined(paths, superlink):
    replace_private(paths.join, bundle(superlink=superlink))


def looking(paths):
    """The processes that look for the SuperLink of this home."""
    return [child for child in psutil.Process().children() if str(paths.home) in words(child)]


def settled(found, now=0.0):
    """Wait until the child is gone, as the agent's ticks do; return what it found."""
    until(lambda: found._child.exit_code is not None, "the look is over")
    return found.found(now)


def test_what_the_agent_is_made_of_imports_no_network():
    for module in (agent, supervisor, supervision, lookout, processes, supernode):
        tree = ast.parse(inspect.getsource(module))
        names = {
            name.partition(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in [getattr(node, "module", None) or "", *(a.name for a in node.names)]
        }
        assert not names & NETWORK, module.__name__


def test_a_look_is_a_process_that_was_told_nothing_and_is_gone(paths, mute):
    joined(paths, mute)
    found = Lookout(paths)
    found.look(0.0)
    assert found.found(0.0) is None  # without waiting
    (child,) = looking(paths)
    assert child.cmdline()[-3:] == ["probe", "--home", str(paths.home)]
    found.look(1.0)
    assert looking(paths) == [child], "one at a time"
    found.stop()
    assert looking(paths) == []
    assert found.found(1.0) is None


def test_nobody_there_is_found_once_and_asked_again_later(paths):
    joined(paths, "127.0.0.1:1")
    found = Lookout(paths)
    found.look(0.0)
    assert settled(found) is Finding.UNREACHABLE
    assert found.found(0.0) is None
    found.look(1.0)
    assert looking(paths) == []
    found.look(STEADY_SECONDS)
    assert settled(found) is Finding.UNREACHABLE


def test_a_change_is_a_reason_to_look_at_once(paths):
    joined(paths, "127.0.0.1:1")
    found = Lookout(paths)
    found.look(0.0)
    settled(found)
    found.hurry()
    found.look(0.0)
    assert settled(found) is Finding.UNREACHABLE


def test_who_says_nothing_for_too_long_does_not_answer(paths, mute):
    joined(paths, mute)
    found = Lookout(paths, patience=1.0)
    found.look(0.0)
    assert found.found(0.5) is None
    assert found.found(1.5) is Finding.UNREACHABLE
    assert looking(paths) == []


def test_a_look_that_fails_by_itself_says_nothing_of_the_server(paths):
    found = Lookout(paths)  # in no fleet
    found.look(0.0)
    assert settled(found) is None


def test_who_is_not_to_be_seen_does_not_look(paths, mute):
    joined(paths, mute)
    Control.create(paths.control).close()
    found = Supervisor(paths, "a passphrase")
    found._load_server()
    found._states[Role.SUPERNODE] = State(failures=1)
    found._look_out({Role.SUPERNODE})
    assert len(looking(paths)) == 1
    found._look_out(set())  # paused
    assert looking(paths) == []
    found._look_out(set())
    assert looking(paths) == []
