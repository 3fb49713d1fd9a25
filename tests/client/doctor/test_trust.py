"""What the doctor says of sandbox and code."""

import pytest

from deskbound_audit.release import make_key, read_key, sign
from deskbound_client.config_edit import set_value
from deskbound_client.doctor import trust
from deskbound_client.doctor.finding import Level
from deskbound_client.sandbox.confine import Confinement
from tests.helpers.cli import desk, empty

__all__ = ["desk", "empty"]


@pytest.mark.parametrize(
    ("can", "level"),
    [
        (Confinement(7, seccomp=True), Level.OK),
        (Confinement(3, seccomp=True), Level.NOTE),
        (Confinement(0, seccomp=True), Level.WARN),
        (Confinement(7), Level.WARN),
        (Confinement(), Level.WARN),
    ],
)
def test_what_the_system_can_do_is_said(desk, can, level):
    found = trust.check_sandbox(desk.paths, can)
    assert found.level is level
    assert all(missing in found.sentence for missing in can.missing)


def test_a_required_sandbox_that_is_not_there_is_wrong(desk):
    set_value(desk.paths.config, "sandbox", "required")
    assert trust.check_sandbox(desk.paths, Confinement()).level is Level.WRONG


def test_code_is_not_pinned_then_pinned_then_changed(desk, tmp_path):
    assert trust.check_installed(desk.paths).level is Level.NOTE
    key = make_key(tmp_path / "reviewer.key")
    release = sign(read_key(tmp_path / "reviewer.key"), desk.paths.release, None)
    desk.paths.release.chmod(0o600)
    assert "no key" in trust.check_installed(desk.paths).sentence
    set_value(desk.paths.config, "reviewer_key", key)
    found = trust.check_installed(desk.paths)
    assert found.level is Level.OK
    assert release.digest()[:16] in found.sentence
    desk.paths.release.write_bytes(desk.paths.release.read_bytes()[:-1])
    assert trust.check_installed(desk.paths).level is Level.WRONG
