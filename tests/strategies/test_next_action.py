"""The next-action task: its loss by hand, its metrics by hand."""

import math

import pytest
import torch

from deskbound_strategies.model import token_scores
from deskbound_strategies.next_action import TASK
from deskbound_strategies.task import collate
from deskbound_strategies.vocabulary import TOKENS, VOCABULARY_HASH
from tests.helpers.learning import some_units


def lively(seed: int = 1):
    model = TASK.build_model(seed)
    with torch.no_grad():
        model.heads.weight.normal_(0.0, 0.5, generator=torch.Generator().manual_seed(seed))
        model.heads.bias.normal_(0.0, 0.5, generator=torch.Generator().manual_seed(seed))
    return model


def test_the_loss_of_a_unit_is_the_mean_over_its_predicted_actions():
    model, units = lively(), some_units([6, 2, 11])
    losses = TASK.loss_per_unit(model, collate(units))
    for loss, unit in zip(losses, units, strict=True):
        scores = token_scores(model(collate([unit])))[0]
        wanted = [scores[i, unit.tokens[i + 1]].item() for i in range(len(unit) - 1)]
        assert loss.item() == pytest.approx(-sum(wanted) / len(wanted), rel=1e-4)


def test_a_unit_of_one_action_has_no_loss():
    assert TASK.loss_per_unit(lively(), collate(some_units([1, 1]))).tolist() == [0.0, 0.0]


def test_hits_are_counted_as_by_hand():
    model, units = lively(), some_units([6, 1, 2, 40])
    with torch.no_grad():  # it is fond of typing bursts, and the units are full of them
        model.heads.bias[[0, *range(12, 30)]] += 10.0
    for unit in units:
        unit.tokens[:] %= 18
    first = among = positions = 0
    for unit in units:
        scores = token_scores(model(collate([unit])))[0]
        for i in range(len(unit) - 1):
            best = scores[i].argsort(descending=True)[:5].tolist()
            positions += 1
            first += best[0] == unit.tokens[i + 1]
            among += unit.tokens[i + 1] in best
    found = TASK.evaluate(model, units)
    assert (found.positions, found.hit1, found.hit5) == (
        positions, pytest.approx(first / positions), pytest.approx(among / positions),
    )  # fmt: skip
    assert 0 < first < among < positions


def test_a_model_that_knows_is_always_right():
    model = TASK.build_model(1)
    units = some_units([9])
    units[0].tokens[:] = 5
    with torch.no_grad():
        model.heads.bias[int(TOKENS[5].kind)] = 50.0
        model.heads.bias[12 + TOKENS[5].argument] = 50.0
    metrics = TASK.evaluate(model, units)
    assert (metrics.positions, metrics.hit1, metrics.hit5) == (8, 1.0, 1.0)
    assert TASK.loss_per_unit(model, collate(units)).item() == pytest.approx(0.0, abs=1e-6)


def test_nothing_to_predict_is_no_error():
    metrics = TASK.evaluate(lively(), [])
    assert (metrics.positions, metrics.hit1, metrics.hit5) == (0, 0.0, 0.0)
    assert not math.isnan(TASK.evaluate(lively(), some_units([1])).hit1)


def test_the_task_names_its_vocabulary():
    assert TASK.name == "next_action"
    assert TASK.vocabulary_hash == VOCABULARY_HASH
