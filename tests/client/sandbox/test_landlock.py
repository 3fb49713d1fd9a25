"""Landlock for real, in a process of its own; and what is asked of kernels that know less of it."""

import subprocess
import sys

import pytest

from deskbound_client.sandbox import landlock
from deskbound_client.sandbox.landlock import READ, WRITE, Files, known

PROGRAM = """
import sys
from pathlib import Path
from deskbound_client.sandbox.landlock import READ, WRITE, Scope, restrict
folder = Path(sys.argv[1])
files = dict.fromkeys((folder / "read", folder / "one", folder / "gone"), READ)
files[folder / "write"] = WRITE
print(restrict(files, frozenset(), Scope(0)))
def tried(deed):
    try:
        deed()
    except PermissionError:
        return "refused"
    return "done"
print(tried(lambda: (folder / "read" / "a").read_text()))
print(tried(lambda: (folder / "read" / "a").write_text("x")))
print(tried(lambda: (folder / "write" / "new").write_text("x")))
print(tried(lambda: (folder / "write" / "new").replace(folder / "write" / "other")))
print(tried(lambda: (folder / "write" / "other").unlink()))
print(tried(lambda: (folder / "one").read_text()))
print(tried(lambda: (folder / "two").read_text()))
print(tried(lambda: list(folder.iterdir())))
"""


@pytest.mark.skipif(not landlock.abi(), reason="this kernel has no Landlock")
def test_what_is_named_stays_open_and_all_else_is_closed(tmp_path):
    for name in ("read", "write"):
        (tmp_path / name).mkdir()
    for name in ("read/a", "one", "two"):
        (tmp_path / name).write_text("x")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)], capture_output=True, text=True, check=True
    )
    version, *rest = done.stdout.split()
    assert int(version) == landlock.abi()
    assert rest == ["done", "refused", "done", "done", "done", "done", "refused", "refused"]


def test_a_kernel_is_asked_only_for_what_it_knows():
    assert Files.REFER not in known(1)
    assert Files.REFER in known(2)
    assert Files.TRUNCATE not in known(2)
    assert Files.IOCTL_DEV not in known(4)
    assert known(5) == known(7) == Files((1 << 16) - 1)
    for version in range(1, 8):
        assert READ in known(version)


def test_nobody_may_run_programs_or_make_devices_anywhere():
    for forbidden in (Files.EXECUTE, Files.MAKE_CHAR, Files.MAKE_BLOCK, Files.MAKE_SYM,
                      Files.MAKE_SOCK, Files.MAKE_FIFO, Files.IOCTL_DEV):  # fmt: skip
        assert not (READ | WRITE) & forbidden


def test_without_landlock_nothing_is_done(monkeypatch):
    monkeypatch.setattr(landlock, "abi", lambda: 0)
    assert landlock.restrict({}, frozenset(), landlock.Scope(0)) == 0
