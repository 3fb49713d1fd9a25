"""``deskbound consent``: one stream at a time, with signed receipts, off before anything else."""

import hashlib
import io
import json
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from rich.console import Console

from deskbound_client import consent
from deskbound_client.capture.signals import KEYS, POINTER, SCREEN, SIGNALS, signal_named
from deskbound_client.cli import session
from deskbound_strategies.ledger_bodies import LedgerKind
from tests.helpers.cli import days_ago


def test_show_explains_every_stream(desk):
    told = desk.ask("consent", "show")
    assert set(told) == {signal.name for signal in SIGNALS}
    assert not any(stream["on"] for stream in told.values())
    assert all(stream["purpose"] and stream["never_kept"] for stream in told.values())
    said = desk.ok("consent", "show")
    for signal in SIGNALS:
        assert said.count(signal.purpose) == 1
        assert signal.never_kept[0] in said


@pytest.mark.parametrize("width", [60, 80, 132])
def test_in_a_terminal_what_is_said_below_a_stream_stays_below_it(desk, monkeypatch, width):
    shown = io.StringIO()
    terminal = Console(file=shown, width=width, highlight=False)
    monkeypatch.setattr(session, "console", terminal)
    monkeypatch.setattr("deskbound_client.cli.consent.console", terminal)
    desk.ok("consent", "show")
    lines = shown.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    below = [i for i, line in enumerate(lines) if line.startswith("    Kept:")]
    assert len(below) == len(SIGNALS)
    assert sum(lines[i + 1].startswith("    ") for i in below) == len(SIGNALS)


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
    assert "`deskbound forget`" in said
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


class Terminal(io.StringIO):
    """A person at a terminal who has typed some lines."""

    def isatty(self):
        return True


@pytest.fixture
def person(desk, monkeypatch):
    """Return a function that runs a command with somebody there to answer."""

    def at_the_terminal(answers, *words):
        with monkeypatch.context() as there:
            there.setattr("sys.stdin", Terminal(answers))
            there.setattr("deskbound_client.cli.consent.somebody_is_there", lambda: True)
            return desk.ok(*words)

    return at_the_terminal


def test_a_person_sees_what_is_kept_before_being_asked(desk, person):
    said = person("n\n", "consent", "grant", "keys", "screen")
    assert said.index("Never kept: the picture it was made from") < said.index("Do you agree?")
    assert "Kept 7 days" in said
    assert desk.word().streams == 0
    assert desk.bodies(LedgerKind.CONSENT) == []
    assert "On: keys, screen." in person("y\n", "consent", "grant", "keys", "screen")
    assert desk.word().streams == KEYS | SCREEN


def test_enter_alone_agrees_to_nothing_and_forgets_nothing(desk, person):
    person("\n", "consent", "grant", "keys")
    assert desk.word().streams == 0
    desk.ok("consent", "grant", "keys")
    rows = desk.store(days_ago(0), 3)
    person("\n", "consent", "revoke", "keys")
    with desk.vault() as vault:
        assert list(vault.day(days_ago(0)).actions()) == rows


def test_yes_asks_nobody(desk, person):
    assert "agree?" not in person("", "consent", "grant", "keys", "--yes")
    assert desk.word().streams == KEYS


def test_what_a_stream_stored_goes_with_it_when_the_person_says_so(desk, person):
    desk.ok("consent", "grant", "keys", "pointer")
    kept = desk.store(days_ago(1), 2, stream=POINTER)
    desk.store(days_ago(0), 3)
    said = person("y\n", "consent", "revoke", "keys")
    assert said.index("Off: keys") < said.index("Forget what was stored because of keys?")
    assert "Forgotten of keys: 3 actions" in said
    with desk.vault() as vault:
        assert [row for day in vault.days() for row in vault.day(day).actions()] == kept


def test_programs_say_it_with_an_option(desk):
    desk.ok("consent", "grant", "keys")
    desk.store(days_ago(0), 3)
    assert "`deskbound forget`" in desk.ok("consent", "revoke", "keys", "--keep")
    assert "3 actions" in desk.ok("consent", "revoke", "keys", "--forget")
    assert desk.bodies(LedgerKind.FORGET)[-1]["scope"] == "stream"


def test_a_stream_whose_meaning_changed_is_off_and_says_so(desk, monkeypatch):
    desk.ok("consent", "grant", "keys", "screen")
    changed = tuple(
        replace(signal, never_kept=signal.never_kept[1:]) if signal.name == "keys" else signal
        for signal in SIGNALS
    )
    monkeypatch.setattr("deskbound_client.employee.agreeing.SIGNALS", changed)
    told = desk.ask("consent", "show")
    assert (told["keys"]["on"], told["keys"]["changed"]) == (False, True)
    assert (told["screen"]["on"], told["screen"]["changed"]) == (True, False)
    assert "`deskbound consent grant keys`" in desk.ok("consent", "show")


def test_a_receipt_can_be_verified_without_deskbound(desk):
    desk.ok("consent", "grant", "keys")
    desk.ok("consent", "revoke", "keys")
    found = desk.ask("consent", "receipts")
    assert [one["granted"] for one in found] == [True, False]
    for one in found:
        public = bytes.fromhex(one["public_key"])
        assert hashlib.sha256(public).hexdigest() == one["device"]
        signature, signed = bytes.fromhex(one["signature"]), one["signed"].encode()
        Ed25519PublicKey.from_public_bytes(public).verify(signature, signed)
        said = json.loads(signed.split(b"\n", 1)[1])
        assert said == {name: one[name] for name in said}
        assert one["digest"] == consent.digest_of(signal_named("keys"))
    assert desk.ok("consent", "receipts").count("keys, version 1") == 2


def test_a_receipt_that_somebody_changed_is_shown_as_invalid(desk):
    desk.ok("consent", "revoke", "keys")
    with desk.vault() as vault:
        vault.database.execute("UPDATE consents SET granted = 1")
    (one,) = desk.ask("consent", "receipts")
    assert (one["valid"], one["granted"]) == (False, False)
    assert "bad signature" in desk.ok("consent", "receipts")
