import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from deskbound_audit import verdicts as told
from deskbound_audit.verify import Verdict, verify_file
from deskbound_strategies.ledger_bodies import LedgerKind
from tests.helpers.agreement import AT, an_export

KINDS = (LedgerKind.RESERVE, LedgerKind.RELEASE, LedgerKind.REFUSE)


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    path = tmp_path_factory.mktemp("ledgers") / "laptop.jsonl"
    path.write_bytes(an_export(*KINDS))
    return [verify_file(path), Verdict("other.jsonl", problem="Line 3: it is wrong.")]


def shown(verdicts, *, keys_known: bool) -> str:
    console = Console(file=io.StringIO(), width=80)
    console.print(told.as_table(verdicts, keys_known=keys_known))
    return console.file.getvalue()


def test_the_table_names_unit_and_delta_beside_epsilon(verdicts):
    text = shown(verdicts, keys_known=True)
    assert "one session" in text
    assert "delta 1e-06" in text
    assert f"{verdicts[0].loss.epsilon_prv:.2f}" in text
    assert "4.0 kB" in text
    assert "1 times: sigma-too-low" in text
    assert "✗ other.jsonl: Line 3: it is wrong." in text
    assert "was not checked" not in text


def test_the_table_fits_a_plain_terminal(verdicts):
    assert all(len(line) <= 80 for line in shown(verdicts, keys_known=False).splitlines())


def test_the_table_says_when_nobody_checked_whose_ledgers_they_are(verdicts):
    assert "was not checked" in shown(verdicts, keys_known=False)


def test_accountants_that_differ_are_pointed_out(verdicts):
    honest = verdicts[0]
    odd = replace(honest, loss=replace(honest.loss, epsilon_second=honest.loss.epsilon_prv * 1.1))
    assert "accountants differ" in shown([odd], keys_known=True)
    assert "accountants differ" not in shown([honest], keys_known=True)


def test_json_holds_totals_and_survives_a_strict_reader(verdicts):
    good, bad = json.loads(json.dumps(told.as_json(verdicts), allow_nan=False))
    assert good["accepted"]
    assert (good["uploads"], good["bytes_sent"], good["blocks"]) == (1, 4040, 2)
    assert good["refusals"] == {"sigma-too-low": 1}
    assert good["worst_block"]["unit"] == "session"
    assert bad == {"file": "other.jsonl", "accepted": False, "problem": "Line 3: it is wrong."}


def test_no_report_holds_a_time(verdicts):
    text = shown(verdicts, keys_known=False) + json.dumps(told.as_json(verdicts))
    assert str(AT // 100_000) not in text
    assert "2026" not in text
