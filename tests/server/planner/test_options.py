import math
import tomllib
from dataclasses import replace

import numpy as np
import pytest

from deskbound_server.dry_run import examine
from deskbound_server.plan_file import load_plan, plan_from
from deskbound_server.planner.options import MOST_TOGETHER, option, plan_for, signal_of
from deskbound_server.planner.plan_toml import as_toml
from deskbound_server.planner.question import question
from deskbound_strategies.accounting import SampledGaussian
from deskbound_strategies.composition import composed
from deskbound_strategies.policy import PROFILES
from deskbound_strategies.task import find_task

COUNTS, NETWORK = find_task("action_counts"), find_task("next_action")
CASES = [
    ({"laptops": 120}, 4.0),
    ({"laptops": 120, "profile": "strict"}, 1.0),
    ({"laptops": 40, "unit": "day", "steps": 30}, 2.0),
    ({"laptops": 300, "task": "next_action"}, 3.0),
    ({"laptops": 4, "participation": 1.0, "profile": "research", "steps": 10}, 8.0),
]


@pytest.mark.parametrize(("terms", "epsilon"), CASES)
def test_a_written_plan_is_accepted_and_its_dry_run_shows_the_same(terms, epsilon, tmp_path):
    """The whole round trip: figures, file, the file's own check, dry run."""
    asked = question(**terms)
    task = find_task(asked.task)
    found = option(asked, epsilon, task)
    assert found.refused == ()
    path = tmp_path / "plan.toml"
    path.write_text(as_toml(found.plan, ["What for."]), encoding="utf-8")
    plan = load_plan(path)
    assert plan == found.plan
    own = examine(plan, task).own
    assert own.broken == ()
    assert own.epsilon_run == found.epsilon_run <= found.charged <= epsilon
    assert own.epsilon_charged <= found.charged
    if asked.rounds == 1:
        assert own.epsilon_charged == pytest.approx(found.charged, rel=1e-9)
    assert own.rounds == found.affordable[asked.profile] >= asked.rounds
    assert found.charged == pytest.approx(epsilon, rel=0.01)


def test_a_plans_file_says_all_that_is_not_as_usual():
    found = option(question(laptops=300, task="next_action"), 2.0, NETWORK)
    plan = replace(
        found.plan, aggregation="trimmed-mean", trim=0.1, held_out="file", held_out_file="x.csv",
        seed=7, client_version_min="0.1.5", witness_seconds=5, enough=250,
    )  # fmt: skip
    text = as_toml(plan)
    assert plan_from(tomllib.loads(text)) == plan
    assert all(len(line) <= 100 for line in text.splitlines())


def test_only_a_networks_plan_asks_where_to_begin():
    for task, facts, asked in (("next_action", NETWORK, True), ("action_counts", COUNTS, False)):
        text = as_toml(option(question(laptops=300, task=task), 2.0, facts).plan)
        assert ("start_from" in text) is asked


def test_a_floor_that_asks_for_more_noise_gets_it_and_less_is_charged():
    asked = question(laptops=120, profile="strict", rate=0.1, steps=1)
    found = option(asked, 2.0, COUNTS)
    assert found.plan.noise_multiplier == PROFILES["strict"].sigma_min
    assert found.charged < 2.0


def test_what_laptops_would_refuse_is_told_with_both_numbers():
    (words,) = option(question(laptops=120, rate=0.3, steps=10), 2.0, COUNTS).refused
    assert words == "q 0.3, at most 0.2, or 1 in a single step"
    (words,) = option(question(laptops=120, task="next_action", rate=0.3), 2.0, NETWORK).refused
    assert words == "q 0.3, at most 0.2"
    (words,) = option(question(laptops=120), 8.0, COUNTS).refused
    assert words == "one round costs more than epsilon 4"
    asked = question(laptops=120, rounds=9, steps=20)
    (words,) = option(asked, 8.0, COUNTS).refused
    assert words.startswith("a day of data is spent after ")


def test_several_units_of_a_person_are_bounded_by_the_group_and_large_groups_from_below():
    asked = question(laptops=120, units_per_day=40.0)
    few, day = option(asked, 1.0, COUNTS).groups
    sigma = option(asked, 1.0, COUNTS).plan.noise_multiplier
    event = SampledGaussian(asked.rate, sigma, asked.steps)
    assert few.epsilon == composed([(event, few.units)], 1e-6)
    assert day.units == 40 > MOST_TOGETHER
    assert day.at_least
    assert 1.0 < few.epsilon < day.epsilon


def test_signal_grows_with_units_and_with_the_root_of_laptops():
    asked = question(laptops=100)
    assert signal_of(replace(asked, laptops=400), 2.0) == pytest.approx(2 * signal_of(asked, 2.0))
    assert signal_of(replace(asked, days=10), 2.0) == pytest.approx(2 * signal_of(asked, 2.0))
    assert signal_of(asked, 4.0) == pytest.approx(signal_of(asked, 2.0) / 2)
    assert math.isclose(signal_of(asked, 2.0), 75 * math.sqrt(70) / 2)


@pytest.mark.parametrize("laptops", [3, 30, 300])
def test_noise_carries_no_network_away(laptops):
    """The random walk of all rounds, counted anew here, stays below three fifths of a weight."""
    asked = question(laptops=laptops, profile="research", task="next_action")
    plan = plan_for(asked, 2.0)
    left = np.arange(plan.steps, 0, -1)
    step = plan.local_learning_rate * plan.noise_multiplier * plan.clip / plan.divisor
    of_a_round = step * np.sqrt(((2 - 0.5 ** (left - 1)) ** 2).sum() / plan.minimum_cohort)
    walked = of_a_round * np.sqrt(plan.rounds) / (1 - plan.server_momentum)
    assert walked < 0.31
    assert plan.local_learning_rate <= 0.45
