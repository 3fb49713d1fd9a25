"""Training refuses changed code: in this process, and in a worker run from a copied install."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from deskbound_audit.release import make_key, read_key, sign
from deskbound_client import integrity
from deskbound_client.config import Config
from deskbound_client.config_edit import set_value
from deskbound_client.integrity import State, check_and_tell, check_code, told
from deskbound_client.paths import HomePaths
from deskbound_client.processes import worker
from deskbound_client.store.files import replace_private
from deskbound_strategies.errors import CodeChangedError, NotFoundError
from deskbound_strategies.installed import folder_of
from deskbound_strategies.release import PACKAGES, Change, Kind
from tests.helpers.cli import PASSPHRASE, desk, empty

__all__ = ["desk", "empty"]
REVIEWED, CHANGED = NotFoundError.exit_code, CodeChangedError.exit_code


@pytest.fixture(scope="module")
def install(tmp_path_factory):
    """A copy of our packages that a worker can be run from."""
    place = tmp_path_factory.mktemp("site-packages")
    for name in PACKAGES:
        shutil.copytree(folder_of(name), place / name, ignore=shutil.ignore_patterns("__pycache__"))
        information = place / f"{name}-0.1.0.dist-info"
        information.mkdir()
        (information / "METADATA").write_text(f"Name: {name.replace('_', '-')}\nVersion: 0.1.0\n")
    return place


@pytest.fixture(scope="module")
def reviewer(tmp_path_factory):
    path = tmp_path_factory.mktemp("reviewer") / "reviewer.key"
    return path, make_key(path)


@pytest.fixture
def home(tmp_path):
    paths = HomePaths(tmp_path / "home")
    paths.prepare()
    return paths


def pin(paths, reviewer, place=None, **more):
    """Sign what is in a place, or what this interpreter uses; lay it where it belongs."""
    release = sign(read_key(reviewer[0]), paths.home / "signed", place, **more)
    replace_private(paths.release, (paths.home / "signed").read_bytes())
    (paths.home / "signed").unlink()
    return release


def test_without_a_key_nothing_is_pinned_and_that_is_said(home):
    check_and_tell(home, Config())
    assert told(home).state == State.NOT_PINNED


def test_reviewed_code_is_found_to_be_so(home, reviewer):
    release = pin(home, reviewer, libraries=True)
    check_and_tell(home, Config(reviewer_key=reviewer[1]))
    assert told(home) == integrity.Code(State.REVIEWED, release.digest(), "0.1.0")


def test_no_manifest_or_another_reviewers_is_not_reviewed(home, reviewer, tmp_path):
    config = Config(reviewer_key=reviewer[1])
    with pytest.raises(CodeChangedError, match="no release manifest"):
        check_code(home, config, libraries=False)
    pin(home, (tmp_path / "other.key", make_key(tmp_path / "other.key")))
    with pytest.raises(CodeChangedError, match="another key"):
        check_and_tell(home, config)
    assert told(home).state == State.CHANGED


def test_a_changed_library_is_not_reviewed(home, reviewer, monkeypatch):
    pin(home, reviewer)
    changed = (Change(Kind.CHANGED, "torch/a.so"), Change(Kind.MISSING, "torch/b.so"))
    monkeypatch.setattr(
        integrity.installed, "check_record", lambda name: changed if name == "torch" else ()
    )
    with pytest.raises(CodeChangedError, match=r"torch/a\.so \(changed\), torch/b\.so \(missing\)"):
        check_code(home, Config(reviewer_key=reviewer[1]))


def test_another_build_of_a_library_is_not_reviewed_where_builds_are_pinned(
    home, reviewer, monkeypatch
):
    pin(home, reviewer, libraries=True)
    monkeypatch.setattr(integrity.installed, "check_record", lambda _: ())
    monkeypatch.setattr(integrity.installed, "record_digest", lambda _: "00" * 32)
    with pytest.raises(CodeChangedError, match="cryptography/RECORD"):
        check_code(home, Config(reviewer_key=reviewer[1]))


def executor(desk, place):
    """Run the real executor from an install; it ends, for this laptop is in no fleet."""
    process = subprocess.Popen(
        worker("executor", "--home", str(desk.paths.home)),
        env=os.environ | {"PYTHONPATH": str(place)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    process.stdin.write(PASSPHRASE + "\n")
    process.stdin.flush()  # and it stays open: its end would mean that the agent is gone
    said = process.stdout.read()
    process.stdin.close()
    process.stdout.close()
    return process.wait(60), said


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("deskbound_strategies/noise.py", "flip"),
        ("deskbound_client/ui/templates", "flip-first"),
        ("deskbound_client/learn/extra.py", "add"),
        ("deskbound_client/learn/personal.py", "remove"),
    ],
)
def test_the_real_executor_runs_reviewed_code_only(desk, install, reviewer, name, change):
    replace_private(desk.paths.superexec_secret, bytes(32))
    pin(desk.paths, reviewer, install)
    set_value(desk.paths.config, "reviewer_key", reviewer[1])
    path = install / name
    if change == "flip-first":
        path = min(one for one in path.rglob("*") if one.is_file())
    before = path.read_bytes() if change != "add" else b""
    if change == "flip":
        assert executor(desk, install)[0] == REVIEWED, "as reviewed, it goes on to look for a fleet"
    if change == "remove":
        path.unlink()
    else:
        path.write_bytes(before[:-1] + bytes([before[-1] ^ 1]) if before else b"pass\n")
    code, said = executor(desk, install)
    if change == "add":
        path.unlink()
    else:
        path.write_bytes(before)
    assert code == CHANGED
    assert str(path.relative_to(install)) in said
    assert told(desk.paths).state == State.CHANGED


def test_code_imported_from_elsewhere_is_found(home, reviewer, monkeypatch):
    pin(home, reviewer)
    monkeypatch.setattr("deskbound_strategies.__path__", ["/elsewhere"])
    monkeypatch.setattr(integrity.installed, "folder_of", lambda name: Path(f"/x/{name}"))
    release = integrity._release(home, Config(reviewer_key=reviewer[1]))
    assert Change(Kind.CHANGED, "deskbound_strategies/__path__") in integrity._elsewhere(release)
