"""Hostile code inside the executor and inside capture: every way out is tried, and refused.

Each route runs twice: without a sandbox, to show that it is a way out on this machine, and in the
sandbox of a role, entered as the worker enters it.
"""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from deskbound_client.paths import HomePaths
from deskbound_client.sandbox.confine import possible
from tests.hostile import routes
from tests.hostile.routes import OUT, REFUSED, ROUTES

pytestmark = pytest.mark.skipif(
    not possible().whole or possible().landlock < 6, reason="this kernel confines less"
)

# Which of the routes capture needs itself: display and bus are Unix sockets, thumbnails share
# memory; its sockets may carry handles, and it has no connection to be led elsewhere.
OF_CAPTURE = {
    "speak_on_the_bus", "speak_to_an_abstract_socket", "make_system_v_memory",
    "lead_the_open_connection_elsewhere", "send_to_an_address_on_the_open_connection",
    "pass_a_message_with_an_address",
}  # fmt: skip
# Not ways out by themselves: refused by a machine without network, or by every kernel that is built
# without the 32-bit calls; or refused elsewhere for want of rights.
NO_CONTROL = {"connect_to_a_stranger", "call_as_a_32_bit_program", "call_by_the_x32_numbers"}
KILLED = {"call_as_a_32_bit_program", "call_by_the_x32_numbers"}


@pytest.fixture
def world(tmp_path):
    """A laptop: somebody's files, other programs that listen, and one that minds its business."""
    home, own = tmp_path / "home", tmp_path / "somebody"
    HomePaths(home).prepare()
    own.mkdir()
    (own / "id_ed25519").write_text("canary")
    (own / "spare").write_text("spare")
    listening = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.bind(("127.0.0.1", 0))
    name = f"deskbound-{os.getpid()}-{id(own)}"
    unix, abstract = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
    unix.bind(str(own / "bus"))
    abstract.bind("\0" + name)
    for one in (unix, abstract):
        one.listen()
    secret = "import ctypes,time; b=ctypes.create_string_buffer(b'canary!!'); "
    sibling = subprocess.Popen(
        [sys.executable, "-c", secret + "print(ctypes.addressof(b), flush=True); time.sleep(300)"],
        stdout=subprocess.PIPE,
        text=True,
    )
    yield {
        "home": str(home),
        "canary": str(own / "id_ed25519"),
        "spare": str(own / "spare"),
        "door": listening[0].getsockname()[1],
        "tcp": listening[1].getsockname()[1],
        "udp": datagrams.getsockname()[1],
        "unix": str(own / "bus"),
        "abstract": name,
        "sibling": sibling.pid,
        "address": int(sibling.stdout.readline()),
    }
    sibling.kill()
    sibling.communicate()
    for one in (*listening, datagrams, unix, abstract):
        one.close()


def attempt(role, world, name, **environment):
    """Try a route in a process of its own; return how it ended."""
    done = subprocess.run(
        [sys.executable, "-m", routes.__name__, role, world["home"], name],
        input=json.dumps(world), text=True, capture_output=True, timeout=60, check=False,
        cwd=Path(__file__).parents[2],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)} | environment,
    )  # fmt: skip
    return done.returncode, done.stderr


def refused(name, code, said):
    """Whether an attempt ended as it must."""
    return code == (-signal.SIGSYS if name in KILLED else REFUSED), said


@pytest.mark.parametrize("name", ROUTES)
def test_no_route_leads_out_of_the_executor(world, name):
    if name not in NO_CONTROL:
        code, said = attempt("nobody", world, name)
        # Some machines refuse a few of them to everybody; they must be refused here all the same.
        assert code in (OUT, REFUSED), said
        Path(world["spare"]).write_text("spare")
    if name in KILLED and not routes.X86:
        pytest.skip("only x86-64 has a second calling convention to refuse")
    held, said = refused(name, *attempt("executor", world, name))
    assert held, said


@pytest.mark.parametrize("name", sorted(set(ROUTES) - OF_CAPTURE))
def test_no_route_leads_out_of_capture(world, name):
    if name in KILLED and not routes.X86:
        pytest.skip("only x86-64 has a second calling convention to refuse")
    held, said = refused(name, *attempt("capture", world, name, DISPLAY=":0"))
    assert held, said


@pytest.mark.parametrize("name", ["speak_on_the_bus", "speak_to_an_abstract_socket"])
def test_capture_reaches_display_and_bus(world, name):
    code, said = attempt("capture", world, name, DISPLAY=":0")
    assert code == OUT, said


def test_there_are_enough_routes():
    assert len(ROUTES) >= 40


def test_a_thread_cannot_be_outside(world):
    """What was started before the door closed would be outside; so it does not close at all."""
    code = (
        "import sys, threading, time\nfrom pathlib import Path\n"
        "from deskbound_client.paths import HomePaths\n"
        "from deskbound_client.sandbox import policy\n"
        "from deskbound_client.sandbox.confine import confine\n"
        "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
        "confine(policy.executor(HomePaths(Path(sys.argv[1]))), required=True)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, world["home"]],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert "SandboxError" in done.stderr
