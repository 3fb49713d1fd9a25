import json

import pytest

from deskbound_audit.cli import app
from deskbound_strategies import dsse
from deskbound_strategies.ledger_bodies import LedgerKind
from deskbound_strategies.shell import exit_code_of
from tests.helpers.agreement import a_contract, an_export, signing_key
from tests.helpers.log import REVIEWER_HEX, History, Pen, a_manifest

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
    assert run(ledger, "--json", "--every-signature", "--delta", "1e-5") == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["device"] == DEVICE
    assert found["worst_block"]["delta"] == 1e-5


def test_one_bad_ledger_among_good_ones_is_exit_code_50(ledger, tmp_path, capsys):
    bad = tmp_path / "bad.jsonl"
    bad.write_bytes(ledger.read_bytes()[:-1])
    assert run(ledger, bad, "--json") == 50
    streams = capsys.readouterr()
    assert [verdict["accepted"] for verdict in json.loads(streams.out)] == [True, False]
    assert "1 of 2 files did not verify." in streams.err


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


@pytest.fixture
def log(tmp_path):
    history = History(signing_key())
    for version in ("0.1.0", "0.1.1"):
        history.review(a_manifest(version))
    history.review(a_manifest(key=Pen(5).key), Pen(5).key)
    history.round(a_contract(minimum_cohort=2), "ab" * 32)
    path = tmp_path / "log.jsonl"
    path.write_bytes(history.export())
    return path


def test_a_logs_releases_are_told_by_reviewer(log, capsys):
    other = Pen(5).key.public_key().public_bytes_raw().hex()
    assert run(log, "--json") == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["releases"] == 3
    assert found["reviewers"] == {REVIEWER_HEX: 2, other: 1}
    assert run(log) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "3 releases:" in shown
    assert f"2 signed by reviewer {REVIEWER_HEX}." in shown
    assert f"1 signed by reviewer {other}." in shown


def test_a_release_that_was_taken_out_of_a_log_is_missed(log, capsys):
    header, first, *rest = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(header + b"".join(rest))
    assert run(log) == 50
    log.write_bytes(header + first.replace(b'"keyid":"', b'"keyid":"0', 1) + b"".join(rest))
    assert run(log) == 50
