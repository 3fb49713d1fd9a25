import json

import pytest

from deskbound_audit.cli import app
from deskbound_strategies import dsse
from deskbound_strategies.ledger_bodies import LedgerKind
from deskbound_strategies.shell import exit_code_of
from tests.helpers.agreement import an_export, signing_key

DEVICE = dsse.fingerprint(signing_key().public_key())


@pytest.fixture
def ledger(tmp_path):
    path = tmp_path / "laptop.jsonl"
    path.write_bytes(an_export(LedgerKind.RESERVE, LedgerKind.RELEASE, LedgerKind.PAUSE))
    return path


def run(*words) -> int:
    return exit_code_of(app, ["verify", *map(str, words)])


def test_whole_ledgers_verify(ledger, capsys):
    assert run(ledger, ledger, "--key", DEVICE) == 0
    assert "✓" in capsys.readouterr().out


def test_json_can_be_read_by_a_program(ledger, capsys):
    assert run(ledger, "--json", "--fast", "--delta", "1e-5") == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["device"] == DEVICE
    assert found["worst_block"]["delta"] == 1e-5


def test_one_bad_ledger_among_good_ones_is_exit_code_50(ledger, tmp_path, capsys):
    bad = tmp_path / "bad.jsonl"
    bad.write_bytes(ledger.read_bytes()[:-1])
    assert run(ledger, bad, "--json") == 50
    streams = capsys.readouterr()
    assert [verdict["accepted"] for verdict in json.loads(streams.out)] == [True, False]
    assert "1 of 2 ledgers did not verify." in streams.err


def test_another_device_is_exit_code_50(ledger):
    assert run(ledger, "--key", "00" * 32) == 50


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["gone.jsonl"], 17),
        (["gone.jsonl", "--keys", "gone.txt"], 17),
        (["gone.jsonl", "--key", "not-a-key"], 10),
        (["gone.jsonl", "--delta", "2"], 2),
        ([], 2),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_a_stable_exit_code(words, code, capsys):
    assert run(*words) == code
    assert "Traceback" not in capsys.readouterr().err


def test_help_has_an_example(capsys):
    assert run("--help") == 0
    assert "Example: deskbound-audit verify" in capsys.readouterr().out
