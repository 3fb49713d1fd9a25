import os
import subprocess
import sys
import threading

from deskbound_server.lock import FileLock

HOLD = """
import sys, pathlib
from deskbound_server.lock import FileLock
with FileLock(pathlib.Path(sys.argv[1])) as lock:
    print(lock.held, flush=True)
    sys.stdin.read()
"""


def test_one_holder_at_a_time(tmp_path):
    path = tmp_path / "x.lock"
    with FileLock(path) as first:
        assert first.held
        with FileLock(path) as second:
            assert not second.held
    with FileLock(path) as third:
        assert third.held
    assert oct(path.stat().st_mode & 0o777) == "0o600"


def test_patience_outlasts_a_short_look(tmp_path):
    path, taken = tmp_path / "x.lock", threading.Event()

    def look():
        with FileLock(path):
            taken.set()
            done.wait(5)

    done = threading.Event()
    thread = threading.Thread(target=look)
    thread.start()
    taken.wait(5)
    threading.Timer(0.1, done.set).start()
    with FileLock(path, patience=10) as lock:
        assert lock.held
    thread.join()


def test_a_killed_holder_holds_nothing(tmp_path):
    path = tmp_path / "x.lock"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"True\n"
    with FileLock(path) as lock:
        assert not lock.held
    os.kill(holder.pid, 9)
    holder.wait(10)
    with FileLock(path, patience=5) as lock:
        assert lock.held
    holder.stdout.close()
    holder.stdin.close()
