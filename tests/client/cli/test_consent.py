"""``deskbound consent``: one stream at a time, with signed receipts, off before anything else."""

import pytest

from deskbound_client import consent
from deskbound_client.capture.signals import KEYS, POINTER, SCREEN, SIGNALS
from deskbound_strategies.ledger_bodies import LedgerKind


def test_show_explains_every_stream(desk):
    told = desk.ask("consent", "show")
    assert set(told) == {signal.name for signal in SIGNALS}
    assert not any(stream["on"] for stream in told.values())
    assert all(stream["purpose"] and stream["never_kept"] for stream in told.values())
    said = desk.ok("consent", "show")
    for signal in SIGNALS:
        assert said.count(signal.purpose) == 1
        assert signal.never_kept[0] in said


def test_a_grant_is_a_receipt_a_ledger_entry_and_a_bit_in_the_control_file(desk):
    desk.ok("consent", "grant", "keys", "screen", "keys")
    with desk.vault() as vault:
        assert set(consent.granted(vault)) == {"keys", "screen"}
    assert [(body["subject"], body["granted"]) for body in desk.bodies(LedgerKind.CONSENT)] == [
        ("keys", True),
        ("screen", True),
    ]
    assert desk.word().streams == KEYS | SCREEN
    told = desk.ask("consent", "show")
    assert {name for name, stream in told.items() if stream["on"]} == {"keys", "screen"}


def test_all_means_all(desk):
    desk.ok("consent", "grant", "all")
    assert all(stream["on"] for stream in desk.ask("consent", "show").values())


def test_what_is_taken_back_is_off_and_the_rest_stays(desk):
    desk.ok("consent", "grant", "keys", "pointer")
    said = desk.ok("consent", "revoke", "keys")
    assert "forget" in said
    assert desk.word().streams == POINTER
    with desk.vault() as vault:
        assert set(consent.granted(vault)) == {"pointer"}
    assert desk.bodies(LedgerKind.CONSENT)[-1] == {
        "subject": "keys", "version": 1, "granted": False,
    }  # fmt: skip


def test_capture_is_off_even_when_the_vault_then_does_not_open(desk):
    desk.ok("consent", "grant", "keys", "pointer")
    before = desk.word().generation
    desk.passphrase.write_text("not the passphrase\n")
    desk.fails(12, "consent", "revoke", "keys")
    word = desk.word()
    assert word.streams == POINTER
    assert word.generation > before, "what waits to be stored must be dropped"


def test_a_harmed_control_file_hinders_no_revocation(desk):
    desk.ok("consent", "grant", "keys")
    desk.paths.control.unlink()
    assert "control" in desk.fails(13, "consent", "revoke", "keys")
    with desk.vault() as vault:
        assert consent.granted(vault) == {}


@pytest.mark.parametrize("verb", ["grant", "revoke"])
def test_an_unknown_stream_changes_nothing(desk, verb):
    assert "rhythm" in desk.fails(17, "consent", verb, "keys", "webcam")
    assert desk.bodies(LedgerKind.CONSENT) == []
