from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbound_client.capture.signals import SIGNALS
from deskbound_client.consent import Receipt, grant, granted, in_force, receipts, revoke
from deskbound_client.store.vault import Vault
from deskbound_strategies.errors import NotFoundError
from deskbound_strategies.ledger_bodies import LedgerKind, check_body
from tests.helpers.store import NOON, new_vault


@dataclass(frozen=True)
class Subject:
    name: str
    version: int = 1


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
            "INSERT INTO consents (subject, version, granted, at, signature)"
            " VALUES (?, 1, 1, ?, ?)",
            (subject, NOON, receipt.signature),
        )
        assert subject not in granted(target)
    other.close()


decisions = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(1, 2), st.booleans()), max_size=12
)


@given(decisions)
def test_the_newest_decision_counts(given_decisions):
    made = [Receipt(name, version, yes, 0, b"") for name, version, yes in given_decisions]
    now = [Subject("a", 1), Subject("b", 2)]
    holds = in_force(made, now)
    for subject in now:
        mine = [receipt for receipt in made if receipt.subject == subject.name]
        expected = bool(mine) and mine[-1] == replace(
            mine[-1], granted=True, version=subject.version
        )
        assert (subject.name in holds) == expected
    assert "c" not in holds
