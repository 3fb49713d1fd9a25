"""Models are tried on the plan's held-out data, one after the other, beside baselines."""

import numpy as np
import pytest

from deskbound_server.held_out import write_units
from deskbound_server.model_store import ModelStore
from deskbound_server.ranks import ranks_of_model
from deskbound_server.scores import score_of
from deskbound_server.ui.trials import Trials
from deskbound_strategies.codec import encode
from deskbound_strategies.next_action import TASK
from deskbound_strategies.task import Unit, weights_of
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
        own = ranks_of_model(TASK, weights_of(TASK.build_model(seed)), UNITS)["action"]
        assert tried.scores[name] == score_of(own)
    assert set(tried.baselines) == {"most frequent", "repeat last", "Markov 1", "Markov 2"}


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
