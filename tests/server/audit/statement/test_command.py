import json

import pytest

from deskbound_audit.cli import app
from deskbound_audit.extras import need
from deskbound_strategies.errors import NotFoundError
from deskbound_strategies.ledger_bodies import LedgerKind
from deskbound_strategies.shell import exit_code_of
from tests.helpers.agreement import an_export


@pytest.fixture
def floor(tmp_path):
    path = tmp_path / "floor.toml"
    path.write_text('profile = "strict"\n')
    return path


def run(*words) -> int:
    return exit_code_of(app, ["statement", *map(str, words)])


def test_a_statement_from_a_floor_and_a_ledger(floor, tmp_path, capsys):
    ledger = tmp_path / "laptop.jsonl"
    ledger.write_bytes(an_export(LedgerKind.RESERVE))
    assert run(floor, "--ledger", ledger, "--out", tmp_path / "statement.md") == 0
    text = (tmp_path / "statement.md").read_text("utf-8")
    assert "policy floor **strict**" in text
    assert "1 verified ledger." in text
    assert run(floor, "--ledger", ledger, "--json", "--retention-days", 3) == 0
    assert json.loads(capsys.readouterr().out)["retention"]["days"] == 3


def test_what_an_attack_found_is_put_beside_the_claim(floor, tmp_path):
    found = {
        "trainer": "deskbound-client 0.1.0", "claim": {"epsilon_prv": 3.12}, "missed": [],
        "contract": {"rounds": 20, "sampling_rate": 0.2, "noise_multiplier": 1.75},
        "as_released": {"epsilon_lower": 0.66, "confidence": 0.95}, "controls": [{}] * 5,
        "membership": {"as released": {"auc": 0.61}, "noise off": {"auc": 0.99}},
        "inversion": {"ways": [{"in_order": 0.98}, {"in_order": 0.01}]},
    }  # fmt: skip
    path, out = tmp_path / "attack.json", tmp_path / "statement.md"
    path.write_text(json.dumps(found))
    assert run(floor, "--attack", path, "--out", out) == 0
    text = out.read_text("utf-8")
    assert "epsilon is at least 0.66 with 95 % confidence, 3.12 is claimed" in text
    assert "5 of 5 planted faults were found" in text
    path.write_text("{}")
    assert run(floor, "--attack", path) == 10


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["gone.toml"], 17), (["FLOOR", "--ledger", "gone.jsonl"], 17),
        (["FLOOR", "--plan", "gone.toml"], 17), (["FLOOR", "--about", "gone.toml"], 17),
        (["FLOOR", "--attack", "gone.json"], 17), (["FLOOR", "--retention-days", "0"], 2), ([], 2),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_one_sentence_and_a_stable_exit_code(floor, words, code, capsys):
    assert run(*[floor if word == "FLOOR" else word for word in words]) == code
    assert "Traceback" not in capsys.readouterr().err


def test_a_changed_ledger_makes_no_statement(floor, tmp_path):
    ledger = tmp_path / "laptop.jsonl"
    data = bytearray(an_export(LedgerKind.RESERVE))
    data[-300] ^= 1
    ledger.write_bytes(bytes(data))
    assert run(floor, "--ledger", ledger) == 50


def test_what_is_not_installed_is_named():
    need("jinja2")
    with pytest.raises(NotFoundError, match="no_such_package"):
        need("jinja2", "no_such_package")
