"""``deskbound policy``: what holds, what waits, and that only the employee loosens."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deskbound_client import consent
from deskbound_strategies.floor import PROFILES
from deskbound_strategies.floor_file import sign_file
from deskbound_strategies.ledger_bodies import LedgerKind


@pytest.fixture
def mine(empty):
    empty.init("--profile", "balanced")
    empty.ok("consent", "grant", "updates")
    return empty


def willing(desk):
    with desk.vault() as vault:
        return "updates" in consent.granted(vault)


def test_show_says_bounds_profile_and_worst_case(mine):
    said = mine.ok("policy", "show")
    assert "Profile balanced" in said
    assert "98.2 % sure" in said
    assert "sigma_min" in said
    assert "waits" not in said
    found = mine.ask("policy", "show")
    assert found["in_force"]["digest"] == PROFILES["balanced"].digest()
    assert found["in_force"]["bounds"]["epsilon_total"] == "inf"
    assert (found["waiting"], found["ignored"], found["policy_key"]) == (None, None, None)
    assert [one["why"] for one in found["history"]] == ["first"]


def test_a_looser_file_waits_is_shown_in_words_and_is_accepted_by_hand(mine):
    mine.paths.floor.write_text('profile = "research"\n')
    said = mine.ok("policy", "show")
    assert "A looser floor waits; it is not in force." in said
    assert "epsilon_day: 4 → 10 (looser)" in said
    assert "demonstration and simulation only" in said
    assert mine.ask("budget")["epsilon_cap"] == 4.0
    assert willing(mine)
    said = mine.ok("policy", "accept")
    assert "epsilon_day: 4 → 10 (looser)" in said
    assert mine.ask("budget")["epsilon_cap"] == 10.0
    assert willing(mine)
    named = [body["floor"] for body in mine.bodies(LedgerKind.POLICY)]
    assert named == [PROFILES["balanced"].digest(), PROFILES["research"].digest()]
    assert "No other policy floor waits" in mine.fails(17, "policy", "accept")


def test_any_command_adopts_a_tighter_file(mine):
    mine.paths.floor.write_text('profile = "strict"\n')
    assert mine.ask("budget")["epsilon_cap"] == 2.0
    assert willing(mine)
    assert mine.bodies(LedgerKind.POLICY)[-1]["profile"] == "strict"


@pytest.mark.parametrize("text", ["clip_maximum = 3.0", 'profile = "loose"', "[", None])
def test_a_broken_file_changes_nothing_and_is_told(mine, text):
    mine.paths.floor.unlink() if text is None else mine.paths.floor.write_text(text)
    assert mine.ask("budget")["epsilon_cap"] == 4.0
    found = mine.ask("policy", "show")
    assert (found["ignored"] is None) == (text is None)
    if text is not None:
        assert "floor.toml" in found["ignored"]
        assert "stays in force" in mine.ok("policy", "show")


def test_setting_says_what_holds_and_what_waits(mine):
    assert "epsilon 1 " in mine.ok("policy", "set", "strict", "epsilon_day=1")
    said = mine.ok("policy", "set", "balanced")
    assert "epsilon 1 " in said
    assert "deskbound policy accept" in said
    assert "There is no profile loose" in mine.fails(10, "policy", "set", "loose")


def test_consent_shows_the_floor_it_belongs_to(mine):
    assert "Profile balanced" in mine.ok("consent", "grant", "updates")
    assert "Profile" not in mine.ok("consent", "grant", "keys")
    receipts = mine.ask("consent", "receipts")
    assert [one["floor"] for one in receipts] == [PROFILES["balanced"].digest()] * 2 + [None]


def write_key(desk, key):
    file = desk.paths.home.parent / "policy.pub"
    file.write_text(base64.b64encode(key.public_key().public_bytes_raw()).decode() + "\n")
    return str(file)


def test_a_key_pinned_at_init_is_the_only_one_that_may_propose(empty):
    key = Ed25519PrivateKey.generate()
    empty.init("--profile", "strict", "--policy-key", write_key(empty, key))
    assert not empty.paths.floor.exists()
    assert empty.ask("policy", "show")["in_force"]["digest"] == PROFILES["strict"].digest()
    empty.paths.floor.write_text('profile = "balanced"\n')
    found = empty.ask("policy", "show")
    assert "not signed" in found["ignored"]
    assert found["waiting"] is None
    empty.paths.floor_signature.write_bytes(sign_file(empty.paths.floor.read_bytes(), key))
    assert empty.ask("policy", "show")["waiting"]["digest"] == PROFILES["balanced"].digest()
    empty.ok("policy", "accept")
    assert "signed" in empty.fails(10, "policy", "set", "research")
    other = write_key(empty, Ed25519PrivateKey.generate())
    assert "Another policy key" in empty.fails(10, "policy", "pin", other)
    empty.ok("policy", "pin", "none")
    assert empty.ask("policy", "show")["policy_key"] is None


def test_a_key_that_is_none_is_refused_before_anything_is_made(empty, tmp_path):
    (tmp_path / "policy.pub").write_text("hello\n")
    words = ("init", "--passphrase-file", str(empty.passphrase))
    said = empty.fails(10, *words, "--policy-key", str(tmp_path / "policy.pub"))
    assert "holds no policy key" in said
    assert not empty.paths.home.exists()
