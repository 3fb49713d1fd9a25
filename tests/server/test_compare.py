import json
from dataclasses import replace

import pytest

from deskbound_server.cli import app
from deskbound_server.compare import differing, facts_of
from deskbound_server.database import Database
from deskbound_server.follow import look
from deskbound_server.home import ServerHome
from deskbound_server.schema import RunState
from deskbound_strategies.accounting import epsilon_prv, event_of
from deskbound_strategies.dp_fedavg import Outcome
from deskbound_strategies.shell import exit_code_of
from tests.helpers.server import new_plan

FIRST, SECOND, THIRD = "c3" * 16, "d4" * 16, "e5" * 16
OUTCOMES = (
    Outcome(4, 2, {"sigma-too-low": 1}, {"norm": 1}, 0, None),
    Outcome(5, 3, {"sigma-too-low": 2}, {}, 2, None),
)


@pytest.fixture
def home(tmp_path):
    return ServerHome(tmp_path / "home")


@pytest.fixture
def say(home, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    return lambda *words: exit_code_of(app, ["--home", str(home.root), *words])


def add(database, run, plan, outcomes, *, models=True):
    database.add_run(run, plan.to_bytes(), 1)
    for number, outcome in enumerate(outcomes, start=1):
        contract = plan.contract(
            run=run, number=number, vocabulary_hash="a" * 64, model_hash="b" * 64,
            anchors="c" * 64, issued=100 + number,
        )  # fmt: skip
        database.open_round(contract, b"envelope", b"leaf")
        if outcome is not None:
            model = "f" * 64 if models else ""
            database.close_round(contract.digest(), outcome, 130, model_out=model)
    database.set_run(run, RunState.FINISHED)


@pytest.fixture
def database(say, home):
    say("init", "--port", "9")
    opened = Database.open(home.database)
    add(opened, FIRST, new_plan(), OUTCOMES)
    add(opened, SECOND, new_plan(noise_multiplier=2.0, seed=7), (OUTCOMES[0], None))
    yield opened
    opened.close()


def test_counts_are_summed_by_code_and_spread_over_rounds(home, database):
    facts = facts_of(look(home.run, database, FIRST), 1000)
    assert (facts.released, facts.planned, facts.contracts) == (2, 2, 2)
    assert facts.refused == {"sigma-too-low": 3}
    assert facts.rejected == {"norm": 1}
    assert (facts.asked.least, facts.asked.most) == (4, 5)
    assert facts.bytes_up == 5 * 1000
    assert facts.bytes_down == 9 * (1000 + len(b"envelope"))


def test_an_open_contract_is_paid_for_but_says_nothing_of_cohorts(home, database):
    facts = facts_of(look(home.run, database, SECOND), 1000)
    assert (facts.contracts, facts.released) == (2, 1)
    assert facts.asked.least == facts.asked.most == 4
    contract = new_plan(noise_multiplier=2.0)
    event = event_of(contract.contract(
        run=FIRST, number=1, vocabulary_hash="", model_hash="", anchors="", issued=1,
    ))  # fmt: skip
    assert facts.epsilon == epsilon_prv([event] * 2, facts.delta)


def test_a_run_that_never_began_has_counts_of_zero(home, database):
    add(database, THIRD, new_plan(), ())
    facts = facts_of(look(home.run, database, THIRD), 1000)
    assert (facts.contracts, facts.epsilon, facts.asked.most) == (0, 0.0, 0)


def test_only_settings_that_differ_are_named():
    plans = [new_plan(), new_plan(clip=2.0), new_plan(clip=2.0, profile="strict")]
    assert differing(plans) == {
        "clip": [1.0, 2.0, 2.0],
        "profile": ["research", "research", "strict"],
    }
    assert differing([new_plan(), replace(new_plan())]) == {}


def test_a_program_reads_both_and_no_laptop(say, home, database, capsys):
    database.add_laptop(17_000_000_001, "ab" * 32, "desk-17", "cd" * 32)
    capsys.readouterr()
    assert say("runs", "compare", "c3", "d4", "--json") == 0
    shown = capsys.readouterr().out
    found = json.loads(shown)
    assert found["settings"] == {"noise_multiplier": [1.5, 2.0], "seed": [0, 7]}
    assert [one["run"] for one in found["runs"]] == [FIRST, SECOND]
    assert not any(word in shown for word in ("17000000001", "ab" * 32, "desk-17", "cd" * 32))


def test_a_person_reads_it_side_by_side_in_eighty_columns(say, database, capsys):
    capsys.readouterr()
    assert say("runs", "compare", "c3", "d4") == 0
    lines = capsys.readouterr().out.splitlines()
    table = lines[: lines.index("")]
    assert max(map(len, table)) <= 80
    words = {line.split("  ")[0]: line for line in table}
    assert words["noise_multiplier"].split()[1:] == ["1.5", "2.0"]
    assert "2 of 2" in words["rounds released"]
    assert "not recorded" in words["held-out loss"]


def test_an_unknown_run_is_one_sentence_with_the_nearest(say, database, capsys):
    capsys.readouterr()
    assert say("runs", "compare", "c3", "d5") == 17
    assert "There is no run of that name; the nearest is d4d4d4d4." in capsys.readouterr().err
    assert say("runs", "nothing-like-it") == 17


@pytest.mark.parametrize("names", [("c3",), ("c3", "c3c3"), ("c3", "d4", "c3")])
def test_a_run_is_not_compared_with_itself(say, database, names):
    assert say("runs", "compare", *names) == 10


def test_without_a_word_runs_are_listed_as_ever(say, database, capsys):
    capsys.readouterr()
    for words in (("runs",), ("runs", "--json")):
        assert say(*words) == 0
        assert "c3c3c3c3" in capsys.readouterr().out
    shown = set()
    for words in (("runs", "c3"), ("runs", "list", "c3")):
        assert say(*words) == 0
        shown.add(capsys.readouterr().out)
    assert len(shown) == 1
