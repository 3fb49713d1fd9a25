"""Who may do what."""

import sys
import sysconfig
from pathlib import Path

import pytest

from deskbound_client.paths import HomePaths
from deskbound_client.sandbox import policy
from deskbound_client.sandbox.landlock import WRITE, Files


@pytest.fixture
def paths(tmp_path):
    return HomePaths(tmp_path / "home")


def writable(rights):
    return {path for path, allowed in rights.files.items() if allowed & Files.WRITE_FILE}


def test_only_the_home_is_written(paths):
    for rights in (policy.executor(paths), policy.capture(paths, {"DISPLAY": ":0"})):
        devices = {
            Path("/dev/null"),
            Path("/proc/self/oom_score_adj"),
            Path("/proc/self/autogroup"),
        }
        assert writable(rights) == {paths.home} | devices
        assert rights.files[paths.home] == WRITE


def test_the_executor_speaks_to_nobody_and_capture_to_the_desktop(paths):
    assert not policy.executor(paths).unix_sockets
    assert not policy.executor(paths).shared_memory
    assert policy.capture(paths, {"DISPLAY": ":0"}).unix_sockets


def test_nobodys_folder_is_open(paths, monkeypatch, tmp_path):
    """Neither through a wide sys.path, nor through a system folder."""
    monkeypatch.setenv("HOME", str(tmp_path / "somebody"))
    monkeypatch.setattr(
        sys, "path", ["", "/", str(tmp_path), str(tmp_path / "somebody"), *sys.path]
    )
    for path in policy.executor(paths).files:
        assert not paths.home.is_relative_to(path) or path == paths.home
        assert not (tmp_path / "somebody").is_relative_to(path)


def test_interpreter_and_packages_can_be_read(paths):
    files = policy.executor(paths).files
    for name in ("stdlib", "purelib"):
        place = Path(sysconfig.get_paths()[name]).resolve()
        assert any(place.is_relative_to(path) for path in files)


def test_capture_may_read_the_key_of_the_display(paths):
    given = policy.capture(paths, {"DISPLAY": ":0", "XAUTHORITY": "/run/user/1/xauth"})
    assert Path("/run/user/1/xauth") in given.files
    usual = policy.capture(paths, {"DISPLAY": ":0", "HOME": "/home/somebody"})
    assert Path("/home/somebody/.Xauthority") in usual.files
    assert Path("/home/somebody/.Xauthority") not in policy.executor(paths).files
