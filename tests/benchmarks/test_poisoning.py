"""The poisoning benchmark, small: who is admitted, and how far liars move each aggregation."""

from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from benchmarks import poisoning
from deskbound_client.learn.trainer import train
from deskbound_server.admission import AdmissionCode
from deskbound_strategies.aggregation import norm
from deskbound_strategies.combining import aggregator_for
from deskbound_strategies.next_action import TASK
from deskbound_strategies.task import weights_of
from tests.helpers.learning import contract, repeatable

LAPTOPS, LIARS, UNITS = 5, 1, 12
# Less noise than any floor allows: with so few units nothing else would be left to see.
PLAN = replace(poisoning.PLAN, divisor=3.0, steps=1, noise_multiplier=0.05)
CONTRACT = poisoning.contract_of(PLAN)


@pytest.fixture(scope="module")
def honest():
    """what all would send if nobody lied, and the norm bound of the plan."""
    layout, weights = TASK.layout(), weights_of(TASK.build_model(1))
    theirs, source = poisoning.fleet(1, LAPTOPS, UNITS), np.random.default_rng(1)
    sent = poisoning.updates_of(weights, theirs, CONTRACT, "none", source, 0.0)
    return sent, PLAN.admitted_norm(sum(spec.elements for spec in layout))


def admitted(attack, honest):
    """What admission says to each laptop's reply under an attack."""
    sent, bound = honest
    sent = poisoning.ATTACKS[attack](sent[:LIARS], sent[LIARS:], bound) + sent[LIARS:]
    door = poisoning.Door(CONTRACT, LAPTOPS, bound)
    return [door.take(laptop, update) for laptop, update in enumerate(sent)]


def moved(aggregation, honest, attack):
    """How far an attack moves what is aggregated, against the norm of what the honest meant."""
    results = []
    for name in ("none", attack):
        with closing(
            aggregator_for(contract(aggregation=aggregation), TASK.layout())
        ) as aggregator:
            for update in admitted(name, honest)[LIARS if name == "none" else 0 :]:
                aggregator.add(update)
            results.append(aggregator.result())
    calm, poisoned = results
    return norm({name: poisoned[name] - calm[name] for name in calm}) / norm(calm)


def test_replies_that_are_scaled_are_refused_by_their_norm_and_no_other_is(honest):
    assert admitted("scaled", honest)[:LIARS] == [AdmissionCode.NORM] * LIARS
    for attack in set(poisoning.ATTACKS) - {"scaled"}:
        assert not any(isinstance(one, AdmissionCode) for one in admitted(attack, honest))


def test_liars_who_turn_around_move_the_mean_and_hardly_the_others(honest):
    mean, trimmed, median = (
        moved(name, honest, "sign flip") for name in ("plain", "trimmed-mean-20", "median")
    )
    assert mean > 1.0, "they undo more than all others do"
    assert trimmed < 0.7 * mean
    assert median < 0.7 * mean


def test_a_little_in_step_is_admitted_and_moves_every_aggregation(honest):
    for aggregation in ("plain", "trimmed-mean-20", "median"):
        assert moved(aggregation, honest, "little") > 0.4, "nothing here stops it"


def test_a_flipped_unit_keeps_every_other_action():
    (unit, *_), *_ = poisoning.fleet(1, 1, 1)
    flipped = poisoning.flipped(unit)
    np.testing.assert_array_equal(flipped.tokens[::2], unit.tokens[::2])
    assert (flipped.tokens[1::2] != unit.tokens[1::2]).all()
    assert flipped.tokens.min() >= 0


def test_the_quick_trainer_gives_what_the_laptops_own_gives():
    weights, (units,) = weights_of(TASK.build_model(3)), poisoning.fleet(1, 1, UNITS)
    quick = poisoning.train(weights, units, CONTRACT, repeatable(5))
    own = train(TASK, weights, units, CONTRACT, repeatable(5))
    assert norm(own) > 1.0
    assert norm({name: quick[name] - own[name] for name in own}) < 1e-2 * norm(own)
