"""``deskbound pause``: the lengths that people type, and a pause that asks for nothing."""

import time
from datetime import datetime, timedelta, timezone

import pytest

from deskbound_client.employee.pausing import parse_pause
from deskbound_client.store.vault import Vault
from deskbound_strategies.errors import ConfigError

NOW = datetime(2026, 11, 20, 14, 30, tzinfo=timezone(timedelta(hours=1)))


@pytest.mark.parametrize(
    ("text", "hours"),
    [("30m", 0.5), ("2h", 2), ("1d", 24), ("until 15:00", 0.5), ("14:00", 23.5), ("today", 9.5)],
)
def test_lengths(text, hours):
    assert parse_pause(text, NOW, NOW.tzinfo) == NOW.timestamp() + hours * 3600


def test_forever_has_no_end():
    assert parse_pause("forever", NOW) is None


@pytest.mark.parametrize("text", ["", "soon", "25:00", "30", "-5m", "12:60"])
def test_anything_else_is_an_error(text):
    with pytest.raises(ConfigError):
        parse_pause(text, NOW)


def test_a_pause_needs_no_passphrase_and_opens_no_vault(desk, monkeypatch):
    desk.passphrase.unlink()
    monkeypatch.setattr(Vault, "open", lambda *_: pytest.fail("the vault was opened"))
    before = desk.word().generation
    assert "until you say" in desk.ok("pause")
    word = desk.word()
    assert word.paused
    assert word.paused_until is None
    assert word.generation > before, "what waits to be stored must be dropped"
    desk.ok("resume")
    assert not desk.word().paused


def test_a_timed_pause_says_when_it_ends(desk):
    said = desk.ok("pause", "30m")
    until = desk.word().paused_until
    assert time.strftime("%H:%M", time.localtime(until)) in said
    desk.ok("pause", "until", "23:59")
    assert time.strftime("%H:%M", time.localtime(desk.word().paused_until)) == "23:59"
    desk.ok("pause", "forever")
    assert desk.word().paused_until is None


def test_what_is_no_length_pauses_nothing(desk):
    desk.fails(10, "pause", "soonish")
    assert not desk.word().paused


@pytest.mark.parametrize("verb", ["pause", "resume", "status"])
def test_without_a_vault_the_mend_is_init(empty, verb):
    assert "deskbound init" in empty.fails(17, verb)
    assert not empty.paths.home.exists()
