"""Tasks: how they are found, and how weights and units go in and out."""

import numpy as np
import pytest
import torch

from deskbound_strategies.codec import decode, encode
from deskbound_strategies.errors import Refusal, RefusalCode
from deskbound_strategies.next_action import TASK
from deskbound_strategies.task import collate, find_task, load_weights, weights_of
from tests.helpers.learning import some_units


def test_the_installed_task_is_found_by_name():
    assert find_task("next_action") is TASK


@pytest.mark.parametrize("name", ["", "next_action ", "os:system"])
def test_another_name_is_refused(name):
    with pytest.raises(Refusal) as refused:
        find_task(name)
    assert refused.value.code is RefusalCode.TASK_UNKNOWN


def test_weights_survive_the_codec_and_another_model():
    weights = weights_of(TASK.build_model(5))
    layout = TASK.layout()
    other = TASK.build_model(6)
    load_weights(other, decode(encode(weights, layout), layout))
    assert list(weights) == [spec.name for spec in layout]
    assert all((weights[name] == value).all() for name, value in weights_of(other).items())


def test_weights_are_copies_both_ways():
    model = TASK.build_model(5)
    weights = weights_of(model)
    weights["heads.bias"][:] = 9.0
    assert not model.heads.bias.any()
    load_weights(model, weights)
    weights["heads.bias"][:] = 1.0
    assert (model.heads.bias == 9.0).all()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"heads.bias": np.zeros(2, np.float32)}, RefusalCode.WEIGHTS_MALFORMED),
        ({"heads.bias": np.zeros(240, np.float64)}, RefusalCode.WEIGHTS_MALFORMED),
        ({"other": np.zeros(2, np.float32)}, RefusalCode.WEIGHTS_MALFORMED),
        ({"heads.bias": np.full(240, np.nan, np.float32)}, RefusalCode.WEIGHTS_NOT_FINITE),
    ],
)
def test_weights_that_do_not_fit_are_refused_and_change_nothing(change, code):
    model = TASK.build_model(5)
    before = weights_of(model)
    with pytest.raises(Refusal) as refused:
        load_weights(model, weights_of(TASK.build_model(6)) | change)
    assert refused.value.code is code
    assert all((before[name] == value).all() for name, value in weights_of(model).items())


def test_units_are_padded_at_the_end():
    short, long = some_units([2, 5])
    batch = collate([short, long])
    assert batch.present.tolist() == [[True] * 2 + [False] * 3, [True] * 5]
    for name in ("tokens", "apps", "gaps", "hours"):
        rows = getattr(batch, name)
        assert rows.dtype == torch.int64
        assert rows[0, :2].tolist() == getattr(short, name).tolist()
        assert rows[1].tolist() == getattr(long, name).tolist()
        assert not rows[0, 2:].any()
