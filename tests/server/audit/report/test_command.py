import json
import re

import pytest

from deskbound_audit.cli import app
from deskbound_strategies.ledger_bodies import LedgerKind
from deskbound_strategies.shell import exit_code_of
from tests.helpers.fleet import Papers, a_fleet


@pytest.fixture(scope="module")
def fleet():
    return a_fleet()


def run(*words) -> int:
    return exit_code_of(app, ["report", *map(str, words)])


def floor(folder, profile: str):
    path = folder / "floor.toml"
    path.write_text(f'profile = "{profile}"\n')
    return path


def test_one_page_and_the_same_as_json_are_written(fleet, tmp_path, capsys):
    out = tmp_path / "made" / "here"
    assert run(*fleet.write(tmp_path), "--floor", floor(tmp_path, "research"), "--out", out) == 0
    page, data = (out / "report.html").read_text(), json.loads((out / "report.json").read_text())
    assert data["format"] == "deskbound-report/1"
    assert f"<b>ε = {data['per_day']['dearest']['epsilon_filter']:.2f}</b>" in page
    assert page.count("<svg") == 3
    assert "default-src 'none'" in page
    assert not re.findall(r"<script|@import|src=|url\((?!#)|href=\"(?!#)", page)
    told = capsys.readouterr().out
    assert "report.html" in told.replace("\n", "")
    assert all(len(line) <= 80 for line in told.splitlines()[:-1])


def test_what_does_not_hold_is_exit_code_50_and_still_a_page(fleet, tmp_path, capsys):
    out = tmp_path / "out"
    files = fleet.write(tmp_path)
    assert run(*files, "--floor", floor(tmp_path, "strict"), "--out", out, "--json") == 50
    streams = capsys.readouterr()
    assert not json.loads(streams.out)["sound"]
    assert "above epsilon 2" in streams.err
    assert "Something here does not hold." in (out / "report.html").read_text()


def test_of_two_exports_of_a_laptop_the_newer_counts(fleet, tmp_path):
    files = fleet.write(tmp_path)
    first = fleet.laptops[0]
    older = Papers(first.seed, first.days, first.entries[:-2])
    extra = older.write(tmp_path, "older.jsonl")
    assert run(*files, extra, "--out", tmp_path / "out") == 0
    data = json.loads((tmp_path / "out" / "report.json").read_text())
    assert data["ledgers"]["files"] == len(files) - 1


def test_two_ledgers_of_one_laptop_that_go_apart_are_found(fleet, tmp_path, capsys):
    files = fleet.write(tmp_path)
    first = fleet.laptops[0]
    other = Papers(first.seed, first.days, first.entries[:-2])
    other.add(LedgerKind.PAUSE)
    extra = other.write(tmp_path, "copy.jsonl")
    assert run(*files, extra, "--out", tmp_path / "out") == 50
    assert "The same laptop signed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code"),
    [(["gone.jsonl"], 17), (["gone.jsonl", "--floor", "gone.toml"], 17), ([], 2)],
)
def test_what_cannot_be_done_is_one_sentence(words, code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(*words) == code
