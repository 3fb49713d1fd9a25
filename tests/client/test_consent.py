from dataclasses import dataclass, fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbound_client.capture.signals import SIGNALS, Sensitivity, Signal
from deskbound_client.consent import (
    Receipt,
    digest_of,
    grant,
    granted,
    in_force,
    receipts,
    revoke,
)
from deskbound_client.store.vault import Vault
from deskbound_strategies.errors import NotFoundError
from deskbound_strategies.floor import DEFAULT
from deskbound_strategies.ledger_bodies import LedgerKind, check_body
from tests.helpers.floors import put_in_force
from tests.helpers.store import NOON, new_vault


@dataclass(frozen=True)
class Subject:
    name: str
    version: int = 1
    kept: str = ""


# What each version of a signal meant. A meaning that changes needs a new version and a new line;
# a line of a version that employees may have agreed to is never edited.
SHOWN = {
    ("keys", 1): "009b50cd7cc5ceca2addd064bc14fb21972b2c9bc4c4c1d4e7cb4d1bb2ffda85",
    ("pointer", 1): "98f237a4278d2a4f65f90edff67b780211c7c7283dc7893e3c87478941a9ec39",
    ("windows", 1): "bee77b8174fe7b761f546c66c60a1cd82af48e01fad53ca35af5b0649a5fb0b7",
    ("screen", 1): "8fc4e437a610a6933b00e2aae2b1394d3b391e9604fc96979822b3ba5c25bc40",
    ("rhythm", 1): "b6528295a64b4c66f4f134292ba13f560e73e11711fafb529cbe7d945d4e6d0a",
    ("updates", 1): "867e759028e5b0ea0694a04339b6d71abb8f3d21d27a70c5aebda18c4229d9b5",
    ("updates", 2): "800b469552fa046af79466c8e49ac90341ea85ee3316c092732d0af1833f34ef",
}


class Ledger:
    def __init__(self, fails=False):
        self.entries, self.fails = [], fails

    def append(self, kind, body):
        check_body(LedgerKind(kind), body)
        if self.fails:
            raise ZeroDivisionError
        self.entries.append((kind, body))


@pytest.fixture
def opened(tmp_path):
    vault, keystore = new_vault(tmp_path / "home")
    yield vault, keystore
    vault.close()


@pytest.fixture
def vault(opened):
    return opened[0]


def test_everything_is_off_until_granted(vault):
    assert granted(vault) == {}


def test_a_grant_lasts_until_it_is_taken_back(opened):
    vault, keystore = opened
    receipt = grant(vault, "keys", now=NOON)
    grant(vault, "screen", now=NOON)
    with Vault.open(vault.home, keystore) as again:
        assert granted(again)["keys"] == receipt
        revoke(again, "keys", now=NOON + 1)
    assert list(granted(vault)) == ["screen"]
    grant(vault, "keys")
    assert set(granted(vault)) == {"keys", "screen"}
    assert [r.granted for r in receipts(vault)] == [True, True, False, True]


def test_every_signal_can_be_granted_and_reaches_the_ledger(vault):
    ledger = Ledger()
    put_in_force(vault, DEFAULT)
    for signal in SIGNALS:
        grant(vault, signal.name, ledger)
    revoke(vault, "keys", ledger)
    assert len(ledger.entries) == len(SIGNALS) + 1
    assert ledger.entries[-1] == ("consent", {"subject": "keys", "version": 1, "granted": False})


def test_a_new_meaning_needs_a_new_grant(vault):
    grant(vault, "keys", subjects=[Subject("keys", 1)])
    changed = [Subject("keys", 2)]
    assert granted(vault, changed) == {}
    grant(vault, "keys", subjects=changed)
    assert granted(vault, changed)["keys"].version == 2


@pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: signal.name)
def test_a_changed_meaning_has_a_new_version(signal):
    assert SHOWN[signal.name, signal.version] == digest_of(signal)


@pytest.mark.parametrize("field", [field.name for field in fields(Signal)])
def test_every_field_of_a_declaration_is_in_its_digest(field):
    signal = SIGNALS[3]
    value = getattr(signal, field)
    other = (
        (*value, "and more") if isinstance(value, tuple)
        else Sensitivity.INTERACTION if isinstance(value, Sensitivity)
        else value + ("." if isinstance(value, str) else 1)
    )  # fmt: skip
    assert digest_of(replace(signal, **{field: other})) != digest_of(signal)


def test_a_new_meaning_without_a_new_version_turns_it_off_too(vault):
    grant(vault, "keys", subjects=[Subject("keys", 1, "classes of keys")])
    changed = [Subject("keys", 1, "characters")]
    assert granted(vault, changed) == {}
    assert list(granted(vault, [Subject("keys", 1, "classes of keys")])) == ["keys"]
    grant(vault, "keys", subjects=changed)
    assert granted(vault, changed)["keys"].digest == digest_of(changed[0])


def test_a_receipt_of_before_digests_verifies_but_holds_no_more(vault):
    """What the vault of an earlier version holds after its tables were changed."""
    old = Receipt("keys", 1, granted=True, at=NOON, signature=b"")
    signed = vault.signing_key().sign(
        b'deskbound/consent/1\n{"at":%d,"granted":true,"subject":"keys","version":1}' % NOON
    )
    vault.database.execute(
        "INSERT INTO consents (subject, version, granted, at, signature)"
        " VALUES ('keys', 1, 1, ?, ?)",
        (NOON, signed),
    )
    assert receipts(vault) == [replace(old, signature=signed)]
    assert granted(vault) == {}
    grant(vault, "keys")
    assert list(granted(vault)) == ["keys"]


def test_what_the_ledger_refuses_is_not_granted(vault):
    with pytest.raises(ZeroDivisionError):
        grant(vault, "keys", Ledger(fails=True))
    assert receipts(vault) == []


def test_an_unknown_subject_is_refused_without_repeating_it(vault):
    for act in (grant, revoke):
        with pytest.raises(NotFoundError) as caught:
            act(vault, "CANARY")
        assert "CANARY" not in caught.value.sentence + caught.value.mend
        assert "keys" in caught.value.mend


@pytest.mark.parametrize(
    "change",
    [
        "granted = 1",
        "version = 1, granted = 1",
        "at = at + 1, granted = 1",
        "subject = 'screen', granted = 1",
        "digest = (SELECT digest FROM consents WHERE id = 1), granted = 1",
        "digest = ''",
    ],
)
def test_a_receipt_that_was_changed_grants_nothing(vault, change):
    grant(vault, "keys", subjects=[Subject("keys", 2)])
    revoke(vault, "keys", subjects=[Subject("keys", 2)])
    vault.database.execute(f"UPDATE consents SET {change} WHERE id = 2")
    subjects = [Subject("keys"), Subject("screen")]
    assert granted(vault, subjects) == {}


def test_a_copied_receipt_is_none_for_another_subject_or_device(vault, tmp_path):
    receipt = grant(vault, "keys", now=NOON)
    other, _ = new_vault(tmp_path / "other")
    for target, subject in ((vault, "screen"), (other, "keys")):
        target.database.execute(
            "INSERT INTO consents (subject, version, granted, at, signature, digest)"
            " VALUES (?, 1, 1, ?, ?, ?)",
            (subject, NOON, receipt.signature, receipt.digest),
        )
        assert subject not in granted(target)
    other.close()


MEANINGS = [Subject(name, version, kept) for name in "abc" for version in (1, 2) for kept in "xy"]
decisions = st.lists(st.tuples(st.sampled_from(MEANINGS), st.booleans()), max_size=12)


@given(decisions)
def test_the_newest_decision_counts(given_decisions):
    made = [
        Receipt(shown.name, shown.version, yes, 0, b"", digest_of(shown))
        for shown, yes in given_decisions
    ]
    now = [Subject("a", 1, "x"), Subject("b", 2, "y")]
    holds = in_force(made, now)
    for subject in now:
        mine = [(shown, yes) for shown, yes in given_decisions if shown.name == subject.name]
        assert (subject.name in holds) == (mine[-1:] == [(subject, True)])
    assert "c" not in holds
