"""``deskbound leave --erase`` and ``autostart`` as a person types them."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from deskbound_client import agent
from tests.helpers.cli import PASSPHRASE, Desk, days_ago

PROGRAM = Path(sys.executable).with_name("deskbound")


@pytest.fixture(autouse=True)
def own_config_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def test_without_a_terminal_nothing_is_erased_unasked(desk):
    before = sorted(desk.paths.home.rglob("*"))
    assert "nobody to ask" in desk.fails(10, "leave", "--erase")
    assert sorted(desk.paths.home.rglob("*")) == before


def test_everything_goes_and_it_is_said(desk):
    desk.store(days_ago(1))
    desk.ok("autostart", "on")
    said = desk.ok("leave", "--erase", "--yes")
    assert "copies of this folder made before still open with the passphrase they had" in said
    assert "Nothing of Deskbound is left" in said
    assert f"Your own file stays: {desk.passphrase}" in said
    assert not desk.paths.home.exists()
    assert not desk.ask("autostart")["on"]
    desk.fails(17, "status")


def test_a_home_that_never_was(empty):
    empty.fails(17, "leave", "--erase", "--yes")


def typed(desk: Desk, answer: str) -> tuple[int, str]:
    """Run it on a terminal and type an answer."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [PROGRAM, "--home", str(desk.paths.home), "leave", "--erase"],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ | {"COLUMNS": "200"},
    )
    os.write(ours, answer.encode() + b"\n")
    said, _ = process.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    return process.returncode, said.decode()


@pytest.mark.parametrize("answer", ["", "y", "yes", "ERASE"])
def test_only_the_word_itself_erases(desk, answer):
    code, said = typed(desk, answer)
    assert code == 10, said
    assert "Nothing was erased" in said
    assert (desk.paths.home / "vault.db").exists()


def test_the_word_erases_what_a_forgotten_passphrase_closes(desk):
    desk.passphrase.unlink()
    code, said = typed(desk, "erase")
    assert code == 0, said
    assert not desk.paths.home.exists()


def test_a_running_agent_ends_and_no_process_is_left(desk, monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    found = agent.start(desk.paths, PASSPHRASE, capture=False)
    assert found.state == "running"
    desk.ok("leave", "--erase", "--yes")
    assert not Path(f"/proc/{found.pid}").exists()
    assert not desk.paths.home.exists()


def test_autostart_is_off_until_said(desk):
    assert desk.ask("autostart") == {
        "on": False, "other_home": False,
        "path": str(Path(os.environ["XDG_CONFIG_HOME"]) / "autostart" / "deskbound.desktop"),
    }  # fmt: skip
    assert "starts at login" in desk.ok("autostart", "on")
    assert "does not start" in desk.ok("autostart", "off")


def test_autostart_needs_a_vault(empty):
    empty.fails(17, "autostart", "on")


def test_what_starts_at_login_leaves_a_pause_a_pause(desk, monkeypatch):
    """The entry's own command line, run as the desktop would."""
    from tests.client.employee.test_autostart import words_of

    for name in ("WAYLAND_DISPLAY", "XDG_SESSION_TYPE"):
        monkeypatch.delenv(name, raising=False)
    desk.ok("pause")
    desk.ok("autostart", "on")
    words = words_of(desk.ask("autostart")["path"])
    assert words[0] == str(PROGRAM)
    subprocess.run([*words, "--no-capture"], check=True, timeout=120, stdin=subprocess.DEVNULL)
    try:
        assert desk.ask("status")["agent"]["pid"]
        assert desk.word().paused
    finally:
        agent.stop(desk.paths)
