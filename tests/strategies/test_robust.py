import resource
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from deskbound_strategies import robust
from deskbound_strategies.codec import TensorSpec
from deskbound_strategies.contract import ROBUST
from deskbound_strategies.errors import DiskFullError
from deskbound_strategies.robust import SpooledTrimmedMean, cut_at_each_end

LAYOUT = (TensorSpec("weight", (3, 2)), TensorSpec("bias", (2,)), TensorSpec("scale", ()))
values = st.floats(-1e6, 1e6, width=32)


def updates():
    return st.fixed_dictionaries(
        {spec.name: hnp.arrays(np.float32, spec.shape, elements=values) for spec in LAYOUT}
    )


def combined(aggregation, replies):
    with SpooledTrimmedMean(LAYOUT, aggregation) as spool:
        for reply in replies:
            spool.add(reply)
        assert spool.count == len(replies)
        return spool.result()


def stacked(replies, name):
    return np.stack([reply[name] for reply in replies]).astype(np.float64)


@given(st.lists(updates(), min_size=1, max_size=15))
def test_the_median_is_that_of_numpy_over_the_whole_stack(replies):
    for name, value in combined("median", replies).items():
        wanted = np.median(stacked(replies, name), axis=0)
        np.testing.assert_allclose(value, wanted, rtol=1e-12, atol=1e-9)


@given(st.lists(updates(), min_size=1, max_size=15), st.integers(1, 49))
def test_a_trimmed_mean_leaves_out_the_share_it_names_at_each_end(replies, percent):
    cut = int(len(replies) * percent / 100)
    for name, value in combined(f"trimmed-mean-{percent:02}", replies).items():
        kept = np.sort(stacked(replies, name), axis=0)[cut : len(replies) - cut]
        np.testing.assert_allclose(value, kept.mean(axis=0), rtol=1e-12, atol=1e-9)


@given(st.lists(updates(), min_size=2, max_size=8), st.sampled_from(ROBUST), st.randoms())
def test_the_order_of_replies_changes_no_bit(replies, aggregation, random):
    shuffled = list(replies)
    random.shuffle(shuffled)
    forward, backward = combined(aggregation, replies), combined(aggregation, shuffled)
    for name, value in forward.items():
        np.testing.assert_array_equal(value, backward[name])


@given(st.lists(updates(), min_size=2, max_size=9), st.data())
def test_fewer_liars_than_are_cut_never_lead_beyond_the_honest(replies, data):
    """Yin et al.: with at most k liars every coordinate lies between honest values."""
    cut = cut_at_each_end("median", len(replies))
    liars = data.draw(st.lists(updates(), min_size=cut, max_size=cut))
    honest = replies[cut:]
    for name, value in combined("median", [*liars, *honest]).items():
        truth = stacked(honest, name)
        assert (value >= truth.min(axis=0)).all()
        assert (value <= truth.max(axis=0)).all()


@pytest.mark.parametrize("slice_bytes", [1, 4, 36, 100, 4096])
def test_the_size_of_a_slice_does_not_show(monkeypatch, slice_bytes):
    rng = np.random.default_rng(slice_bytes)
    replies = [{s.name: rng.normal(size=s.shape).astype("f4") for s in LAYOUT} for _ in range(9)]
    whole = combined("trimmed-mean-25", replies)
    monkeypatch.setattr(robust, "SLICE_BYTES", slice_bytes)
    for name, value in combined("trimmed-mean-25", replies).items():
        np.testing.assert_array_equal(value, whole[name])


@given(st.sampled_from(ROBUST), st.integers(1, 10_000))
def test_somebody_is_always_left(aggregation, replies):
    assert 0 <= 2 * cut_at_each_end(aggregation, replies) < replies


def test_a_name_that_there_is_not_makes_nothing():
    for name in ("mean", "plain", "told", "trimmed-mean", "trimmed-mean-50", "secagg", ""):
        with pytest.raises(ValueError, match="no such aggregation"):
            SpooledTrimmedMean(LAYOUT, name)


def test_an_update_of_another_layout_adds_nothing():
    with SpooledTrimmedMean(LAYOUT, "median") as spool:
        with pytest.raises(ValueError, match="layout"):
            spool.add({"weight": np.ones((2, 3), np.float32)})
        assert spool.count == 0
        with pytest.raises(ValueError, match="no updates"):
            spool.result()


def test_where_there_is_no_room_it_says_so_and_adds_nothing(tmp_path):
    with pytest.raises(DiskFullError):
        SpooledTrimmedMean(LAYOUT, "median", tmp_path / "none")
    update = {spec.name: np.ones(spec.shape, np.float32) for spec in LAYOUT}
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with SpooledTrimmedMean(LAYOUT, "median", tmp_path) as spool:
        spool.add(update)
        resource.setrlimit(resource.RLIMIT_FSIZE, (40, before[1]))
        try:
            with pytest.raises(DiskFullError):
                spool.add({name: 5 * value for name, value in update.items()})
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert spool.count == 1
        spool.add(update)
        np.testing.assert_array_equal(spool.result()["bias"], [1.0, 1.0])


_PEAK = """
import resource, sys
import numpy as np
from deskbound_strategies.codec import TensorSpec
from deskbound_strategies.robust import SpooledTrimmedMean
layout = (TensorSpec("w", (100_000,)),)
rng = np.random.default_rng(0)
with SpooledTrimmedMean(layout, "median") as spool:
    for _ in range(int(sys.argv[1])):
        spool.add({"w": rng.random(100_000, np.float32)})
    spool.result()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_grow_with_the_number_of_replies():
    def peak(replies):
        words = [sys.executable, "-c", _PEAK, str(replies)]
        return int(subprocess.run(words, capture_output=True, check=True, text=True).stdout)

    assert peak(400) < 1.1 * peak(40), "160 MB of replies against 16 MB"
