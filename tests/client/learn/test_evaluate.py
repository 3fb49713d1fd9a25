"""Evaluation: days split in time, model and baselines on the same positions."""

from datetime import date

import pytest

from deskbound_client.learn.evaluate import compare, measure, split_days
from deskbound_strategies.errors import Refusal
from deskbound_strategies.next_action import TASK
from deskbound_strategies.task import weights_of
from tests.helpers.learning import generated_units, some_units


def test_the_last_days_are_held_out():
    days = [some_units([2]), some_units([3, 4]), some_units([5])]
    training, held_out = split_days(days)
    assert ([len(u) for u in training], [len(u) for u in held_out]) == ([2, 3, 4], [5])
    assert [len(u) for u in split_days(days, held_out=2)[1]] == [3, 4, 5]


@pytest.mark.parametrize(("days", "held_out"), [(1, 1), (3, 0), (3, 3)])
def test_both_sides_need_a_day(days, held_out):
    with pytest.raises(ValueError, match="days"):
        split_days([some_units([2])] * days, held_out)


def test_model_and_baselines_answer_for_the_same_positions():
    training, held_out = (generated_units("support", date(2026, 11, day))[:12] for day in (12, 13))
    found = compare(TASK, weights_of(TASK.build_model(1)), training, held_out)
    positions = sum(len(unit) - 1 for unit in held_out)
    assert found.model == measure(TASK, weights_of(TASK.build_model(1)), held_out)
    assert {found.model.positions, *(m.positions for m in found.baselines.values())} == {positions}
    assert found.baselines["Markov 1"].hit1 > found.baselines["most frequent"].hit1
    assert found.baselines["Markov 1"].hit1 > found.model.hit1  # it has learned nothing yet


def test_weights_of_another_task_are_refused():
    with pytest.raises(Refusal):
        measure(TASK, {}, some_units([3]))
