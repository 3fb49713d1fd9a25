"""``deskbound-audit release``: from a key to a verdict, on real installs."""

import json
import shutil

import pytest

from deskbound_audit.cli import app
from deskbound_strategies.installed import folder_of
from deskbound_strategies.release import PACKAGES
from deskbound_strategies.shell import exit_code_of


@pytest.fixture
def place(tmp_path):
    """Our packages as unpacked wheels."""
    for name in PACKAGES:
        folder = tmp_path / "place" / name
        shutil.copytree(folder_of(name), folder, ignore=shutil.ignore_patterns("__pycache__"))
        information = tmp_path / "place" / f"{name}-0.1.0.dist-info"
        information.mkdir()
        (information / "METADATA").write_text(f"Name: {name.replace('_', '-')}\nVersion: 0.1.0\n")
    return tmp_path / "place"


@pytest.fixture
def audit(tmp_path, capsys):
    def run(*words):
        capsys.readouterr()
        code = exit_code_of(app, ["release", *map(str, words)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture
def signed(audit, tmp_path, place):
    code, public, _ = audit("key", "--out", tmp_path / "reviewer.key")
    assert code == 0
    out = tmp_path / "release.json"
    assert audit("sign", "--key", tmp_path / "reviewer.key", "--out", out, "--place", place)[0] == 0
    return out, public.strip()


def test_what_was_signed_verifies(audit, signed, place, tmp_path):
    assert (tmp_path / "reviewer.key").stat().st_mode & 0o777 == 0o600
    code, said, _ = audit("verify", signed[0], "--key", signed[1], "--place", place)
    assert code == 0
    assert said.startswith("As reviewed: release ")


def test_this_very_install_verifies_with_its_libraries(audit, tmp_path):
    _, public, _ = audit("key", "--out", tmp_path / "own.key")
    out = tmp_path / "own.json"
    assert audit("sign", "--key", tmp_path / "own.key", "--out", out, "--libraries")[0] == 0
    assert audit("verify", out, "--key", public.strip())[0] == 0


def test_one_changed_byte_is_exit_code_51_and_named(audit, signed, place):
    path = place / "deskbound_client" / "capture" / "gate.py"
    path.write_bytes(path.read_bytes().replace(b"Reason", b"Season", 1))
    words = ("verify", signed[0], "--key", signed[1], "--place", place)
    code, said, err = audit(*words)
    assert code == 51
    assert said == "deskbound_client/capture/gate.py (changed)\n"
    assert "1 differences" in err
    code, said, _ = audit(*words, "--json")
    assert json.loads(said)["changes"] == {"deskbound_client/capture/gate.py": "changed"}


def test_another_key_is_exit_code_50(audit, signed, place, tmp_path):
    _, other, _ = audit("key", "--out", tmp_path / "other.key")
    assert audit("verify", signed[0], "--key", other.strip(), "--place", place)[0] == 50


def test_code_that_its_source_does_not_explain_is_not_signed(audit, signed, place, tmp_path):
    cache = place / "deskbound_client" / "__pycache__"
    cache.mkdir()
    (cache / "agent.cpython-311.pyc").write_bytes(bytes(64))
    words = ("sign", "--key", tmp_path / "reviewer.key", "--out", tmp_path / "x", "--place", place)
    code, _, err = audit(*words)
    assert code == 50
    assert "__pycache__/agent.cpython-311.pyc" in err
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("key", "--out", "reviewer.key"), 10),  # never over another one
        (("sign", "--key", "gone", "--out", "x"), 17),
        (("sign", "--key", "release.json", "--out", "x"), 10),
        (("sign", "--key", "reviewer.key", "--out", "x", "--place", "nowhere"), 17),
        (("verify", "gone", "--key", "00" * 32), 17),
        (("verify", "release.json", "--key", "not-a-key"), 10),
        (("verify", "reviewer.key", "--key", "00" * 32), 50),
    ],
)
def test_what_cannot_be_done_has_a_stable_exit_code(
    audit, signed, tmp_path, monkeypatch, words, code
):
    monkeypatch.chdir(tmp_path)
    found, _, err = audit(*words)
    assert found == code
    assert "Traceback" not in err
