"""How far a process is confined, and what happens where the system cannot."""

import pytest

from deskbound_client.paths import HomePaths
from deskbound_client.sandbox import confine as module
from deskbound_client.sandbox import landlock, policy, report, seccomp
from deskbound_client.sandbox.confine import Confinement, confine, possible
from deskbound_strategies.errors import SandboxError


@pytest.fixture
def old_system(monkeypatch):
    """A kernel without either; for this process, which is not to be confined."""
    monkeypatch.setattr(module, "_threads", lambda: 1)
    monkeypatch.setattr(landlock, "abi", lambda: 0)
    monkeypatch.setattr(seccomp, "machine", lambda: "")


def test_an_old_system_runs_and_says_so(old_system, tmp_path):
    done = confine(policy.executor(HomePaths(tmp_path)), required=False)
    assert done == possible() == Confinement()
    assert not done.whole
    assert len(done.missing) == 2


def test_an_old_system_does_not_run_where_the_sandbox_is_required(old_system, tmp_path):
    with pytest.raises(SandboxError, match="executor"):
        confine(policy.executor(HomePaths(tmp_path)), required=True)


def test_half_of_it_is_not_whole():
    assert not Confinement(7).whole
    assert not Confinement(0, seccomp=True).whole
    assert Confinement(1, seccomp=True).whole
    assert Confinement(1, seccomp=True).missing == ()


def test_what_a_process_wrote_is_read_back_for_that_process_only(tmp_path):
    paths = HomePaths(tmp_path / "home")
    paths.prepare()
    report.write(paths, "executor", Confinement(7, seccomp=True))
    own = report.os.getpid()
    assert report.read(paths, "executor", own) == Confinement(7, seccomp=True)
    assert report.read(paths, "executor", own + 1) is None
    assert report.read(paths, "executor", 0) is None
    assert report.read(paths, "capture", own) is None
    paths.sandbox_report("executor").write_bytes(b"[]")
    assert report.read(paths, "executor", own) is None
