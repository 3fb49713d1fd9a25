"""Pictures by round: everything lies inside, words are text, error bars are as long as they say."""

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbound_server.ui.curves import Level, Point, curve

HOSTILE = '"/><script>alert(1)</script>'
heights = st.floats(-1e6, 1e6).map(lambda y: round(y, 6))
errors = st.floats(0, 1e3)


@given(
    st.lists(st.tuples(st.integers(0, 500), heights, errors, st.booleans()), min_size=1,
             max_size=30),
    st.lists(st.tuples(heights, errors), max_size=4),
)  # fmt: skip
def test_everything_lies_within_the_picture(given_, levels):
    points = [Point(x, y, "so much", error, hollow) for x, y, error, hollow in sorted(given_)]
    drawn = curve(points, [Level(y, "to beat", 2, error) for y, error in levels], "all", ".3g")
    tree = ElementTree.fromstring(str(drawn))
    high = float(tree.attrib["height"])
    for shape in tree.iter():
        for name in ("x", "x1", "x2", "cx"):
            if name in shape.attrib:
                assert 0 <= float(shape.attrib[name].rstrip("%")) <= 100
        for name in ("y", "y1", "y2", "cy"):
            if name in shape.attrib:
                assert -0.01 <= float(shape.attrib[name]) <= high
    circles = [one for one in tree.iter() if one.tag.endswith("circle")]
    assert len(circles) == len(points)


def test_higher_is_higher_and_an_error_bar_is_as_long_as_two_errors():
    points = [Point(1, 0.2, "a", 0.1), Point(2, 0.6, "b", 0.05)]
    tree = ElementTree.fromstring(str(curve(points, [], "all", ".0%")))
    low, high = (float(one.attrib["cy"]) for one in tree.iter() if one.tag.endswith("circle"))
    assert high < low
    bars = [
        float(one.attrib["y2"]) - float(one.attrib["y1"])
        for one in tree.iter()
        if one.attrib.get("class") == "t1"
    ]
    assert bars == [
        pytest.approx((low - high) * 0.2 / 0.4, abs=0.1),
        pytest.approx((low - high) * 0.1 / 0.4, abs=0.1),
    ]


def test_a_model_that_was_held_back_is_no_part_of_the_line():
    points = [Point(1, 1.0, "a"), Point(2, 9.0, "b", hollow=True), Point(2, 2.0, "c")]
    tree = ElementTree.fromstring(str(curve(points, [], "all", ".1f")))
    assert sum(one.attrib.get("class") == "t1 line" for one in tree.iter()) == 1
    assert sum(one.attrib.get("class") == "hollow" for one in tree.iter()) == 1


def test_words_are_never_markup():
    drawn = curve([Point(1, 1.0, HOSTILE)], [Level(2.0, HOSTILE, 2)], HOSTILE, ".1f")
    assert "<script" not in drawn
    assert not re.search(r"\son\w+=|style=", str(drawn))
    assert ElementTree.fromstring(str(drawn)).attrib["aria-label"] == HOSTILE
