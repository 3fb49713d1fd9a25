"""``model evaluate``: released models on held-out data, from the registry to table and JSON."""

import json
from contextlib import closing
from datetime import date

import pytest

from deskbound_server.cli import app
from deskbound_server.database import Database
from deskbound_server.held_out import generated_units, write_units
from deskbound_server.home import ServerHome
from deskbound_server.model_store import ModelStore
from deskbound_server.ranks import BASELINES
from deskbound_strategies.action_counts import TASK as COUNTS
from deskbound_strategies.next_action_hits import WHAT
from deskbound_strategies.shell import exit_code_of
from deskbound_strategies.task import weights_of
from deskbound_strategies.vocabulary import VOCABULARY_HASH
from tests.helpers.learning import counts_of
from tests.helpers.learning import generated_units as a_day
from tests.helpers.released import write_counts, write_history
from tests.helpers.server import new_plan

CELLS = counts_of(a_day("support", date(2026, 3, 2)))
UNITS = a_day("support", date(2026, 3, 3))[:8]


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    """A server's folder with two networks, whose run held out made-up days, and counts."""
    home = ServerHome(tmp_path_factory.mktemp("server") / "home")
    assert exit_code_of(app, ["--home", str(home.root), "init", "--port", "9"]) == 0
    with closing(Database.open(home.database)) as database:
        models = ModelStore(home.models)
        made = write_history(database, models, new_plan(held_out="generated"))
        return home, made, write_counts(database, models, weights_of(CELLS))


@pytest.fixture
def say(fleet, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    root = str(fleet[0].root)
    return lambda *words: exit_code_of(app, ["--home", root, "model", "evaluate", *words])


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "held-out"
    path.mkdir()
    (path / "a.jsonl").write_bytes(write_units(UNITS[:3], VOCABULARY_HASH))
    (path / "b.jsonl").write_bytes(write_units(UNITS[3:], VOCABULARY_HASH))
    (path / "notes.txt").write_text("no held-out data")
    return path


def test_a_model_is_tried_on_what_its_run_held_out(say, fleet, capsys):
    assert say("latest", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["data"]["units"] == len(generated_units())
    assert "made-up days, as run c3c3c3c3 held out" in told["data"]["from"]
    (one,) = told["models"]
    assert (one["model"], one["task"]) == (fleet[1][-1], "next_action")
    assert tuple(told["baselines"]) == tuple(sorted(BASELINES))
    for heads in (one["heads"], *told["baselines"].values()):
        assert set(heads) == set(WHAT)
        assert {head["positions"] for head in heads.values()} == {
            one["heads"][name]["positions"] for name in WHAT
        }
    assert told["difference"] is None


def test_counts_and_a_network_stand_in_one_table_that_fits_a_terminal(say, fleet, folder, capsys):
    _, models, counts = fleet
    assert say(counts[:9], models[0], "--data", str(folder)) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == f"8 units from {folder}."
    rows = [line for line in shown if "±" in line]
    assert len(rows) == 3 * (2 + 1 + len(BASELINES))
    assert max(map(len, rows)) <= 80
    assert rows[0].startswith(f"{counts[:12]} action_counts")
    assert rows[2].startswith("first less second")

    assert say(counts, models[0], "--data", str(folder), "--json") == 0
    told = json.loads(capsys.readouterr().out)
    first, second = (one["heads"]["action"] for one in told["models"])
    own = COUNTS.evaluate(CELLS, UNITS)
    assert (first["positions"], first["hit1"]["value"]) == (own.positions, own.hit1)
    apart = told["difference"]["action"]["hit1"]
    assert apart["value"] == pytest.approx(first["hit1"]["value"] - second["hit1"]["value"])
    assert 0 < apart["error"] < apart["value"]


def test_one_file_is_data_too_and_made_up_days_can_be_asked_for(say, fleet, folder, capsys):
    *_, counts = fleet
    assert say(counts, "--data", str(folder / "a.jsonl"), "--json") == 0
    assert json.loads(capsys.readouterr().out)["data"]["units"] == 3
    assert say(counts, "--generated", "--json") == 0
    assert json.loads(capsys.readouterr().out)["data"]["from"] == "of made-up days"


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("nothing",), 17, "There is no model"),
        (("latest", "latest"), 10, "the same model"),
        (("latest", "--generated", "--data", "."), 10, "exclude each other"),
        (("latest", "--data", "none.jsonl"), 10, "none.jsonl cannot be read"),
        (("latest", "--data", "empty"), 10, "no held-out data in the folder"),
        (("latest", "--data", "broken"), 10, "Line 3 of the held-out file b.jsonl"),
    ],
)
def test_what_cannot_be_done_is_said(say, tmp_path, monkeypatch, capsys, words, code, told):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    good = write_units(UNITS[:1], VOCABULARY_HASH)
    (tmp_path / "broken" / "a.jsonl").write_bytes(good)
    (tmp_path / "broken" / "b.jsonl").write_bytes(good + b"{}\n")
    assert say(*words) == code
    assert told in capsys.readouterr().err


def test_a_run_that_held_nothing_out_says_what_else_there_is(say, fleet, capsys):
    *_, counts = fleet
    assert say(counts) == 10
    shown = capsys.readouterr().err
    assert 'run a7a7a7a7 says held_out = "none"' in shown
    assert "--data" in shown
    assert say(counts, "latest", "--json") == 0, "the other one's run held out something"


def test_a_model_whose_file_was_changed_is_not_tried(say, fleet, capsys):
    home, models, _ = fleet
    path = ModelStore(home.models).path(models[0])
    kept = path.read_bytes()
    path.write_bytes(kept[:-1] + b"x")
    assert say(models[0]) not in {0, 10, 17}
    assert "was changed" in capsys.readouterr().err
    path.write_bytes(kept)
