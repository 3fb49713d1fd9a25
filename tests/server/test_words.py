"""How replies were combined is said in words."""

import pytest

from deskbound_server.words import combining_words


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
def test_combining(aggregation, told, words):
    assert combining_words(aggregation, told) == words
