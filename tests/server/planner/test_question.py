import pytest

from deskbound_server.planner.question import EPSILONS, question
from deskbound_strategies.errors import ConfigError
from deskbound_strategies.policy import PROFILES


def test_what_was_not_said_is_what_floor_and_task_suggest():
    asked = question(laptops=120)
    assert (asked.task, asked.profile, asked.unit) == ("action_counts", "balanced", "session")
    assert asked.epsilons == EPSILONS
    assert (asked.rate, asked.steps, asked.rounds) == (1.0, 1, 1)
    sampled = question(laptops=120, rate=0.1)
    assert (sampled.rate, sampled.steps) == (0.1, 100)
    stepped = question(laptops=120, profile="strict", steps=PROFILES["strict"].steps_max)
    assert stepped.rate == PROFILES["strict"].sampling_max
    assert question(laptops=120, task="next_action").rounds > 1
    assert question(laptops=120, unit="day").units == asked.days


def test_epsilons_are_asked_for_once_and_the_largest_first():
    assert question(laptops=9, epsilons=(1.0, 4.0, 1.0)).epsilons == (4.0, 1.0)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"laptops": 0}, "--laptops"),
        ({"participation": 0.0}, "--participation"),
        ({"participation": float("nan")}, "--participation"),
        ({"days": 0}, "--days"),
        ({"units_per_day": 0.5}, "--units-per-day"),
        ({"rate": 1.5}, "--rate"),
        ({"steps": 0}, "--steps"),
        ({"rounds": 0}, "--rounds"),
        ({"epsilons": (0.0,)}, "--epsilon"),
        ({"epsilons": (float("inf"),)}, "--epsilon"),
        ({"profile": "loose"}, "'loose'"),
        ({"unit": "week"}, "'week'"),
        ({"unit": "day", "units_per_day": 3.0}, "one unit"),
        ({"task": "next_action_hits"}, "tries a model"),
    ],
)
def test_what_cannot_be_is_named(changes, named):
    with pytest.raises(ConfigError) as caught:
        question(**({"laptops": 120} | changes))
    assert named in caught.value.sentence
    assert caught.value.mend
