from contextlib import closing
from dataclasses import replace

import pytest

from deskbound_server.database import Database
from deskbound_server.lineage import Start, find_released, lineage_of, released, start_of
from deskbound_server.model_store import ModelStore
from deskbound_strategies.accounting import RdpCurve, guaranteed, round_cost
from deskbound_strategies.action_counts import TASK as COUNTS
from deskbound_strategies.errors import NotFoundError
from deskbound_strategies.policy import PROFILES
from deskbound_strategies.task import weights_of
from tests.helpers.released import RUN, write_counts, write_history
from tests.helpers.server import new_plan

PLAN = new_plan(aggregation="median", server_optimizer="fedadam")


@pytest.fixture
def history(tmp_path):
    with closing(Database.open(tmp_path / "deskbound.db")) as database:
        yield database, write_history(database, ModelStore(tmp_path), PLAN)


def test_each_model_names_the_one_it_goes_on_from_and_its_leaf(history):
    database, models = history
    first, second = (lineage_of(database, row) for row in released(database))
    assert (first.model, second.model) == tuple(models)
    assert (first.parent, second.parent) == ("b" * 64, models[0])
    assert (second.run, second.round, second.attempt) == (RUN, 2, 2)
    leaves = database.leaves()
    for one in (first, second):
        assert one.model.encode() in leaves[one.log_index]
        assert one.contract.encode() in leaves[one.log_index]
    assert (second.aggregation, second.optimizer) == ("median", "fedadam")
    assert (second.cohort, second.admitted, second.released) == (4, 2, 231)
    assert (second.held_out_loss, second.unit) == (3.0, "session")


def test_the_epsilon_is_that_of_every_attempt_so_far_failed_ones_too(history):
    database, _ = history
    first, second = (lineage_of(database, row) for row in released(database))
    contract = PLAN.contract(run=RUN, number=1, vocabulary_hash="a" * 64, model_hash="b" * 64,
                             anchors="c" * 64, issued=1)  # fmt: skip
    delta = PROFILES[PLAN.profile].delta_day
    for one, attempts in ((first, 1), (second, 3)):
        spent = RdpCurve()
        for _ in range(attempts):
            spent += round_cost(contract)
        assert one.attempts_charged == attempts
        assert one.delta == delta
        assert one.epsilon == guaranteed(spent, delta, steps=attempts * PLAN.steps)
    assert first.epsilon < second.epsilon


def test_a_model_that_the_log_has_otherwise_or_not_at_all_has_no_leaf(history):
    database, _ = history
    row = released(database)[0]
    assert lineage_of(database, row).log_index is not None
    for other in (replace(row, admitted=3), replace(row, model_out="d" * 64)):
        assert lineage_of(database, other).log_index is None


def test_models_are_found_by_a_beginning_or_as_the_latest(history):
    database, models = history
    rows = released(database)
    assert find_released(rows, "latest").model_out == models[1]
    for model in models:
        assert find_released(rows, model[:8].upper()).model_out == model
        assert find_released(rows, model).model_out == model


def test_what_is_not_found_names_the_nearest(history):
    database, models = history
    rows = released(database)
    wrong = models[1][:9] + ("0" if models[1][9] != "0" else "1")
    with pytest.raises(NotFoundError) as caught:
        find_released(rows, wrong)
    assert models[1][:12] in caught.value.mend
    for name in ("", "x" * 500):
        with pytest.raises(NotFoundError):
            find_released(rows, name)
    for name in ("latest", "ab", ""):
        with pytest.raises(NotFoundError):
            find_released([], name)


def test_a_run_that_began_with_a_released_model_says_so_in_every_model_of_it(tmp_path):
    with closing(Database.open(tmp_path / "deskbound.db")) as database:
        models = ModelStore(tmp_path)
        counts = write_counts(
            database, models, weights_of(COUNTS.build_model(0)), sampling_rate=0.1, steps=2
        )
        write_history(database, models, replace(PLAN, start_from=counts))
        first, *rest = (lineage_of(database, row) for row in released(database))
        assert first.start == Start()
        assert first.start.words(COUNTS.name) == "fresh weights"
        assert [one.start for one in rest] == [Start(counts, COUNTS.name)] * 2
        assert rest[0].texts()["run_start"] == counts
        assert rest[0].start.words("next_action").startswith("a network taught by private counts")
        assert start_of(database, replace(PLAN, start_from="9" * 64)) == Start("9" * 64)


def test_the_runs_that_a_model_goes_back_to_are_charged_as_well(tmp_path):
    with closing(Database.open(tmp_path / "deskbound.db")) as database:
        models = ModelStore(tmp_path)
        counts = write_counts(
            database, models, weights_of(COUNTS.build_model(0)), sampling_rate=0.1, steps=2
        )
        write_history(database, models, replace(PLAN, start_from=counts))
        first, second, third = (lineage_of(database, row) for row in released(database))
    assert first.epsilon_all == first.epsilon  # it began with nothing
    contract = new_plan().contract(run=RUN, number=1, vocabulary_hash="a" * 64, model_hash="b" * 64,
                                   anchors="c" * 64, issued=1)  # fmt: skip
    for one, attempts in ((second, 1 + 1), (third, 1 + 3)):
        spent = RdpCurve()
        for _ in range(attempts):
            spent += round_cost(contract)
        wanted = guaranteed(spent, one.delta, steps=attempts * contract.steps)
        assert one.epsilon < one.epsilon_all == pytest.approx(wanted)


def test_counts_that_laptops_weighed_by_are_charged_as_well_and_once(tmp_path):
    cells, found = weights_of(COUNTS.build_model(0)), {}
    told = {"weighing": "told", "told_mean": 3.0}
    for name, begins, changes in (
        ("alike", False, {}), ("told", False, told), ("begun", True, {}), ("both", True, told),
    ):  # fmt: skip
        with closing(Database.open(tmp_path / f"{name}.db")) as database:
            models = ModelStore(tmp_path)
            start = write_counts(database, models, cells)
            plan = replace(PLAN, start_from=start if begins else "", **changes)
            write_history(database, models, plan)
            found[name] = lineage_of(database, released(database)[-1])
    assert found["alike"].epsilon_all == found["alike"].epsilon
    assert found["told"].epsilon_all == found["begun"].epsilon_all > found["alike"].epsilon_all
    assert found["both"].epsilon_all == found["begun"].epsilon_all
    assert {one.epsilon for one in found.values()} == {found["alike"].epsilon}


@pytest.mark.parametrize("other", [{"start_from": "9" * 64}, {"unit": "day"}])
def test_what_cannot_be_added_is_not_told(tmp_path, other):
    with closing(Database.open(tmp_path / "deskbound.db")) as database:
        models = ModelStore(tmp_path)
        counts = write_counts(
            database, models, weights_of(COUNTS.build_model(0)), sampling_rate=0.1, steps=2
        )
        write_history(database, models, replace(PLAN, **{"start_from": counts} | other))
        *_, last = (lineage_of(database, row) for row in released(database))
    assert last.epsilon_all is None
    assert last.texts()["epsilon_all"] == ""


def test_every_field_is_a_text_in_metadata(history):
    database, _ = history
    found = lineage_of(database, released(database)[0])
    texts = found.texts()
    assert float(texts["epsilon"]) == found.epsilon
    assert set(map(type, texts.values())) == {str}
