"""``deskbound pause``: it asks for nothing, and forgets the last stretch where that is wished."""

import time

import pytest

from deskbound_client.store.rows import StoredAction
from deskbound_client.store.vault import Vault
from tests.helpers.cli import ENTER


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


def test_resuming_says_whether_anything_was_paused(desk):
    assert "Nothing was paused" in desk.ok("resume")
    desk.ok("pause")
    assert "Resumed" in desk.ok("resume")


def test_a_timed_pause_says_when_it_ends(desk):
    said = desk.ok("pause", "30m")
    until = desk.word().paused_until
    assert time.strftime("%H:%M", time.localtime(until)) in said
    desk.ok("pause", "until", "23:59")
    assert time.strftime("%H:%M", time.localtime(desk.word().paused_until)) == "23:59"
    desk.ok("pause", "forever")
    assert desk.word().paused_until is None


def test_forgetting_is_offered_and_done_after_the_pause(desk):
    assert "`deskbound forget --last 5m`" in desk.ok("pause", "5m")
    now = int(time.time())
    rows = [StoredAction(ENTER, 0, 1, at) for at in (now - 7_200, now - 60, now - 30)]
    with desk.vault() as vault:
        vault.append(rows)
    said = desk.ok("pause", "30m", "--forget", "10m")
    assert said.index("Paused until") < said.index("2 actions")
    assert desk.word().paused
    with desk.vault() as vault:
        left = [row.at for day in vault.days() for row in vault.day(day).actions()]
    assert left == [now - 7_200]


def test_the_pause_holds_even_where_the_vault_then_does_not_open(desk):
    desk.passphrase.write_text("not the passphrase\n")
    answer = desk.run("pause", "30m", "--forget", "10m")
    assert answer.code == 12
    assert "Paused until" in answer.out
    assert desk.word().paused


def test_a_stretch_that_is_none_is_said_before_anything_is_done(desk):
    desk.fails(10, "pause", "30m", "--forget", "a bit")
    assert not desk.word().paused


def test_what_is_no_length_pauses_nothing(desk):
    desk.fails(10, "pause", "soonish")
    assert not desk.word().paused


@pytest.mark.parametrize("verb", ["pause", "resume", "status"])
def test_without_a_vault_the_mend_is_init(empty, verb):
    assert "deskbound init" in empty.fails(17, verb)
    assert not empty.paths.home.exists()
