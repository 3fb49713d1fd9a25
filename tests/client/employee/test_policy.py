"""Accepting and setting a floor, and what it does to the consent that was given under another."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from deskbound_client import consent
from deskbound_client.capture.control import Control
from deskbound_client.capture.signals import UPDATES
from deskbound_client.employee import agreeing, policy
from deskbound_client.paths import HomePaths
from deskbound_client.privacy.floors import Floors, Why
from deskbound_client.privacy.ledger_store import LedgerStore
from deskbound_client.privacy.proposal import pin_key
from deskbound_strategies.errors import ConfigError, NotFoundError
from deskbound_strategies.floor import DEFAULT, PROFILES
from deskbound_strategies.floor_file import sign_file, to_toml
from deskbound_strategies.ledger_bodies import LedgerKind
from tests.helpers.floors import FIELDS
from tests.helpers.store import new_vault

STRICT, RESEARCH = PROFILES["strict"], PROFILES["research"]


@pytest.fixture
def home(tmp_path):
    vault, _ = new_vault(tmp_path / "home")
    paths = HomePaths(vault.home)
    Control.create(paths.control).close()
    yield paths, vault
    vault.close()


def willing(vault):
    return "updates" in consent.granted(vault)


def offered(vault):
    return next(o for o in agreeing.offers(vault) if o.signal.name == "updates")


def entries(vault):
    kinds = (LedgerKind.POLICY, LedgerKind.CONSENT)
    return [entry.kind.value for entry in LedgerStore(vault).entries(kinds=kinds)]


def test_consent_to_updates_names_the_floor_that_was_shown(home):
    paths, vault = home
    (receipt,) = agreeing.grant(paths, vault, ["updates"])
    assert receipt.floor == DEFAULT.digest()
    assert json.loads(receipt.signed_bytes().partition(b"\n")[2])["floor"] == DEFAULT.digest()
    assert willing(vault)
    (keys,) = agreeing.grant(paths, vault, ["keys"])
    assert keys.floor == ""


def test_a_tighter_floor_keeps_consent_and_a_looser_file_changes_nothing(home):
    paths, vault = home
    agreeing.grant(paths, vault, ["updates"])
    paths.floor.write_bytes(to_toml(STRICT))
    assert policy.state(paths, vault).held.floor == STRICT
    assert willing(vault)
    paths.floor.write_bytes(to_toml(RESEARCH))
    assert policy.state(paths, vault).held.floor == STRICT
    assert willing(vault)
    assert offered(vault).on


def test_a_looser_floor_that_held_without_consent_turns_it_off(home):
    """Whoever could put one in force without asking anew would gain nothing by it."""
    paths, vault = home
    agreeing.grant(paths, vault, ["updates", "keys"])
    Floors(vault).adopt(RESEARCH, Why.ACCEPTED)
    assert not willing(vault)
    assert "keys" in consent.granted(vault)
    assert (offered(vault).on, offered(vault).changed) == (False, True)
    agreeing.grant(paths, vault, ["updates"])
    assert willing(vault)


def test_accepting_renews_consent_for_the_new_floor_in_one_step(home):
    paths, vault = home
    agreeing.grant(paths, vault, ["updates"])
    paths.floor.write_bytes(to_toml(RESEARCH))
    held = policy.accept(paths, vault, RESEARCH.digest())
    assert (held.floor, held.why) == (RESEARCH, Why.ACCEPTED)
    assert consent.granted(vault)["updates"].floor == RESEARCH.digest()
    assert entries(vault) == ["policy", "consent", "policy", "consent"]
    assert Control.open(paths.control).streams & UPDATES


def test_accepting_agrees_to_nothing_that_was_not_agreed_to(home):
    paths, vault = home
    policy.state(paths, vault)
    paths.floor.write_bytes(to_toml(RESEARCH))
    policy.accept(paths, vault, RESEARCH.digest())
    assert not willing(vault)
    assert entries(vault) == ["policy", "policy"]


def test_only_what_was_shown_is_accepted(home):
    paths, vault = home
    agreeing.grant(paths, vault, ["updates"])
    with pytest.raises(NotFoundError):
        policy.accept(paths, vault, RESEARCH.digest())
    paths.floor.write_bytes(to_toml(RESEARCH))
    with pytest.raises(ConfigError):
        policy.accept(paths, vault, STRICT.digest())
    assert Floors(vault).held().floor == DEFAULT


def test_a_consent_of_before_floors_holds_no_more(home):
    paths, vault = home
    agreeing.grant(paths, vault, ["updates"])
    (receipt,) = consent.receipts(vault)
    old = consent.Receipt("updates", receipt.version, True, receipt.at, b"", receipt.digest)
    vault.database.execute(
        "UPDATE consents SET floor = '', signature = ?",
        (vault.signing_key().sign(old.signed_bytes()),),
    )
    assert consent.receipts(vault)[0].signature, "it still verifies"
    assert not willing(vault)


@pytest.mark.parametrize("change", ["floor = ''", f"floor = '{RESEARCH.digest()}'"])
def test_a_receipt_moved_to_another_floor_is_none(home, change):
    paths, vault = home
    agreeing.grant(paths, vault, ["updates"])
    vault.database.execute(f"UPDATE consents SET {change}")
    assert not consent.receipts(vault)[0].signature
    assert not willing(vault)


def test_setting_a_tighter_one_acts_and_a_looser_one_waits(home):
    paths, vault = home
    found = policy.propose(paths, vault, ["epsilon_day=2", "units=day"])
    assert (found.held.floor.epsilon_day, found.held.floor.units) == (2.0, ("day",))
    assert found.waiting is None
    found = policy.propose(paths, vault, ["balanced", "epsilon_total=9"])
    assert found.held.floor.epsilon_day == 2.0
    assert (found.waiting.epsilon_day, found.waiting.epsilon_total) == (4.0, 9.0)
    looser = {one.name for one in found.differences if one.looser}
    assert looser == {"epsilon_day", "units"}


@pytest.mark.parametrize("wish", ["loose", "epsilon_dya=1", "epsilon_day=99", "units=week", "="])
def test_a_wish_that_cannot_be_is_refused_and_nothing_written(home, wish):
    paths, vault = home
    policy.state(paths, vault)
    with pytest.raises(ConfigError):
        policy.propose(paths, vault, [wish])
    assert not paths.floor.exists()


@given(values=st.fixed_dictionaries({n: FIELDS[n] for n in ("sigma_min", "units", "sandbox")}))
def test_a_bare_word_means_what_its_quoted_form_means(values):
    bare = [
        f"{name}={','.join(value) if isinstance(value, tuple) else value}"
        for name, value in values.items()
        if value != ()
    ]
    quoted = [
        f"{name}={json.dumps(list(value) if isinstance(value, tuple) else value)}"
        for name, value in values.items()
        if value != ()
    ]
    assert policy.wished(bare, STRICT) == policy.wished(quoted, STRICT)


def test_with_a_pinned_key_the_employee_can_tighten_and_nobody_unsigned_can_propose(home):
    paths, vault = home
    key = Ed25519PrivateKey.generate()
    text = to_toml(RESEARCH)
    paths.floor.write_bytes(text)
    Floors(vault).adopt(DEFAULT, Why.FIRST)
    pin_key(vault.settings, key.public_key())
    found = policy.state(paths, vault)
    assert found.waiting is None
    assert "not signed" in found.proposal.trouble.sentence
    with pytest.raises(ConfigError):
        policy.propose(paths, vault, ["research"])
    assert policy.propose(paths, vault, ["strict"]).held.floor == STRICT
    assert paths.floor.read_bytes() == text, "the file stays its owner's"
    paths.floor_signature.write_bytes(sign_file(text, key))
    assert policy.state(paths, vault).waiting == RESEARCH
    policy.accept(paths, vault, RESEARCH.digest())
    assert policy.state(paths, vault).held.floor == RESEARCH
