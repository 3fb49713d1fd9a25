"""Where a run begins: at the seed's weights, at a released model, or at what counts teach it."""

import math
from contextlib import closing
from dataclasses import replace
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path

import numpy as np
import pytest

import deskbound_server
from deskbound_server.database import Database
from deskbound_server.lineage import COUNTS_TASK, Start, contract_of, start_of
from deskbound_server.model_store import ModelStore
from deskbound_server.plan import TRIALS, sample_contract
from deskbound_server.plan_file import load_plan
from deskbound_server.starting import first_weights, named_start, settled_start
from deskbound_strategies import taught
from deskbound_strategies.action_counts import TASK as COUNTS
from deskbound_strategies.codec import decode, encode
from deskbound_strategies.errors import ConfigError, NotFoundError
from deskbound_strategies.next_action import TASK
from deskbound_strategies.next_action_hits import TASK as HITS
from deskbound_strategies.task import ENTRY_POINTS, find_task, weights_of
from deskbound_strategies.taught import seed_of, taught_by_counts
from deskbound_strategies.vocabulary import TOKENS
from deskbound_strategies.weighing import Told, unscaled, weight
from tests.helpers.learning import counts_of, some_units
from tests.helpers.released import COUNTED, write_counts, write_history
from tests.helpers.server import new_plan, write_plan

PLANS = Path(deskbound_server.__file__).parent / "plans"
EVALUATION = new_plan(task=HITS.name, start_from="latest", local_learning_rate=1e-4)


@pytest.fixture
def history(tmp_path):
    with closing(Database.open(tmp_path / "deskbound.db")) as database:
        store = ModelStore(tmp_path)
        yield database, store, write_history(database, store)


def same(found, wanted):
    return found.keys() == wanted.keys() and all(
        np.array_equal(found[name], wanted[name]) for name in wanted
    )


def test_without_a_name_the_seed_decides(history):
    database, store, _ = history
    plan = named_start(new_plan(seed=5), database)
    assert plan == new_plan(seed=5)
    assert same(first_weights(plan, store, database), weights_of(TASK.build_model(5)))
    assert start_of(database, plan) == Start()


@pytest.mark.parametrize("begin", [8, 64])
def test_a_run_goes_on_from_the_model_that_it_names(history, begin):
    database, store, models = history
    plan = named_start(new_plan(start_from=models[0][:begin]), database)
    assert plan.start_from == models[0]
    found = first_weights(plan, store, database)
    assert same(found, decode(store.load(models[0]), TASK.layout()))
    assert start_of(database, plan) == Start(models[0], TASK.name)


def test_a_private_evaluation_tries_the_latest_model_of_its_task_not_of_another_evaluation(history):
    database, store, models = history
    plan = named_start(EVALUATION, database)
    assert plan.start_from == models[-1]
    found = first_weights(plan, store, database)
    assert not found.pop("cells").any()
    network = {name.removeprefix("network."): value for name, value in found.items()}
    assert same(network, decode(store.load(models[-1]), TASK.layout()))


@pytest.fixture
def counted(history):
    """Private counts, released before the networks."""
    database, store, _ = history
    cells = counts_of(some_units([9, 30], seed=4))
    return write_counts(database, store, weights_of(cells)), cells


def test_a_network_begins_with_the_counts_that_are_named_and_anybody_can_do_it_again(
    history, counted, monkeypatch
):
    quick = partial(taught_by_counts, steps=3)
    monkeypatch.setattr(taught, "taught_by_counts", quick)
    database, store, models = history
    name, cells = counted
    for named in ("counts", name[:10], name):
        assert named_start(new_plan(start_from=named), database).start_from == name
    assert named_start(new_plan(start_from="latest"), database).start_from == models[-1]
    plan = named_start(new_plan(start_from="counts", seed=8), database)
    assert start_of(database, plan) == Start(name, COUNTS.name)
    begun = first_weights(plan, store, database)
    assert same(begun, quick(cells.read(), seed_of(name)))
    assert encode(begun, TASK.layout())
    assert COUNTS.name == COUNTS_TASK


def test_laptops_are_weighed_by_what_the_latest_counts_say(history, counted):
    database, store, _ = history
    name, cells = counted
    for start in ("", "counts"):
        alike = settled_start(new_plan(start_from=start), database, store)
        assert alike == named_start(new_plan(start_from=start), database)
        assert alike.told_mean == 0.0
        plan = settled_start(new_plan(start_from=start, weighing="told"), database, store)
        asked = contract_of(next(row for row in database.rounds(COUNTED)))
        moved = float(cells.singles.weight.detach().double().sum())
        assert plan.told_mean == pytest.approx(
            moved * asked.divisor / asked.learning_rate / asked.clip
        )
        assert plan.start_from == (name if start else "")
        assert sample_contract(plan).told_mean == plan.told_mean > 0


def test_weighed_counts_say_it_too_and_counting_itself_needs_no_counts_before(history):
    database, store, _ = history
    counting = new_plan(task=COUNTS.name, sampling_rate=1.0, steps=1, weighing="told")
    assert settled_start(counting, database, store) == counting
    write_counts(
        database, store, weights_of(counts_of(some_units([9, 30], seed=4))), weighing="told"
    )
    assert settled_start(new_plan(weighing="told"), database, store).told_mean > 0


def test_where_an_average_laptop_drowns_in_noise_the_noise_is_the_average(history):
    """So who told no more than noise weighs as an average one, and nobody as much as two."""
    database, store, _ = history
    write_counts(database, store, weights_of(COUNTS.build_model(0)), noise_multiplier=100.0)
    noise = 100.0 * math.sqrt(len(TOKENS))
    plan = settled_start(new_plan(weighing="told"), database, store)
    assert plan.told_mean == pytest.approx(noise)
    drowned = weight(Told(-5.0, noise), plan.told_mean)
    assert unscaled(plan.told_mean) * drowned == pytest.approx(1.0)


def test_without_counts_nobody_can_be_weighed(history):
    database, store, _ = history
    with pytest.raises(NotFoundError, match="none were released"):
        settled_start(new_plan(weighing="told"), database, store)


@pytest.mark.parametrize(
    "terms",
    [
        {"server_optimizer": "fedadam"},
        {"server_learning_rate": 0.5},
        {"aggregation": "median"},
        {"sampling_rate": 0.2},
        {"steps": 25},
        {"local_optimizer": "adam"},
        {"start_from": "d" * 64},  # the counts of two rounds together
    ],
)
def test_counts_that_are_no_average_say_nothing_of_a_laptop(history, terms):
    database, store, _ = history
    cells = weights_of(counts_of(some_units([9], seed=4)))
    write_counts(database, store, cells, **terms)
    with pytest.raises(ConfigError, match="no average of one round"):
        settled_start(new_plan(weighing="told"), database, store)


def test_only_a_network_begins_with_counts_and_only_with_counts_that_are_there(history, counted):
    database, _, models = history
    name, _ = counted
    again = named_start(new_plan(task=COUNTS.name, start_from="latest"), database)
    assert again.start_from == name, "counts may go on from counts"
    for plan in (
        new_plan(task=COUNTS.name, start_from=models[0]),
        new_plan(task=COUNTS.name, start_from="counts"),
        replace(EVALUATION, start_from=name),
        replace(EVALUATION, start_from="counts"),
    ):
        with pytest.raises(NotFoundError):
            named_start(plan, database)


def test_where_nothing_was_counted_it_is_said(history):
    database, _, _ = history
    with pytest.raises(NotFoundError, match="No model of task action_counts"):
        named_start(new_plan(start_from="counts"), database)


def test_an_evaluation_of_nothing_is_refused_and_so_is_what_nobody_released(history):
    database, _, _ = history
    with pytest.raises(ConfigError, match="names none"):
        named_start(replace(EVALUATION, start_from=""), database)
    with pytest.raises(NotFoundError, match="no model"):
        named_start(new_plan(start_from="0123456789"), database)


def test_it_is_a_setting_of_a_plan(tmp_path):
    path = write_plan(tmp_path / "plan.toml", EVALUATION)
    assert load_plan(path).start_from == "latest"


@pytest.mark.parametrize("rate", [0.1, 1e-9])
def test_a_trial_whose_noise_would_move_the_network_or_be_lost_is_refused(tmp_path, rate):
    path = write_plan(tmp_path / "plan.toml", replace(EVALUATION, local_learning_rate=rate))
    with pytest.raises(ConfigError, match="local_learning_rate"):
        load_plan(path)


def test_the_plan_that_comes_along_is_acceptable():
    assert load_plan(PLANS / "evaluate.toml").task == HITS.name


def test_what_is_known_as_a_trial_is_what_asks_for_held_out_days():
    """Two lists say so, for plans are read without loading torch."""
    installed = [find_task(found.name) for found in entry_points(group=ENTRY_POINTS)]
    assert {task.name for task in installed if task.held_out} == TRIALS
