"""Replies wait in a file without a name, and come back as they were."""

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from deskbound_strategies.codec import TensorSpec
from deskbound_strategies.spool import Spool

LAYOUT = (TensorSpec("weight", (3, 2)), TensorSpec("bias", (2,)), TensorSpec("scale", ()))


def open_files():
    for link in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the listing's own
            yield str(link.readlink())


def an_update(seed):
    rng = np.random.default_rng(seed)
    return {spec.name: rng.normal(size=spec.shape).astype(np.float32) for spec in LAYOUT}


def flat(update):
    return np.concatenate([update[spec.name].ravel() for spec in LAYOUT])


def test_replies_wait_in_a_file_that_has_no_name_and_goes_with_it(tmp_path):
    spool = Spool(LAYOUT, tmp_path)
    spool.add(an_update(1))
    assert list(tmp_path.iterdir()) == []
    assert any(
        name.startswith(str(tmp_path)) and name.endswith("(deleted)") for name in open_files()
    )
    spool.close()
    with pytest.raises(ValueError, match="closed"):
        spool.add(an_update(1))


def test_what_waited_is_read_back_by_reply_and_by_coordinate():
    spool, updates = Spool(LAYOUT), [an_update(seed) for seed in range(4)]
    for update in updates:
        spool.add(update)
    assert (spool.count, spool.dimension) == (4, 9)
    for number, update in enumerate(updates):
        np.testing.assert_array_equal(spool.read(number), flat(update))
        for name, value in spool.shaped(spool.read(number).astype(float)).items():
            np.testing.assert_array_equal(value, update[name])
    np.testing.assert_array_equal(
        spool.column(2, 7), np.stack([flat(update)[2:7] for update in updates])
    )
    spool.close()
