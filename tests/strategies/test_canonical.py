import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbound_strategies.canonical import MAX_DEPTH, canonical_bytes, parse_canonical

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=12,
)


@given(VALUES)
def test_every_value_has_one_spelling_that_reads_back(value):
    data = canonical_bytes(value)
    assert parse_canonical(data) == value
    assert canonical_bytes(parse_canonical(data)) == data


def test_the_spelling_is_fixed():
    assert canonical_bytes({"b": 1, "a": [1.5, None, True, "ü"]}) == (
        b'{"a":[1.5,null,true,"\\u00fc"],"b":1}'
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b' {"a":1}',
        b'{"a":1}\n',
        b'{"a": 1}',
        b'{"b":1,"a":1}',
        b'{"a":1,"a":1}',
        b'{"a":2,"a":1}',
        b"1.50",
        b"1E5",
        b"-0",
        b"01",
        b"NaN",
        b"Infinity",
        b"-Infinity",
        b"1e999",
        '"ü"'.encode(),
        b'"\\u0041"',
        b"\xff",
        b"[" * 100_000,
        b"1" * 5000,
    ],
)
def test_any_other_spelling_is_refused(data):
    with pytest.raises(ValueError, match=r"canonical|finite|deep|digits"):
        parse_canonical(data)


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), {1: 2}, {"a": b"bytes"}, {"a": {1, 2}}, object()]
)
def test_what_json_lacks_is_refused(value):
    with pytest.raises(ValueError, match=r"finite|keys|JSON"):
        canonical_bytes(value)


def test_depth_is_bounded_both_ways():
    value: object = 0
    for _ in range(MAX_DEPTH):
        value = [value]
    assert parse_canonical(canonical_bytes(value)) == value
    with pytest.raises(ValueError, match="deep"):
        canonical_bytes([value])


@given(st.binary(max_size=40))
def test_no_bytes_do_more_than_raise_value_error(data):
    try:
        value = parse_canonical(data)
    except ValueError:
        return
    assert json.loads(data) == value


@pytest.mark.parametrize("bracket", ["[]", "{}"])
def test_bytes_are_as_deep_as_values_may_be(bracket):
    """Also where each bracket but one is within a text, which is not depth."""
    before, after = ("[", "]") if bracket == "[]" else ('{"a":', "}")
    for depth in (MAX_DEPTH - 1, MAX_DEPTH, MAX_DEPTH + 1, 200):
        data = (before * depth + "0" + after * depth).encode()
        if depth <= MAX_DEPTH:
            assert canonical_bytes(parse_canonical(data)) == data
        else:
            with pytest.raises(ValueError, match="canonical"):
                parse_canonical(data)
    flat = canonical_bytes([bracket * 100])
    assert parse_canonical(flat) == [bracket * 100]
