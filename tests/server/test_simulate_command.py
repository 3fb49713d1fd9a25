"""The command's own part: what it refuses, what it shows. Simulations are in ``simulation/``."""

import io
import json
import sys

import pytest
from rich.console import Console

from deskbound_server import simulation
from deskbound_server.cli import app
from deskbound_server.cli import simulate as command
from deskbound_strategies.errors import NotFoundError
from deskbound_strategies.shell import exit_code_of
from tests.helpers.server import new_plan, write_plan

FOUND = {
    "notice": "simulated, seeded noise: no privacy",
    "asked": {"data": "generated", "workers": 2},
    "ended": "finished",
    "rounds": [
        {
            "task": "next_action", "round": number, "state": "released", "cohort": 100,
            "admitted": 70, "lost": 9, "refused": {"sigma-too-low": 10}, "rejected": {},
            "silent": {"no-budget": 11},
            "hit1": 0.25, "hit5": 0.5, "held_out_loss": 3.0, "bytes_down": 1_000, "bytes_up": 900,
        }
        for number in range(1, 41)
    ],
    "utility": {
        "laptops": 12, "positions": 6000,
        "baselines": {"Markov 2": {"positions": 6000, "hit1": 0.6, "hit5": 0.9}},
    },
    "epsilon": {"largest": 8.0, "median": 4.0, "unit": "session", "delta": 1e-5,
                "cap_of_a_day": 10.0},
    "speed": {"worked": 4000, "seconds": 400.0, "clients_per_second": 10.0,
              "server_peak_bytes": 600_000_000, "worker_bytes": 500_000_000},
    "model": "ab" * 32,
}  # fmt: skip


@pytest.fixture
def plan(tmp_path):
    return write_plan(tmp_path / "plan.toml", new_plan())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--data", "."], "needs both --data and --set"),
        (["--set", "abb_ide"], "needs both --data and --set"),
        (["--data", ".", "--set", "no_such"], "no set no_such"),
        (["--profile", "lax"], "no profile lax"),
        (["--out", "nowhere/at/all.json"], "no folder"),
    ],
)
def test_what_makes_no_sense_is_refused_at_once(plan, capsys, monkeypatch, words, said):
    monkeypatch.setattr(command, "find_simulator", lambda: pytest.fail("it had begun"))
    assert exit_code_of(app, ["simulate", str(plan), "--laptops", "4", *words]) in {10, 17}
    assert said in capsys.readouterr().err


def test_results_go_to_the_terminal_and_to_a_file(plan, tmp_path, capsys, monkeypatch):
    asked = []

    def simulator(what, watch):
        watch.phase("Rounds", 2)
        watch.answers(3, 1)
        watch.step()
        asked.append(what)
        return FOUND

    monkeypatch.setattr(command, "find_simulator", lambda: simulator)
    out = tmp_path / "found.json"
    words = ["simulate", str(plan), "--laptops", "4", "--seed", "9", "--out", str(out)]
    assert exit_code_of(app, words) == 0
    assert (asked[0].seed, asked[0].profile, asked[0].set_name) == (9, "research", "generated")
    assert json.loads(out.read_text()) == FOUND
    assert "no privacy" in capsys.readouterr().out
    assert exit_code_of(app, [*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == FOUND


def test_counts_that_come_first_are_handed_on_and_named(plan, tmp_path, capsys, monkeypatch):
    asked = []
    line = FOUND["rounds"][0]
    found = FOUND | {"rounds": [line | {"task": "action_counts"}, line]}
    monkeypatch.setattr(
        command, "find_simulator", lambda: lambda one, _: asked.append(one) or found
    )
    counts = write_plan(tmp_path / "counts.toml", new_plan(task="action_counts", rounds=1))
    words = ["simulate", str(plan), "--laptops", "4", "--counts", str(counts)]
    assert exit_code_of(app, words) == 0
    assert asked[0].counts == new_plan(task="action_counts", rounds=1)
    table = capsys.readouterr().out.splitlines()
    assert [row.split()[0] for row in table if "released" in row] == ["counts", "1"]


def test_a_long_run_fits_a_narrow_terminal():
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(command.rendered(FOUND))
    text = console.export_text()
    assert max(map(len, text.splitlines())) <= 80
    assert "28 rounds in between" in text
    for code in ("sigma-too-low", "no-budget", "lost"):
        assert code in text
    assert "epsilon 8" in text


def test_without_a_simulator_one_sentence_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(simulation, "entry_points", lambda **_: [])
    with pytest.raises(NotFoundError) as caught:
        simulation.find_simulator()
    assert "tools/setup simulation" in caught.value.mend


def test_a_server_without_the_laptops_code_says_what_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "deskbound_simulation.simulate", None)
    with pytest.raises(NotFoundError, match="missing to simulate"):
        simulation.find_simulator()
