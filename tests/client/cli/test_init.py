"""``deskbound init``: everything off, everything private, nothing left behind after a slip."""

import stat

import pytest

from deskbound_client.capture.control import SIZE
from deskbound_client.config import load_config
from deskbound_strategies.floor_file import load_floor
from deskbound_strategies.ledger_bodies import LedgerKind
from tests.helpers.cli import PASSPHRASE


def test_everything_is_off_and_private(empty):
    said = empty.init("--profile", "research")
    assert "Everything is off" in said
    assert "research" in said
    for path in [empty.paths.home, *empty.paths.home.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    word = empty.word()
    assert (word.paused, word.streams) == (False, 0)
    assert [entry.kind for entry in empty.ledger()] == [LedgerKind.GENESIS, LedgerKind.POLICY]


def test_the_default_profile_is_balanced(empty):
    empty.init()
    assert empty.bodies(LedgerKind.POLICY)[0]["profile"] == "balanced"


def test_the_passphrase_file_is_found_again(desk):
    assert load_config(desk.paths.config).passphrase_file == str(desk.passphrase)
    desk.ok("show")


def test_a_second_vault_in_the_same_place_is_refused(desk):
    assert "already" in desk.fails(10, "init", "--passphrase-file", str(desk.passphrase))
    desk.ok("show")


@pytest.mark.parametrize("slip", ["missing", "readable by others"])
def test_a_slip_with_the_passphrase_file_leaves_nothing_behind(empty, slip):
    wrong = empty.passphrase.with_name("wrong")
    if slip == "readable by others":
        wrong.write_text("some other passphrase\n")
        wrong.chmod(0o644)
    code = 17 if slip == "missing" else 14
    empty.fails(code, "init", "--profile", "strict", "--passphrase-file", str(wrong))
    assert not empty.paths.home.exists()
    empty.init("--profile", "research")
    assert load_config(empty.paths.config).passphrase_file == str(empty.passphrase)
    assert load_floor(empty.paths.floor).profile == "research"


@pytest.mark.parametrize("slip", [("one passphrase", "another passphrase"), ("short", "short")])
def test_a_slip_at_the_prompt_leaves_no_settings_behind(empty, monkeypatch, slip):
    said = iter(slip)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", lambda _: next(said))
    assert empty.run("init", "--profile", "strict").code in (10, 12)
    said = iter([PASSPHRASE] * 3)
    empty.ok("init", "--profile", "research")
    assert empty.ask("budget")["profile"] == "research"
    assert load_config(empty.paths.config).passphrase_file == ""


def test_a_floor_that_was_deployed_is_kept(empty):
    empty.paths.prepare()
    empty.paths.floor.write_text('profile = "strict"\n')
    assert "strict" in empty.fails(
        10, "init", "--profile", "research", "--passphrase-file", str(empty.passphrase)
    )
    empty.init()
    assert empty.bodies(LedgerKind.POLICY)[0]["profile"] == "strict"


def test_an_unknown_profile_names_those_there_are(empty):
    assert "strict, balanced, research" in empty.fails(10, "init", "--profile", "loose")
    assert not empty.paths.home.exists()


@pytest.mark.parametrize("harm", ["lost", "damaged"])
def test_a_harmed_control_file_is_made_anew_paused_with_the_same_consent(desk, harm):
    desk.ok("consent", "grant", "keys")
    if harm == "lost":
        desk.paths.control.unlink()
    else:
        desk.paths.control.write_bytes(bytes(SIZE))
    assert "deskbound init" in desk.fails(13, "pause")
    assert "paused" in desk.ok("init")
    found = desk.ask("status")
    assert (found["capture"], found["streams"]["keys"]["on"]) == ("paused", True)
    desk.ok("resume")
    assert not desk.word().paused
