"""Counts weighed by what they tell: more signal, no more noise, and no lie makes others small."""

import math
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from deskbound_strategies.aggregation import StreamingMean
from deskbound_strategies.codec import TensorSpec
from deskbound_strategies.errors import DiskFullError
from deskbound_strategies.weighed_counts import WeighedCounts
from deskbound_strategies.weighing import (
    SINGLES,
    TELLING,
    Told,
    mean_told,
    noise_of_one,
    shares,
)
from tests.helpers.learning import contract

ACTIONS, OTHERS = 20, 4_000
LAYOUT = (TensorSpec(SINGLES, (ACTIONS,)), TensorSpec("pairs.weight", (OTHERS,)))
ASKED = contract(
    task=TELLING, aggregation="told", sampling_rate=1.0, steps=1, noise_multiplier=2.0, divisor=4.0,
    learning_rate=0.5,
)  # fmt: skip
UNIT = ASKED.learning_rate / ASKED.divisor * ASKED.clip  # what a clip moves a cell by
PATTERN = np.linspace(0.0, 2.0, OTHERS)  # what all do alike, per unit of amount


def reply(amount, seed):
    """What one laptop sends that counted so much, noise and all."""
    rng = np.random.default_rng(seed)
    cells = np.full(ACTIONS, amount / ACTIONS), amount / OTHERS * PATTERN
    noised = (one + rng.normal(0.0, ASKED.noise_multiplier, len(one)) for one in cells)
    return {
        spec.name: (UNIT * one).astype(np.float32) for spec, one in zip(LAYOUT, noised, strict=True)
    }


def combined(replies, aggregator=None):
    with closing(aggregator or WeighedCounts(ASKED, LAYOUT)) as mean:
        for one in replies:
            mean.add(one)
        assert mean.count == len(replies)
        return mean.result()


def clarity(found):
    """How many deviations what all do alike stands out of the noise by."""
    cells, pattern = found["pairs.weight"], PATTERN - PATTERN.mean()
    seen = float(cells @ pattern) / float(pattern @ pattern)
    rest = cells - cells.mean() - seen * pattern
    return seen * np.linalg.norm(pattern) / rest.std()


UNEVEN = [reply(10_000.0 if seed < 8 else 100.0, seed) for seed in range(40)]


def test_an_uneven_fleet_stands_out_further():
    plain, weighed = combined(UNEVEN, StreamingMean(LAYOUT)), combined(UNEVEN)
    assert clarity(weighed) > 1.5 * clarity(plain)


def test_what_laptops_told_is_read_off_the_model_as_off_a_plain_mean():
    even = [reply(500.0, seed) for seed in range(12)]
    wanted = mean_told(ASKED, combined(even, StreamingMean(LAYOUT)))
    assert mean_told(ASKED, combined(even)) == pytest.approx(wanted, rel=0.02)
    assert wanted == pytest.approx(500.0, rel=0.05)


def test_an_even_fleet_is_averaged():
    even = [reply(500.0, seed) for seed in range(12)]
    plain, weighed = combined(even, StreamingMean(LAYOUT)), combined(even)
    spread = plain["pairs.weight"].std()
    assert np.abs(weighed["pairs.weight"] - plain["pairs.weight"]).max() < 0.2 * spread


def test_where_all_drown_in_noise_nothing_is_lost():
    drowned = [reply(1.0, seed) for seed in range(40)]
    plain, weighed = combined(drowned, StreamingMean(LAYOUT)), combined(drowned)
    spread = weighed["pairs.weight"].std() / plain["pairs.weight"].std()
    assert mean_told(ASKED, weighed) < 2 * noise_of_one(ASKED, weighed)
    told = [np.float64(one[SINGLES].sum()) for one in drowned]
    each = shares([Told(float(one), noise_of_one(ASKED, weighed) * UNIT) for one in told])
    assert np.linalg.norm(each) * math.sqrt(40) < 1.05 * each.sum(), "five per cent more noise"
    assert spread == pytest.approx(np.linalg.norm(each) * math.sqrt(40), rel=0.1)


def test_of_a_fleet_that_drowns_those_few_who_stand_out_are_heard():
    few = [reply(400.0 if seed < 4 else 1.0, seed) for seed in range(40)]
    plain, weighed = combined(few, StreamingMean(LAYOUT)), combined(few)
    assert clarity(weighed) > 1.5 * clarity(plain)


@pytest.mark.parametrize("lie", [1e6, -1e6])
def test_a_lie_makes_nobody_elses_word_small(lie):
    """Four of forty claim absurd amounts: their noise counts as the heaviest's, and that is all."""
    liars = [reply(0.0, 100 + seed) for seed in range(4)]
    for one in liars:
        one[SINGLES] += np.float32(UNIT * lie / ACTIONS)
    honest = [reply(500.0, seed) for seed in range(36)]
    with_liars, without = combined([*liars, *honest]), combined(honest)
    assert clarity(with_liars) > 0.45 * clarity(without)
    pattern = PATTERN - PATTERN.mean()
    assert float(with_liars["pairs.weight"] @ pattern) > 0, "nobody is counted backwards"


def test_one_reply_is_what_it_is():
    (alone,) = replies = [reply(500.0, 1)]
    for name, value in combined(replies).items():
        np.testing.assert_allclose(value, alone[name], rtol=1e-6)


def test_nothing_comes_of_nothing_and_nothing_is_kept():
    mean = WeighedCounts(ASKED, LAYOUT)
    with pytest.raises(ValueError, match="no updates"):
        mean.result()
    mean.add(reply(500.0, 1))
    mean.close()
    with pytest.raises(ValueError, match="closed"):
        mean.add(reply(500.0, 2))


def test_where_there_is_no_room_it_says_so(tmp_path):
    with pytest.raises(DiskFullError):
        WeighedCounts(ASKED, LAYOUT, tmp_path / "none")


def test_samples_of_units_tell_no_amounts():
    with pytest.raises(ValueError, match="tells no amounts"):
        WeighedCounts(replace(ASKED, sampling_rate=0.5), LAYOUT)
