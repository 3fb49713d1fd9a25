"""Whole simulations with the laptop's and the server's own code; Ray alone is left out here."""

from dataclasses import replace

import pytest

from deskbound_server.simulation import Simulation
from deskbound_simulation import simulate
from deskbound_simulation.seeds import NOTICE
from deskbound_strategies.errors import ConfigError, NotFoundError
from tests.helpers.server import new_plan
from tests.helpers.simulation import Heard, a_simulation, run_inline


@pytest.fixture(scope="module")
def found(days, tmp_path_factory):
    asked = a_simulation(dropout=0.3)
    return run_inline(asked, days, tmp_path_factory.mktemp("one"), workers=1)


def test_the_same_seed_gives_the_same_models_however_many_work(found, days, tmp_path):
    again = run_inline(a_simulation(dropout=0.3), days, tmp_path / "three", workers=3)
    assert again["rounds"] == found["rounds"], "hashes of all models, bytes, refusals, figures"
    assert again["model"] == found["model"] != ""
    assert again["epsilon"] == found["epsilon"]


def test_another_seed_gives_other_noise(found, days, tmp_path):
    other = run_inline(a_simulation(dropout=0.3, seed=6), days, tmp_path / "other")
    assert other["model"] != found["model"]


def test_results_say_what_they_are_and_what_it_took(found):
    assert found["notice"] == NOTICE
    assert found["ended"] == "finished"
    assert found["asked"]["data"] == "generated"
    assert found["versions"]["flwr"].startswith("1.41.")
    assert [row["state"] for row in found["rounds"]] == ["released"] * 2
    for row in found["rounds"]:
        assert row["cohort"] == row["admitted"] + row["lost"]
        assert row["bytes_up"] > row["admitted"] * 100_000
    assert found["utility"]["positions"] > 1_000
    assert set(found["utility"]["baselines"]) >= {"repeat last", "Markov 2"}
    assert 0 < found["epsilon"]["median"] <= found["epsilon"]["largest"] <= 10.0


def test_answers_that_are_lost_were_paid_for(found):
    assert sum(row["lost"] for row in found["rounds"]) > 0
    assert found["epsilon"]["days_charged"] == 4
    assert found["speed"]["worked"] == 8


def test_a_floor_that_forbids_the_plan_answers_with_its_code(days, tmp_path):
    asked = a_simulation({"noise_multiplier": 1.0, "minimum_cohort": 2}, profile="strict")
    refused = run_inline(asked, days, tmp_path / "strict")
    assert refused["ended"] == "too-few-replies"
    codes = {code for row in refused["rounds"] for code in row["refused"]}
    assert codes == {"sigma-too-low"}
    assert refused["epsilon"]["days_charged"] == 0
    assert refused["model"] == ""


def test_a_spent_day_makes_a_laptop_silent(days, tmp_path):
    costly = {"rounds": 4, "noise_multiplier": 0.8, "sampling_rate": 0.5, "steps": 2}
    spent = run_inline(a_simulation(costly), days, tmp_path / "spent")
    assert spent["ended"] == "too-few-replies"
    last = spent["rounds"][-1]
    assert last["silent"] == {"no-budget": 4}
    assert last["admitted"] == 0
    assert spent["epsilon"]["largest"] <= spent["epsilon"]["cap_of_a_day"]


def test_a_fleet_that_is_not_there_is_not_asked(days, tmp_path):
    empty = run_inline(a_simulation(availability=0.0), days, tmp_path / "empty")
    assert empty["ended"] == "too-few-laptops"
    assert empty["rounds"] == []


COUNTS = {"task": "action_counts", "rounds": 1, "steps": 1, "sampling_rate": 1.0,
          "noise_multiplier": 1.0, "local_learning_rate": 1.0}  # fmt: skip


def test_counts_that_come_first_teach_the_network_and_are_charged(found, days, tmp_path):
    counts = a_simulation(COUNTS).plan
    taught = run_inline(a_simulation(counts=counts), days, tmp_path / "taught")
    assert taught["ended"] == "finished"
    rows = taught["rounds"]
    assert [row["task"] for row in rows] == ["action_counts", "next_action", "next_action"]
    assert [row["round"] for row in rows] == [1, 1, 2]
    assert rows[0]["hit1"] > 0.15 > found["rounds"][0]["hit1"]
    assert rows[1]["hit1"] > rows[0]["hit1"] - 0.03, "the network begins where counts are"
    assert taught["epsilon"]["largest"] > found["epsilon"]["largest"]
    assert taught["epsilon"]["run_prv"] > found["epsilon"]["run_prv"]
    assert taught["asked"]["counts"]["task"] == "action_counts"
    again = run_inline(a_simulation(counts=counts), days, tmp_path / "again", workers=3)
    assert again["model"] == taught["model"] != ""


def test_laptops_are_weighed_by_what_they_tell_in_counts_and_told_before(days, tmp_path):
    """An uneven fleet would gain by it; here the whole way is walked, and the same bits come."""
    weighed = {"weighing": "told"}
    counts = a_simulation(COUNTS | weighed).plan
    found = run_inline(a_simulation(weighed, counts=counts), days, tmp_path / "told")
    alike = run_inline(a_simulation(counts=replace(counts, weighing="alike")), days, tmp_path / "a")
    assert found["ended"] == alike["ended"] == "finished"
    assert [row["model"] for row in found["rounds"]] != [row["model"] for row in alike["rounds"]]
    assert found["rounds"][0]["model"] != alike["rounds"][0]["model"], "counts are weighed as well"
    assert found["epsilon"] == alike["epsilon"], "and it costs nothing"
    again = run_inline(a_simulation(weighed, counts=counts), days, tmp_path / "again", workers=3)
    assert again["rounds"] == found["rounds"]


def test_without_counts_nobody_is_asked_to_go_on_from_them(days, tmp_path):
    counts = a_simulation(COUNTS | {"minimum_cohort": 2}).plan
    refused = run_inline(a_simulation(counts=counts, profile="strict"), days, tmp_path / "no")
    assert refused["ended"] == "too-few-replies"
    assert {row["task"] for row in refused["rounds"]} == {"action_counts"}
    assert refused["model"] == ""


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"laptops": 1}, "needs 2 laptops"),
        ({"plan": {"task": "juggling"}}, "'juggling' is not installed"),
        ({"plan": {"task": "next_action_hits"}}, "about one"),
        ({"plan": {"start_from": "latest"}}, "about one"),
        ({"plan": {"start_from": "counts"}}, "about one"),
        ({"counts": new_plan(cohort=90, minimum_cohort=90)}, "needs 90 laptops"),
        ({"counts": new_plan()}, "next_action cannot begin with one of next_action"),
        ({"set_name": "no_set"}, "no set no_set"),
    ],
)
def test_what_cannot_be_simulated_is_said_before_anything_starts(monkeypatch, changes, words):
    monkeypatch.setattr(simulate, "check_installed", lambda: None)
    monkeypatch.setattr(simulate, "ray_engine", None)
    asked: Simulation = a_simulation(changes.pop("plan", None), **changes)
    with pytest.raises(ConfigError, match=words):
        simulate.simulate(asked, Heard())


def test_a_set_has_only_so_many_people(tmp_path):
    (tmp_path / "commands.csv").write_text("user,t,name\n1,2020-01-01T00:00:00,ls\n")
    asked = a_simulation(set_name="cyber_shell", set_folder=tmp_path, laptops=2)
    with pytest.raises(NotFoundError, match="person"):
        simulate.source_of(asked)
    assert simulate.source_of(a_simulation(
        set_name="cyber_shell", set_folder=tmp_path, laptops=1)).label == "cyber_shell"  # fmt: skip
