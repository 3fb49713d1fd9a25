import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from deskbound_strategies.codec import (
    HEADER_BYTES,
    MAGIC,
    TensorSpec,
    decode,
    encode,
    encoded_size,
    layout_hash,
)
from deskbound_strategies.errors import Refusal, RefusalCode

LAYOUT = (
    TensorSpec("embed.weight", (4, 3)),
    TensorSpec("scale", ()),
    TensorSpec("sums", (5,), "int64"),
)

SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, max_side=5)
SPECS = st.lists(
    st.builds(TensorSpec, st.from_regex(r"\A[a-z]{1,6}\Z"), SHAPES, st.just("float32")),
    max_size=4,
    unique_by=lambda spec: spec.name,
).map(tuple)


def some_tensors():
    rng = np.random.default_rng(7)
    return {
        "embed.weight": rng.normal(size=(4, 3)).astype(np.float32),
        "scale": np.array(-0.0, np.float32),
        "sums": np.array([0, -1, 2**63 - 1, -(2**63), 5], np.int64),
    }


def code_of(data: bytes, layout=LAYOUT) -> RefusalCode:
    with pytest.raises(Refusal) as caught:
        decode(data, layout)
    return caught.value.code


def test_tensors_come_back_bit_for_bit():
    tensors = some_tensors()
    data = encode(tensors, LAYOUT)
    assert len(data) == encoded_size(LAYOUT) == HEADER_BYTES + 48 + 4 + 40
    again = decode(data, LAYOUT)
    assert list(again) == [spec.name for spec in LAYOUT]
    for name, tensor in tensors.items():
        assert again[name].tobytes() == tensor.tobytes()
        assert again[name].dtype == tensor.dtype
        assert again[name].flags.writeable
    assert encode(again, LAYOUT) == data


def test_the_bytes_are_fixed():
    layout = (TensorSpec("w", (2,)),)
    data = encode({"w": np.array([1.0, -2.0], np.float32)}, layout)
    assert data[:8] == b"DSKBTNS\x01"
    assert data[8:40].hex() == layout_hash(layout)
    assert data[40:].hex() == "0000803f000000c0"


@given(SPECS, st.data())
def test_any_layout_round_trips(layout, data):
    finite = st.floats(width=32, allow_nan=False, allow_infinity=False)
    tensors = {s.name: data.draw(hnp.arrays(np.float32, s.shape, elements=finite)) for s in layout}
    again = decode(encode(tensors, layout), layout)
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(again[name], tensor)


def test_views_and_foreign_byte_orders_are_written_alike():
    layout = (TensorSpec("w", (3, 2)),)
    plain = np.arange(6, dtype=np.float32).reshape(3, 2)
    transposed = np.ascontiguousarray(plain.T).T
    assert encode({"w": transposed}, layout) == encode({"w": plain}, layout)
    assert encode({"w": plain.astype(">f4")}, layout) == encode({"w": plain}, layout)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_never_pass(value):
    tensors = some_tensors()
    position = HEADER_BYTES + 7 * 4
    data = bytearray(encode(tensors, LAYOUT))
    data[position : position + 4] = np.array(value, "<f4").tobytes()
    assert code_of(bytes(data)) is RefusalCode.WEIGHTS_NOT_FINITE
    tensors["embed.weight"][1, 2] = value
    with pytest.raises(ValueError, match="finite"):
        encode(tensors, LAYOUT)


def test_every_other_length_is_refused_before_anything_else():
    data = encode(some_tensors(), LAYOUT)
    for length in range(len(data)):
        assert code_of(data[:length]) is RefusalCode.WEIGHTS_MALFORMED
    assert code_of(data + b"\x00") is RefusalCode.WEIGHTS_MALFORMED
    assert code_of(b"\x93NUMPY" + data) is RefusalCode.WEIGHTS_MALFORMED


def test_every_changed_byte_of_the_header_is_refused():
    data = encode(some_tensors(), LAYOUT)
    for position in range(HEADER_BYTES):
        changed = bytearray(data)
        changed[position] ^= 0x01
        assert code_of(bytes(changed)) is RefusalCode.WEIGHTS_MALFORMED


@settings(max_examples=200)
@given(st.binary(max_size=encoded_size(LAYOUT) + 8), st.booleans())
def test_no_bytes_do_more_than_be_refused(noise, dressed):
    data = MAGIC + bytes.fromhex(layout_hash(LAYOUT)) + noise if dressed else noise
    try:
        tensors = decode(data, LAYOUT)
    except Refusal:
        return
    assert encode(tensors, LAYOUT) == data


@pytest.mark.parametrize(
    "other",
    [
        (TensorSpec("embed.weight", (3, 4)), *LAYOUT[1:]),
        (TensorSpec("embed.bias", (4, 3)), *LAYOUT[1:]),
        (LAYOUT[0], TensorSpec("sums", (5,), "int64"), TensorSpec("scale", ())),
    ],
)
def test_another_layout_of_the_same_length_is_refused(other):
    assert encoded_size(other) == encoded_size(LAYOUT)
    assert layout_hash(other) != layout_hash(LAYOUT)
    assert code_of(encode(some_tensors(), LAYOUT), other) is RefusalCode.WEIGHTS_MALFORMED


def test_encode_takes_only_the_tensors_of_the_layout():
    for changes in (
        {"extra": np.zeros(1, np.float32)},
        {"scale": np.zeros((1,), np.float32)},
        {"scale": np.zeros((), np.float64)},
        {"sums": np.zeros(5, np.float32)},
    ):
        with pytest.raises(ValueError, match="layout"):
            encode(some_tensors() | changes, LAYOUT)
    missing = some_tensors()
    del missing["scale"]
    with pytest.raises(ValueError, match="layout"):
        encode(missing, LAYOUT)


@pytest.mark.parametrize(
    "arguments",
    [
        ("", (1,)),
        ("a b", (1,)),
        ("ü", (1,)),
        ("w", (0,)),
        ("w", (-1,)),
        ("w", (True,)),
        ("w", (1,) * 9),
        ("w", (2**31, 2)),
        ("w", (1,), "float64"),
    ],
)
def test_a_spec_is_checked_where_it_is_written(arguments):
    with pytest.raises(ValueError, match="tensor"):
        TensorSpec(*arguments)


def test_two_tensors_of_one_name_are_no_layout():
    with pytest.raises(ValueError, match="same name"):
        layout_hash((TensorSpec("w", (1,)), TensorSpec("w", (2,))))
