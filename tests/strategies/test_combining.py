"""A contract's word decides how replies are combined."""

from contextlib import closing

import pytest

from deskbound_strategies.aggregation import StreamingMean
from deskbound_strategies.codec import TensorSpec
from deskbound_strategies.combining import aggregator_for, combining_words
from deskbound_strategies.contract import AGGREGATIONS
from deskbound_strategies.robust import SpooledTrimmedMean
from deskbound_strategies.weighed_counts import WeighedCounts
from deskbound_strategies.weighing import TELLING
from tests.helpers.learning import contract

LAYOUT = (TensorSpec("weight", (3, 2)),)
COUNTING = {"task": TELLING, "sampling_rate": 1.0, "steps": 1}


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_every_word_has_its_way(aggregation):
    ways = {"plain": StreamingMean, "told": WeighedCounts}
    with closing(aggregator_for(contract(aggregation=aggregation, **COUNTING), LAYOUT)) as found:
        assert type(found) is ways.get(aggregation, SpooledTrimmedMean)


def test_the_plain_mean_keeps_nothing_on_the_disk(tmp_path):
    aggregator_for(contract(aggregation="plain"), LAYOUT, tmp_path / "none")


def test_what_tells_nothing_cannot_be_weighed():
    with pytest.raises(ValueError, match="tells no amounts"):
        aggregator_for(contract(aggregation="told"), LAYOUT)


@pytest.mark.parametrize(
    ("aggregation", "told", "words"),
    [
        ("plain", 0.0, "the mean of all"),
        (
            "plain",
            1234.4,
            "a mean in which laptops count by what they told (on average 1,234 clips)",
        ),
        ("median", 0.0, "the median of every number"),
        ("trimmed-mean-05", 0.0, "a mean without 5% at each end of every number"),
    ],
)
def test_it_is_said_to_people_as_well(aggregation, told, words):
    assert combining_words(aggregation, told) == words
