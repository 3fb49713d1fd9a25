"""Models are tried on the plan's held-out data; baselines never guess a unit from itself."""

import math

import numpy as np
import pytest

from deskbound_server.held_out import write_units
from deskbound_server.model_store import ModelStore
from deskbound_server.ui.trials import FOLDS, Score, Trials, cross_fitted
from deskbound_strategies.baselines import baselines, score
from deskbound_strategies.codec import encode
from deskbound_strategies.next_action import TASK
from deskbound_strategies.task import Unit, evaluate, weights_of
from deskbound_strategies.vocabulary import VOCABULARY_HASH
from tests.helpers.server import new_plan


def a_unit(*tokens: int) -> Unit:
    some = np.zeros(len(tokens), np.int64)
    return Unit(np.array(tokens, np.int64), some, some, some)


UNITS = [a_unit(*(7 * place + step % (2 + place % 3) for step in range(12))) for place in range(10)]


@pytest.fixture
def models(tmp_path):
    return ModelStore(tmp_path)


@pytest.fixture
def plan(models):
    kept = models.save(write_units(UNITS, VOCABULARY_HASH))
    return new_plan(held_out="file", held_out_file="x", held_out_hash=kept)


def a_model(models, seed):
    return models.save(encode(weights_of(TASK.build_model(seed)), TASK.layout()))


def test_scores_are_the_tasks_own(models, plan):
    trials, names = Trials(models), [a_model(models, seed) for seed in (1, 2)]
    assert trials.of(plan, names).waiting == 2
    trials.wait()
    tried = trials.of(plan, names)
    assert (tried.waiting, tried.trouble) == (0, "")
    for seed, name in zip((1, 2), names, strict=True):
        own = evaluate(TASK, TASK.build_model(seed), UNITS)
        assert tried.scores[name] == Score(own.positions, own.hit1)
    assert set(tried.baselines) == {"most frequent", "repeat last", "Markov 1", "Markov 2"}


def test_a_unit_is_guessed_from_the_others_only():
    found = cross_fitted(UNITS)
    positions = sum(len(unit) - 1 for unit in UNITS)
    assert {one.positions for one in found.values()} == {positions}
    assert found["Markov 2"].hit1 == 0.0, "its tokens stand in no other unit"
    assert score(baselines(UNITS)["Markov 2"], UNITS).hit1 > 0.5, "fitted on itself it knows them"
    assert found["repeat last"].hit1 == score(baselines([])["repeat last"], UNITS).hit1
    assert len(UNITS) >= FOLDS


def test_the_error_is_the_binomial_one():
    assert Score(100, 0.2).error == pytest.approx(math.sqrt(0.2 * 0.8 / 100))
    assert Score(0, 0.0).error == 0.0


def test_a_model_that_is_gone_holds_up_no_other(models, plan):
    trials, there = Trials(models), a_model(models, 1)
    trials.of(plan, [there, "ab" * 32])
    trials.wait()
    tried = trials.of(plan, [there, "ab" * 32])
    assert list(tried.scores) == [there]
    assert tried.waiting == 0


def test_without_held_out_data_nothing_is_tried_and_it_is_said(models, plan):
    assert "no held-out data" in Trials(models).of(new_plan(held_out="none"), ["ab" * 32]).trouble
    models.path(plan.held_out_hash).unlink()
    trials = Trials(models)
    trials.of(plan, [a_model(models, 1)])
    trials.wait()
    tried = trials.of(plan, [a_model(models, 1)])
    assert tried.trouble.startswith("There is no model")
    assert tried.waiting == 0
