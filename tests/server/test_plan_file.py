from importlib import resources

import pytest

from deskbound_server.plan_file import load_plan, plan_from
from deskbound_strategies.errors import ConfigError
from tests.helpers.server import new_plan, write_plan

GOOD = {name: getattr(new_plan(), name) for name in type(new_plan()).__slots__}


@pytest.mark.parametrize(("name", "profile"), [("demo", "research"), ("counts", "balanced")])
def test_a_plan_that_is_shipped_reads_and_keeps_to_its_profile(name, profile):
    plans = resources.files("deskbound_server") / "plans"
    with resources.as_file(plans / f"{name}.toml") as path:
        plan = load_plan(path)
    assert plan.profile == profile
    assert plan.minimum_cohort >= 2
    assert plan.affordable_rounds() >= min(plan.rounds, 1)


def test_a_plan_written_is_the_plan_read(tmp_path):
    plan = new_plan(local_optimizer="adam", seed=3)
    assert load_plan(write_plan(tmp_path / "plan.toml", plan)) == plan


def test_an_unknown_setting_names_the_nearest_one():
    with pytest.raises(ConfigError) as error:
        plan_from(GOOD | {"noise_multiplyer": 1.0})
    assert "noise_multiplyer" in error.value.sentence
    assert "noise_multiplier" in error.value.mend


@pytest.mark.parametrize("name", ["task", "rounds", "clip", "local_learning_rate"])
def test_a_missing_setting_is_named(name):
    with pytest.raises(ConfigError, match=f"{name} is not given"):
        plan_from({key: value for key, value in GOOD.items() if key != name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rounds", 0),
        ("rounds", 2.0),
        ("rounds", True),
        ("clip", "1"),
        ("clip", float("nan")),
        ("clip", float("inf")),
        ("sampling_rate", 0.0),
        ("sampling_rate", 1.5),
        ("minimum_cohort", 1),
        ("minimum_cohort", 3),
        ("enough", 1),
        ("unit", "hour"),
        ("profile", "reckless"),
        ("server_optimizer", "sgd"),
        ("local_optimizer", ["sgd"]),
        ("aggregation", "plain"),
        ("aggregation", ["mean"]),
        ("held_out", "laptops"),
        ("held_out", "file"),
        ("held_out_file", "public.jsonl"),
        ("held_out_hash", "a" * 65),
        ("held_out_margin", -0.1),
        ("held_back_in_a_row", 0),
        ("trim", 0.0),
        ("trim", 0.5),
        ("server_momentum", 1.0),
        ("task", ""),
        ("task", 5),
        ("client_version_min", "one"),
        ("noise_multiplier", 0.2),
        ("sampling_rate", 0.6),
        ("clip", 5.0),
    ],
)
def test_a_value_out_of_range_is_named(name, value):
    with pytest.raises(ConfigError):
        plan_from(GOOD | {name: value})


def test_a_choice_that_there_is_not_names_the_nearest_one():
    with pytest.raises(ConfigError) as error:
        plan_from(GOOD | {"aggregation": "trimed_mean"})
    assert "aggregation" in error.value.sentence
    assert "'trimmed-mean'?" in error.value.mend


def test_laptops_are_weighed_only_where_that_is_possible():
    assert plan_from(GOOD | {"weighing": "told"}).weighing == "told"
    counting = GOOD | {"task": "action_counts", "sampling_rate": 1.0, "steps": 1}
    assert plan_from(counting).combining == "plain"
    assert plan_from(counting | {"weighing": "told"}).combining == "told"
    for terms, words in (
        (GOOD | {"task": "next_action_hits", "weighing": "told"}, "weighs all laptops alike"),
        (counting | {"weighing": "told", "steps": 2}, "where every unit is counted once"),
        (counting | {"weighing": "told", "aggregation": "median"}, "where replies are averaged"),
        (GOOD | {"weighing": "told", "aggregation": "median"}, "where replies are averaged"),
        (GOOD | {"weighing": "told", "told_mean": 3.0}, "no setting"),
        (GOOD | {"told_mean": 3.0}, "no setting"),
        (GOOD | {"weighing": "heavy"}, "not acceptable"),
    ):
        with pytest.raises(ConfigError, match=words):
            plan_from(terms)


def test_a_trim_is_a_whole_percentage_and_leaves_somebody_out():
    fleet = GOOD | {"aggregation": "trimmed-mean", "cohort": 10, "minimum_cohort": 10}
    assert plan_from(fleet | {"trim": 0.1}).combining == "trimmed-mean-10"
    with pytest.raises(ConfigError, match="leaves out nobody of 10 replies"):
        plan_from(fleet | {"trim": 0.09})
    with pytest.raises(ConfigError, match="no whole percentage"):
        plan_from(fleet | {"trim": 0.125})
    assert plan_from(GOOD | {"trim": 0.01}).combining == "plain", "a mean has no use for it"


def test_whole_numbers_do_for_fractions():
    assert plan_from(GOOD | {"clip": 1}).clip == 1.0


def test_a_plan_its_own_profile_would_refuse_names_the_code():
    with pytest.raises(ConfigError, match="sigma-too-low"):
        plan_from(GOOD | {"profile": "balanced", "noise_multiplier": 0.9})


def test_no_file_and_no_toml(tmp_path):
    with pytest.raises(ConfigError, match="no plan"):
        load_plan(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("rounds = = 3")
    with pytest.raises(ConfigError, match="TOML"):
        load_plan(tmp_path / "bad.toml")
