"""Ranks of models are the task's own measures; baselines never guess a unit from itself."""

from datetime import date

import numpy as np
import pytest
import torch

from deskbound_server.ranks import BASELINES, FOLDS, ranks_of_baselines, ranks_of_model
from deskbound_server.scores import score_of
from deskbound_strategies.action_counts import TASK as COUNTS
from deskbound_strategies.action_counts import ActionCounts
from deskbound_strategies.baselines import baselines, score
from deskbound_strategies.errors import ConfigError
from deskbound_strategies.next_action import TASK
from deskbound_strategies.next_action_hits import WHAT, unit_scores
from deskbound_strategies.task import Unit, evaluate, load_weights, weights_of
from deskbound_strategies.vocabulary import TOKENS
from tests.helpers.learning import counts_of, generated_units, some_units

UNITS = some_units([9, 1, 30, 2, 17, 25, 5], seed=3)


def a_network(seed=1):
    rng = np.random.default_rng(seed)
    fresh = weights_of(TASK.build_model(seed))
    return {name: rng.normal(0, 0.5, one.shape).astype(np.float32) for name, one in fresh.items()}


@pytest.mark.parametrize("task", [TASK, COUNTS], ids=["network", "counts"])
def test_of_whole_actions_they_are_what_the_task_itself_measures(task):
    weights = a_network()
    if task is COUNTS:
        weights = weights_of(counts_of(generated_units("developer", date(2026, 3, 2)), noise=0.5))
    units = generated_units("developer", date(2026, 3, 3))[::6]
    model = task.build_model(0)
    load_weights(model, weights)
    told = []
    found = score_of(ranks_of_model(task, weights, units, told.append)["action"])
    own = evaluate(task, model, units)
    assert (found.positions, sum(told)) == (own.positions, len(units))
    assert found.hit1.value == pytest.approx(own.hit1)
    assert found.hit5.value == pytest.approx(own.hit5)


def test_of_every_head_they_are_what_laptops_measure_in_private():
    """Unit by unit, in the order given: the figures of ``next_action_hits``."""
    weights, model = a_network(), TASK.build_model(0)
    load_weights(model, weights)
    found = ranks_of_model(TASK, weights, UNITS)
    for place, unit in enumerate(UNITS):
        with torch.no_grad():
            wanted = unit_scores(model, TASK.collate([unit]))[0, 2:].numpy()
        for at, head in enumerate(WHAT):
            mine = score_of([found[head][place]])
            figures = [one.value for one in (mine.hit1, mine.hit5, mine.mrr)]
            np.testing.assert_allclose(figures, wanted[3 * at : 3 * at + 3], atol=1e-5)


def a_unit(*tokens: int) -> Unit:
    some = np.zeros(len(tokens), np.int64)
    return Unit(np.array(tokens, np.int64), some, some, some)


OWN = [a_unit(*(7 * place + step % (2 + place % 3) for step in range(12))) for place in range(10)]


def test_a_unit_is_guessed_from_the_others_only():
    found = ranks_of_baselines(OWN)
    assert tuple(found) == BASELINES
    assert score_of(found["Markov 2"]["action"]).hit1.value == 0.0, "its tokens are in no other"
    assert score(baselines(OWN)["Markov 2"], OWN).hit1 > 0.5, "fitted on itself it knows them"
    assert len(OWN) >= FOLDS


def test_baselines_have_the_figures_of_the_laptops_own():
    """Where every fold counts the same, they are one fit, and its first guesses are known."""
    units = [one for one in generated_units("support", date(2026, 3, 2)) if len(one) > 1][:4]
    twice = [unit for unit in units for _ in range(FOLDS)]  # each in every fold
    found = ranks_of_baselines(twice)
    for name, guess in baselines(units).items():
        mine, own = score_of(found[name]["action"]), score(guess, units)
        assert mine.hit1.value == pytest.approx(own.hit1)
        assert mine.hit5.value == pytest.approx(own.hit5)
        assert mine.mrr.value >= own.hit1


def test_kinds_are_guessed_at_least_as_often_as_actions_and_arguments_only_where_there_are_some():
    units = generated_units("analyst", date(2026, 3, 2))[::5]
    told = []
    found = ranks_of_baselines(units, told.append)
    assert len(told) == len(units)
    for name in ("Markov 1", "Markov 2", "repeat last"):
        scores = {head: score_of(found[name][head]) for head in WHAT}
        assert scores["kind"].hit1.value > scores["action"].hit1.value
        assert 0 < scores["argument"].positions < scores["kind"].positions
        assert scores["argument"].hit1.value >= scores["action"].hit1.value


def test_a_foreign_vocabulary_has_no_kinds_here():
    foreign = ActionCounts(30, "0" * 64)
    with pytest.raises(ConfigError, match="another vocabulary"):
        ranks_of_model(foreign, weights_of(foreign.build_model(0)), UNITS)
    assert len(TOKENS) > 30
