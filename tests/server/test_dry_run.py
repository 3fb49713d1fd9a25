import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import deskbound_server
from deskbound_server.cli import app
from deskbound_server.database import Database
from deskbound_server.dry_run import MOST_ROUNDS, broken_terms, examine
from deskbound_server.home import ServerHome
from deskbound_server.model_store import ModelStore
from deskbound_server.plan import sample_contract
from deskbound_server.plan_file import load_plan
from deskbound_strategies.accounting import RdpCurve, admits, round_cost
from deskbound_strategies.action_counts import TASK as COUNTS
from deskbound_strategies.errors import Refusal, RefusalCode
from deskbound_strategies.policy import PROFILES, cap_of, check_contract
from deskbound_strategies.shell import exit_code_of
from deskbound_strategies.task import find_task, weights_of
from tests.helpers.learning import counts_of, some_units
from tests.helpers.released import write_counts, write_history
from tests.helpers.server import new_plan, write_plan

PLANS = Path(deskbound_server.__file__).parent / "plans"
TASK = find_task("next_action")
STRICT = new_plan(
    profile="strict", cohort=12, minimum_cohort=10, noise_multiplier=2.0, sampling_rate=0.1,
    steps=10,
)  # fmt: skip
# Breaks a bound of every profile; so much noise is missing that nothing is admitted either.
HOPELESS = new_plan(
    sampling_rate=0.6, noise_multiplier=0.2, clip=5.0, steps=600, unit_seconds=30, unit_actions=8,
    deadline_seconds=200_000,
)  # fmt: skip


def verdict(plan, profile):
    return next(one for one in examine(plan, TASK).verdicts if one.profile == profile)


def test_a_plan_for_the_strict_is_taken_by_all():
    found = examine(STRICT, TASK)
    assert [one.broken for one in found.verdicts] == [(), (), ()]
    assert not found.refused_by_all


@pytest.mark.parametrize("name", ["counts", "evaluate"])
def test_the_plans_that_count_are_taken_by_all(name):
    found = examine(load_plan(PLANS / f"{name}.toml"), COUNTS)
    assert [one.broken for one in found.verdicts] == [(), (), ()]


def test_every_broken_term_is_named_with_both_numbers_and_not_only_the_first():
    found = verdict(HOPELESS, "balanced")
    assert {one.code for one in found.broken} == {
        "deadline-too-far", "unit-not-allowed", "sigma-too-low", "clip-too-high",
        "sampling-too-high", "steps-too-many", "cohort-too-small", "epsilon-too-high",
    }  # fmt: skip
    words = {one.code: one.words for one in found.broken}
    assert words["sigma-too-low"] == "sigma 0.2, at least 1"
    assert words["clip-too-high"] == "clip 5, at most 1"
    assert examine(HOPELESS, TASK).refused_by_all


@given(
    st.floats(0.1, 5.0), st.floats(0.01, 1.0), st.integers(1, 600), st.floats(0.1, 8.0),
    st.integers(2, 20), st.sampled_from(sorted(PROFILES)),
)  # fmt: skip
def test_a_profile_takes_part_exactly_when_its_floor_does(sigma, rate, steps, clip, least, name):
    plan = new_plan(
        noise_multiplier=sigma, sampling_rate=rate, steps=steps, clip=clip, minimum_cohort=least,
        cohort=20,
    )  # fmt: skip
    contract = replace(sample_contract(plan), vocabulary_hash=TASK.vocabulary_hash)
    found = broken_terms(plan, PROFILES[name], contract, 4)
    codes = []
    try:
        check_contract(
            contract, PROFILES[name], now=1, model_bytes=4,
            vocabulary_hash=TASK.vocabulary_hash, client_version="0.1.0",
        )  # fmt: skip
    except Refusal as refusal:
        codes = [refusal.code.value]
    assert [one.code for one in found[:1]] == codes


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_a_day_is_spent_after_the_last_round_that_the_filter_admits(profile):
    plan = STRICT
    rounds = verdict(plan, profile).rounds
    assert 0 < rounds < MOST_ROUNDS
    cost, spent = round_cost(sample_contract(plan)), RdpCurve()
    for done in range(1, rounds + 2):
        admitted = admits(spent, cost, cap_of(PROFILES[profile]), steps=done * plan.steps)
        assert admitted is (done <= rounds)
        spent += cost


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_a_round_is_charged_more_than_a_day_may_give_only_where_it_is_refused(profile):
    samples = replace(STRICT, sampling_rate=0.2, noise_multiplier=3.0, steps=25)
    counts = load_plan(PLANS / "counts.toml")
    for plan in (STRICT, samples, counts):
        found = verdict(plan, profile)
        dear = any(one.code == RefusalCode.EPSILON_TOO_HIGH for one in found.broken)
        assert (found.epsilon_charged > PROFILES[profile].epsilon_day) is dear


def test_the_run_costs_more_than_a_round_and_less_than_all_rounds_added_up():
    one, eight = (verdict(replace(STRICT, rounds=rounds), "strict") for rounds in (1, 8))
    assert one.epsilon_run < eight.epsilon_run < 8 * one.epsilon_run
    assert one.epsilon_run <= one.epsilon_charged == eight.epsilon_charged


def test_rounds_a_day_stretch_a_run_unless_there_are_laptops_to_take_turns():
    found = examine(replace(STRICT, rounds=6), TASK)
    assert found.own.rounds_per_day == 2
    assert found.least_days(None) == found.least_days(10) == 3
    assert found.least_days(15) == 2
    assert found.least_days(30) == 1


def test_what_goes_down_and_up_is_the_model_and_what_is_signed():
    traffic = examine(STRICT, TASK).traffic
    more = examine(STRICT, TASK, releases=("ab" * 32,)).traffic
    assert traffic.down < more.down
    assert traffic.up == more.up > 100_000


@pytest.fixture
def home(tmp_path):
    return ServerHome(tmp_path / "home")


@pytest.fixture
def say(home, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    return lambda *words: exit_code_of(app, ["--home", str(home.root), *words])


def told(capsys):
    return json.loads(capsys.readouterr().out)


def test_it_can_be_looked_at_before_there_is_a_server(say, home, tmp_path, capsys):
    plan = str(write_plan(tmp_path / "plan.toml", STRICT))
    assert say("run", plan, "--dry-run") == 0
    assert "no laptop is enrolled" in capsys.readouterr().out
    assert not home.root.exists()


def test_nothing_is_recorded_and_who_is_enrolled_is_counted(say, home, tmp_path, capsys):
    say("init", "--port", "9")
    database = Database.open(home.database)
    for node in (5, 6):
        database.add_laptop(node, f"{node}" * 64, f"desk-{node}", f"{node}" * 64)
    database.revoke_laptop(6)
    database.name_release("cd" * 32, [])
    capsys.readouterr()
    plan = str(write_plan(tmp_path / "plan.toml", STRICT))
    assert say("run", plan, "--dry-run", "--json") == 0
    found = told(capsys)
    assert found["laptops"] == {"enrolled": 1, "online": None}
    assert found["releases"] == ["cd" * 32]
    assert found["bytes"]["fleet_run"]["up"] == 12 * 2 * found["bytes"]["laptop_round"]["up"]
    assert say("run", plan, "--dry-run") == 0
    shown = capsys.readouterr().out
    assert "1 laptops are enrolled; the server is not up" in shown
    assert "desk-" not in shown
    assert database.runs() == [] == database.leaves()
    database.close()


def test_it_shows_where_the_run_would_begin(say, home, tmp_path, capsys):
    def shown(name):
        plan = write_plan(tmp_path / "plan.toml", replace(STRICT, start_from=name, seed=4))
        assert say("run", str(plan), "--dry-run") == 0
        (line,) = [one for one in capsys.readouterr().out.splitlines() if "begins with" in one]
        return line.removeprefix("begins with").strip()

    assert shown("") == "fresh weights"
    assert shown("counts") == "the model named counts", "there is no server here to know it"
    say("init", "--port", "9")
    plan = str(write_plan(tmp_path / "plan.toml", replace(STRICT, start_from="counts")))
    assert say("run", plan, "--dry-run") == 17, "as the run itself would say"
    with closing(Database.open(home.database)) as database:
        models = ModelStore(home.models)
        made = write_history(database, models)
        counts = write_counts(database, models, weights_of(COUNTS.build_model(0)))
    capsys.readouterr()
    assert shown("latest") == f"model {made[-1][:12]} of next_action"
    assert shown("counts") == f"a network taught by private counts {counts[:12]}"
    assert say("run", plan, "--dry-run", "--json") == 0
    found = told(capsys)
    assert found["start"] == {"model": counts, "task": "action_counts"}
    assert found["plan"]["start_from"] == counts


def test_it_shows_how_laptops_count(say, home, tmp_path, capsys):
    def shown(**changes):
        plan = write_plan(tmp_path / "plan.toml", replace(STRICT, **changes))
        assert say("run", str(plan), "--dry-run") == 0
        (line,) = [one for one in capsys.readouterr().out.splitlines() if "laptops count" in one]
        return line.removeprefix("laptops count").strip()

    assert shown() == "alike"
    assert "once there are any" in shown(weighing="told"), "there is no server here to know it"
    say("init", "--port", "9")
    plan = str(write_plan(tmp_path / "plan.toml", replace(STRICT, weighing="told")))
    assert say("run", plan, "--dry-run") == 17, "as the run itself would say"
    with closing(Database.open(home.database)) as database:
        cells = counts_of(some_units([9, 30], seed=4))
        write_counts(database, ModelStore(home.models), weights_of(cells))
    capsys.readouterr()
    assert say("run", plan, "--dry-run", "--json") == 0
    mean = told(capsys)["plan"]["told_mean"]
    assert mean > 0
    assert f"({mean:.3g} clips on average)" in shown(weighing="told")


def test_that_every_profile_refuses_is_said_first_and_is_no_failure(say, tmp_path, capsys):
    plan = str(write_plan(tmp_path / "plan.toml", HOPELESS))
    assert say("run", plan, "--dry-run") == 0
    first, *_ = capsys.readouterr().out.splitlines()
    assert first == "No laptop would take part: every profile refuses this plan."
    assert say("run", plan, "--dry-run", "--json") == 0
    assert told(capsys)["refused_by_all"] is True


def test_a_plan_that_only_its_own_profile_refuses_says_that(say, tmp_path, capsys):
    plan = str(write_plan(tmp_path / "plan.toml", new_plan(profile="strict")))
    assert say("run", plan, "--dry-run") == 0
    assert "Laptops of its own profile, strict, refuse it." in capsys.readouterr().out


@pytest.mark.parametrize("plan", [STRICT, HOPELESS], ids=["taken", "refused"])
def test_the_tables_fit_a_terminal(say, tmp_path, capsys, plan):
    assert say("run", str(write_plan(tmp_path / "plan.toml", plan)), "--dry-run") == 0
    lines = capsys.readouterr().out.splitlines()
    begin = ("floor", *PROFILES, "privacy", "unit", "cohort")
    rows = [line for line in lines if line.startswith(begin) and " refuses (" not in line]
    assert len(rows) == 7
    assert max(map(len, rows)) <= 80


def test_a_dry_run_wants_a_plan_whose_task_is_installed(say, tmp_path, capsys):
    assert say("run", "--dry-run") == 10
    unknown = str(write_plan(tmp_path / "plan.toml", new_plan(task="no_such_task")))
    capsys.readouterr()
    assert say("run", unknown, "--dry-run") == 10
    assert "no_such_task" in capsys.readouterr().err
