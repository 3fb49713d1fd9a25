import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from deskbound_strategies.aggregation import StreamingMean, norm
from deskbound_strategies.codec import TensorSpec

LAYOUT = (TensorSpec("weight", (3, 2)), TensorSpec("bias", (2,)))
values = st.floats(-1e6, 1e6, width=32)


def updates():
    return st.fixed_dictionaries(
        {spec.name: hnp.arrays(np.float32, spec.shape, elements=values) for spec in LAYOUT}
    )


@given(st.lists(updates(), min_size=1, max_size=20))
def test_the_mean_is_that_of_numpy_over_the_whole_stack(replies):
    mean = StreamingMean(LAYOUT)
    for reply in replies:
        mean.add(reply)
    assert mean.count == len(replies)
    for name, value in mean.result().items():
        stacked = np.stack([reply[name] for reply in replies]).astype(np.float64)
        np.testing.assert_allclose(value, stacked.mean(axis=0), rtol=1e-12, atol=1e-9)


@given(st.lists(updates(), min_size=2, max_size=8), st.randoms())
def test_the_order_of_replies_does_not_show_in_the_released_model(replies, random):
    shuffled = list(replies)
    random.shuffle(shuffled)
    forward, backward = StreamingMean(LAYOUT), StreamingMean(LAYOUT)
    for reply in replies:
        forward.add(reply)
    for reply in shuffled:
        backward.add(reply)
    for name, value in forward.result().items():
        np.testing.assert_allclose(value, backward.result()[name], rtol=1e-9, atol=1e-9)


def test_adding_does_not_change_or_keep_the_update():
    update = {"weight": np.ones((3, 2), np.float32), "bias": np.ones(2, np.float32)}
    mean = StreamingMean(LAYOUT)
    mean.add(update)
    update["bias"][:] = 7
    np.testing.assert_array_equal(mean.result()["bias"], [1.0, 1.0])
    mean.result()["bias"][:] = 9
    np.testing.assert_array_equal(mean.result()["bias"], [1.0, 1.0])


@pytest.mark.parametrize(
    "wrong",
    [
        {"weight": np.ones((3, 2), np.float32)},
        {"weight": np.ones((2, 3), np.float32), "bias": np.ones(2, np.float32)},
        {"weight": np.ones((3, 2), np.float32), "other": np.ones(2, np.float32)},
    ],
)
def test_an_update_of_another_layout_adds_nothing(wrong):
    mean = StreamingMean(LAYOUT)
    with pytest.raises(ValueError, match="layout"):
        mean.add(wrong)
    assert mean.count == 0
    with pytest.raises(ValueError, match="no updates"):
        mean.result()


@given(updates())
def test_the_norm_is_that_of_the_concatenation(update):
    flat = np.concatenate([value.ravel() for value in update.values()]).astype(np.float64)
    assert norm(update) == pytest.approx(float(np.linalg.norm(flat)), rel=1e-12)


def test_the_norm_does_not_overflow_in_float32():
    assert norm({"bias": np.full(2, 1e30, np.float32)}) == pytest.approx(1.4142e30, rel=1e-3)
