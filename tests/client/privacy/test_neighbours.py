"""One unit more moves the sum by its own clipped gradient, whatever weights the server sends."""

import numpy as np
import pytest

from deskbound_client.learn import optimizer as optimizers
from deskbound_client.learn.trainer import train
from deskbound_strategies.mechanism import SUM_SLACK
from deskbound_strategies.next_action import TASK
from deskbound_strategies.task import weights_of
from tests.helpers.learning import contract, repeatable, some_units

# A batch of few short units takes other kernels than one that holds a long unit, too.
SHORT, LONG = some_units([5] * 15), some_units([200], seed=1)
HONEST = weights_of(TASK.build_model(0))


def hostile(scale: float) -> dict:
    """Weights whose guesses hang on rounding: the norm before the heads sums to nothing."""
    columns, width = HONEST["heads.weight"].shape
    slopes = np.random.default_rng(0).normal(size=(columns, 1))
    rows = np.repeat(slopes * scale, width, axis=1).astype(np.float32)
    return HONEST | {"heads.weight": rows}


@pytest.mark.parametrize("weights", [HONEST, hostile(1e7), hostile(1e9)])
def test_one_unit_more_moves_nothing_of_the_others(weights, monkeypatch):
    sums = []

    def seen(flat_sum, lattice, _source):
        sums.append(flat_sum.copy())
        return np.zeros(lattice.dimension)

    monkeypatch.setattr(optimizers, "privatise", seen)
    terms = contract(sampling_rate=1.0, steps=1)
    for units in (SHORT, LONG, SHORT + LONG):
        train(TASK, weights, units, terms, repeatable(1))
    others, own, together = sums
    assert np.linalg.norm(own) > 0.5
    assert np.linalg.norm(together - own - others) < SUM_SLACK * terms.clip
