"""Each check of a report fails for its own cause, and for no other."""

import pytest

from deskbound_audit.intake import Asked, verify_all
from deskbound_audit.report.facts import Given, facts
from deskbound_strategies.dsse import fingerprint
from deskbound_strategies.ledger_bodies import LedgerKind
from deskbound_strategies.note import COSIGNATURE, Verifier
from tests.helpers.agreement import a_body, a_contract, signing_key
from tests.helpers.fleet import Papers, a_fleet

WORDS = {
    "whole": "is whole",
    "known": "of this fleet",
    "claims": "fit together",
    "alone": "go apart",
    "logged": "asked of everybody",
    "rules": "keeps to its rules",
    "witnesses": "shown the same log",
}


@pytest.fixture
def fleet():
    return a_fleet(4, 1)


def came_of(files, **asked) -> dict[str, dict]:
    held = Asked(**asked)
    logs, verdicts = verify_all(files, held)
    found = facts(Given(verdicts, logs, None, held))
    assert found["sound"] is not any(one["passed"] is False for one in found["checks"])
    return {
        name: one
        for one in found["checks"]
        for name, words in WORDS.items()
        if words in one["what"]
    }


def keys_of(fleet):
    return [fingerprint(one.key.public_key()) for one in fleet.laptops]


def failed(came) -> set[str]:
    return {name for name, one in came.items() if one["passed"] is False}


def shown(came) -> set[str]:
    return {name for name, one in came.items() if one["passed"] is True}


def test_all_that_was_looked_at_holds(fleet, tmp_path):
    came = came_of(fleet.write(tmp_path), known_keys=keys_of(fleet))
    assert shown(came) == set(WORDS) - {"witnesses"}
    assert came["witnesses"]["passed"] is None


def changed_byte(fleet, folder):
    files = fleet.write(folder)
    data = bytearray(files[1].read_bytes())
    data[len(data) // 2] ^= 1
    files[1].write_bytes(data)
    return files


def cheap_claim(fleet, folder):
    first = fleet.laptops[0]
    body = a_body(LedgerKind.RESERVE)
    first.add(LedgerKind.RESERVE, epsilon=body["epsilon"] / 1000)
    return fleet.write(folder)


def own_contract(fleet, folder):
    fleet.laptops[0].pay(a_contract(round=77, model_hash="ef" * 32))
    return fleet.write(folder)


def other_task(fleet, folder):
    """It was asked for counts, and says that it learned."""
    first = fleet.laptops[0]
    last = next(one for one in reversed(first.entries) if one.kind is LedgerKind.RESERVE)
    first.entries = first.entries[: last.seq]
    first.add(LedgerKind.RESERVE, **last.body | {"task": "action_counts"})
    return fleet.write(folder)


def foreign(fleet, folder):
    stranger = Papers(99, 1)
    return [*fleet.write(folder), stranger.write(folder)]


def copied(fleet, folder):
    files = fleet.write(folder)
    first = fleet.laptops[0]
    other = Papers(first.seed, first.days, first.entries[:-1])
    other.add(LedgerKind.PAUSE)
    return [*files, other.write(folder, "copy.jsonl")]


@pytest.mark.parametrize(
    ("wrong", "stage", "unseen"),
    [
        (changed_byte, "whole", {"known", "claims", "logged", "alone"}),
        (foreign, "known", {"claims", "logged", "alone"}),
        (cheap_claim, "claims", {"logged", "alone"}),
        (own_contract, "logged", {"alone"}),
        (other_task, "logged", {"alone"}),
        (copied, "alone", set()),
    ],
)
def test_a_ledger_fails_what_it_fails_and_nothing_else(wrong, stage, unseen, fleet, tmp_path):
    came = came_of(wrong(fleet, tmp_path), known_keys=keys_of(fleet))
    assert failed(came) == {stage}
    assert {name for name, one in came.items() if "not looked at" in one["words"]} == unseen
    assert shown(came) == set(WORDS) - {stage, "witnesses"} - unseen
    assert "failed" in came[stage]["words"]


def test_a_missing_witness_is_no_broken_rule(fleet, tmp_path):
    witness = Verifier("privacy.example", COSIGNATURE, signing_key(7).public_key())
    came = came_of(fleet.write(tmp_path), witnesses=(witness,), quorum=1)
    assert failed(came) == {"witnesses"}
    assert "no witness that was named; 1 asked for" in came["witnesses"]["words"]


def test_a_changed_log_breaks_its_rules(fleet, tmp_path):
    files = fleet.write(tmp_path)
    lines = files[0].read_bytes().splitlines(keepends=True)
    files[0].write_bytes(b"".join([lines[0], *lines[2:]]))
    came = came_of(files)
    assert failed(came) == {"rules"}
    assert "witnesses" not in came, "there is no head that somebody could vouch for"
