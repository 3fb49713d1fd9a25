"""Children end, whatever happens."""

import os
import subprocess
import sys

import psutil
import pytest

from deskbound_client.processes import Child, worker
from tests.helpers.patience import until
from tests.helpers.processes import alive

SLEEPER = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]
STUBBORN = [
    sys.executable, "-c",
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    + SLEEPER[-1],
]  # fmt: skip


@pytest.mark.parametrize("command", [SLEEPER, STUBBORN])
def test_a_child_is_ended_and_heard(command):
    lines = []
    child = Child("one", command, os.environ, "", lambda name, line: lines.append((name, line)))
    until(lambda: lines, "the child speaks")
    assert lines == [("one", "up")]
    child.stop(patience=0.5)
    assert child.exit_code is not None
    assert not psutil.pid_exists(child.pid)


def test_the_first_line_reaches_standard_input_and_no_other_place():
    code = "import sys; print(len(sys.stdin.readline()), sys.argv, flush=True); sys.stdin.read()"
    lines = []
    child = Child(
        "one", [sys.executable, "-c", code], {}, "a secret", lambda _, line: lines.append(line)
    )
    until(lambda: lines, "the child speaks")
    process = psutil.Process(child.pid)
    assert "secret" not in " ".join(process.cmdline())
    assert "secret" not in str(process.environ())
    assert lines == ["9 ['-c']"]
    child.stop()


def test_a_foreign_program_ends_when_its_parent_is_killed():
    script = (
        "import subprocess, sys, time\n"
        "from deskbound_client.processes import worker\n"
        f"made = subprocess.Popen([*worker('exec'), *{SLEEPER!r}], stdout=subprocess.PIPE)\n"
        "made.stdout.readline()\n"
        "print(made.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    child = int(parent.stdout.readline())
    assert psutil.pid_exists(child)
    parent.kill()
    parent.wait()
    until(lambda: not alive(child), "the child is gone", 20)


def test_our_own_command_line_holds_no_secret():
    assert worker("capture", "--home", "x")[-3:] == ["capture", "--home", "x"]


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux")
def test_memory_is_never_dumped():
    program = (
        "import ctypes; from deskbound_client.processes import keep_memory_private;"
        "keep_memory_private(); print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ended.stdout.strip() == "0"  # PR_GET_DUMPABLE
