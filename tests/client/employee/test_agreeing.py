"""What is on offer, what holds, and that a revocation acts before anything is opened."""

from dataclasses import replace

import pytest

from deskbound_client import consent
from deskbound_client.capture.control import Control
from deskbound_client.capture.signals import KEYS, SCREEN, SIGNALS
from deskbound_client.employee import agreeing
from deskbound_client.paths import HomePaths
from deskbound_client.privacy.ledger_store import LedgerStore
from deskbound_strategies.errors import NotFoundError, VaultDamagedError
from deskbound_strategies.ledger_bodies import LedgerKind
from tests.helpers.store import new_vault


@pytest.fixture
def paths(tmp_path):
    return HomePaths(tmp_path / "home")


@pytest.fixture
def vault(paths):
    opened, _ = new_vault(paths.home)
    Control.create(paths.control)
    yield opened
    opened.close()


def word(paths) -> Control:
    return Control.open(paths.control)


def test_everything_is_on_offer_and_off(vault):
    found = agreeing.offers(vault)
    assert tuple(offer.signal for offer in found) == SIGNALS
    assert not any(offer.on or offer.changed or offer.receipt for offer in found)


def test_a_grant_is_in_the_vault_the_ledger_and_the_control_word(paths, vault):
    made = agreeing.grant(paths, vault, ["keys", "screen", "keys"])
    assert [receipt.subject for receipt in made] == ["keys", "screen"]
    assert word(paths).streams == KEYS | SCREEN
    offer = agreeing.offers(vault)[0]
    assert (offer.on, offer.changed, offer.receipt) == (True, False, made[0])
    entries = LedgerStore(vault).entries(kinds=(LedgerKind.CONSENT,))
    assert [entry.body["subject"] for entry in entries] == ["keys", "screen"]


def test_what_was_agreed_to_under_another_meaning_is_off_and_told_apart(paths, vault, monkeypatch):
    agreeing.grant(paths, vault, ["keys"])
    agreeing.revoke(paths, vault, ["screen"])
    changed = tuple(replace(signal, purpose="To sell it.") for signal in SIGNALS)
    monkeypatch.setattr(agreeing, "SIGNALS", changed)
    found = {offer.signal.name: offer for offer in agreeing.offers(vault)}
    assert (found["keys"].on, found["keys"].changed) == (False, True)
    assert (found["screen"].on, found["screen"].changed) == (False, False), "it was never granted"
    assert found["pointer"].receipt is None


def test_to_stop_needs_no_vault_and_drops_what_waits(paths, vault):
    agreeing.grant(paths, vault, ["keys", "screen"])
    before = word(paths).generation
    agreeing.stop(paths, ["keys"])
    assert word(paths).streams == SCREEN
    assert word(paths).generation > before


def test_a_revocation_holds_in_the_vault_even_where_the_word_is_lost(paths, vault):
    agreeing.grant(paths, vault, ["keys"])
    paths.control.unlink()
    with pytest.raises(VaultDamagedError):
        agreeing.revoke(paths, vault, ["keys"])
    assert consent.granted(vault) == {}
    assert Control.open(paths.control).streams == 0


def test_capture_stops_before_the_vault_is_asked(paths, vault, monkeypatch):
    """Whatever goes wrong with the receipts, the stream is off already."""
    agreeing.grant(paths, vault, ["keys"])

    def fail(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(consent, "revoke", fail)
    with pytest.raises(ZeroDivisionError):
        agreeing.revoke(paths, vault, ["keys"])
    assert word(paths).streams == 0


@pytest.mark.parametrize("deed", [agreeing.grant, agreeing.revoke])
def test_an_unknown_name_changes_nothing(paths, vault, deed):
    agreeing.grant(paths, vault, ["screen"])
    with pytest.raises(NotFoundError):
        deed(paths, vault, ["screen", "webcam"])
    assert word(paths).streams == SCREEN
    assert len(consent.receipts(vault)) == 1


def test_all_means_all(paths, vault):
    assert agreeing.chosen(["all"]) == SIGNALS
    agreeing.grant(paths, vault, ["all"])
    assert all(offer.on for offer in agreeing.offers(vault))
    agreeing.revoke(paths, vault, ["all"])
    assert not any(offer.on for offer in agreeing.offers(vault))
    assert word(paths).streams == 0
