"""What a private evaluation told, read back from what its round began with and released."""

from contextlib import closing

import pytest

from deskbound_server.database import Database
from deskbound_server.evaluation import as_dict, evaluated, lines
from deskbound_server.lineage import released
from deskbound_server.model_store import ModelStore
from deskbound_strategies.next_action_hits import NAMES
from tests.helpers.released import RUN, SHARE, TRIAL, write_history, write_trial
from tests.helpers.server import new_plan

PLAN = new_plan(task="next_action_hits", start_from="latest")


@pytest.fixture
def record(tmp_path):
    with closing(Database.open(tmp_path / "deskbound.db")) as database:
        yield database, ModelStore(tmp_path)


def test_figures_come_with_the_error_of_the_noise(record):
    database, models = record
    write_trial(database, models, noise=2.0)
    found = evaluated(PLAN, database.rounds(TRIAL), models)
    assert set(found) == set(NAMES)
    for one in found.values():
        assert 0.005 < one.error < 0.1
        assert one.value == pytest.approx(SHARE, abs=5 * one.error)
    assert found["action", "hit1"].error < found["kind", "hit1"].error
    assert as_dict(found)["action hit1"]["value"] == found["action", "hit1"].value
    (name, figures), *_ = lines(found)
    assert name == "action"
    assert all("±" in one for one in figures)


def test_what_drowns_is_not_told(record):
    database, models = record
    write_trial(database, models, noise=500.0)
    found = evaluated(PLAN, database.rounds(TRIAL), models)
    assert found == {}
    assert {told for _, figures in lines(found) for told in figures} == {"-"}


def test_a_run_that_learns_evaluates_nothing_and_neither_does_one_without_a_round(record):
    database, models = record
    write_history(database, models)
    assert evaluated(new_plan(), database.rounds(RUN), models) is None
    assert evaluated(PLAN, [], models) is None


def test_what_a_trial_came_to_is_no_model(record):
    """Its network is drowned in noise; nobody shall export it as the latest."""
    database, models = record
    made = write_history(database, models)
    write_trial(database, models, noise=2.0)
    assert [row.model_out for row in released(database)] == made
