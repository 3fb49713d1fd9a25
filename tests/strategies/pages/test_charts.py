"""Pictures made of values: the right lengths, words beside them, nothing that could run."""

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbound_strategies.pages.charts import bar, columns, spark

HOSTILE = '"/><script>alert(1)</script>'


def shapes(markup, kind):
    """The attributes of all shapes of a class; the markup must be well-formed to be read."""
    tree = ElementTree.fromstring(str(markup))
    return [one.attrib for one in tree.iter() if one.attrib.get("class") == kind]


@given(st.floats(-1, 3), st.one_of(st.none(), st.floats(-1, 3)))
def test_a_bar_is_as_long_as_its_share_and_never_longer(share, mark):
    drawn = bar(share, "so much", mark)
    (fill,) = shapes(drawn, "fill") or shapes(drawn, "full")
    assert float(fill["width"]) == pytest.approx(100 * min(max(share, 0), 1), abs=0.01)
    assert len(shapes(drawn, "mark")) == (mark is not None)


def test_a_bar_that_is_nearly_full_looks_so():
    assert shapes(bar(0.95, ""), "full")
    assert shapes(bar(0.5, ""), "fill")


@given(st.lists(st.integers(0, 10**7), min_size=1, max_size=48))
def test_a_spark_has_a_column_where_there_is_something(counts):
    drawn = shapes(spark(counts, "by hour"), "s1")
    assert len(drawn) == sum(count > 0 for count in counts)
    heights = [float(one["height"]) for one in drawn]
    assert all(1 <= height <= 20 for height in heights)
    if max(counts):
        assert max(heights) == 20


@given(st.lists(st.tuples(st.integers(0, 999), st.integers(0, 999)), min_size=1, max_size=20))
def test_columns_stack_to_their_share_of_the_highest(counts):
    drawn = columns([(str(i), pair) for i, pair in enumerate(counts)], ("a", "b"), "both")
    below, above = shapes(drawn, "s1"), shapes(drawn, "s2")
    most = max(sum(pair) for pair in counts) or 1
    for pair, low, high in zip(counts, below, above, strict=True):
        both = float(low["height"]) + float(high["height"])
        assert both == pytest.approx(84 * sum(pair) / most, abs=0.02)
        assert float(high["y"]) + float(high["height"]) == pytest.approx(float(low["y"]), abs=0.02)
    said = [
        one.text for one in ElementTree.fromstring(str(drawn)).iter() if one.tag.endswith("text")
    ]
    assert said[::2] == [f"{sum(pair):,}" for pair in counts], "the number stands above each"


def test_words_are_never_markup():
    for drawn in (
        bar(0.5, HOSTILE),
        spark([1], HOSTILE),
        columns([(HOSTILE, (1,))], (HOSTILE,), HOSTILE),
    ):
        assert "<script" not in str(drawn)
        assert not re.search(r"\son\w+=|style=", str(drawn))
        assert ElementTree.fromstring(str(drawn)).attrib["aria-label"] == HOSTILE
