import hashlib
import json

import numpy as np
import pytest

from deskbound_server.held_out import (
    HeldOut,
    generated_units,
    keep_file,
    open_held_out,
    read_units,
    write_units,
)
from deskbound_server.model_store import ModelStore
from deskbound_strategies.errors import ConfigError, NotFoundError
from deskbound_strategies.next_action import TASK
from deskbound_strategies.task import weights_of
from deskbound_strategies.vocabulary import VOCABULARY_HASH
from tests.helpers.learning import some_units
from tests.helpers.server import new_plan

UNITS = some_units([5, 2, 30])
FILE = write_units(UNITS, VOCABULARY_HASH)


def test_the_loss_is_the_mean_over_units_whatever_their_order():
    weights = weights_of(TASK.build_model(1))
    one_by_one = [HeldOut(TASK, (unit,)).loss(weights) for unit in UNITS]
    together = HeldOut(TASK, tuple(UNITS)).loss(weights)
    assert together == pytest.approx(np.mean(one_by_one), rel=1e-5)
    assert HeldOut(TASK, tuple(reversed(UNITS))).loss(weights) == together


def test_generated_units_are_the_same_each_time_and_fit_the_task():
    first, again = generated_units(), generated_units()
    assert write_units(first, VOCABULARY_HASH) == write_units(again, VOCABULARY_HASH)
    assert len(first) > 20
    held_out = open_held_out(new_plan(held_out="generated"), TASK, ModelStore)
    assert 1.0 < held_out.loss(weights_of(TASK.build_model(1))) < 10.0


def test_a_file_written_is_the_file_read():
    for unit, read in zip(UNITS, read_units(FILE, VOCABULARY_HASH), strict=True):
        for name in type(unit).__slots__:
            np.testing.assert_array_equal(getattr(unit, name), getattr(read, name))


def line(**changes) -> bytes:
    row = {"tokens": [1, 2], "apps": [0, 0], "gaps": [0, 1], "hours": [9, 9]}
    return json.dumps({k: v for k, v in (row | changes).items() if v is not None}).encode()


@pytest.mark.parametrize(
    "wrong",
    [
        b"", b"{", b"[]", b"[" * 5000, line(tokens=[1, 10_000]), line(tokens=[1, -1]),
        line(tokens=[1, 2.0]), line(tokens=[1, True]), line(tokens=[1]), line(tokens=[1, 2, 3]),
        line(tokens=[]), line(hours=[9, 24]), line(apps=None), line(extra=[1, 2]),
        line(tokens="12"), line(tokens=[1, 2] * 3000),
    ],
)  # fmt: skip
def test_a_line_that_is_no_unit_is_named(wrong):
    head = FILE.splitlines()[0]
    with pytest.raises(ConfigError, match="Line 3"):
        read_units(b"\n".join([head, line(), wrong, line()]), VOCABULARY_HASH)


@pytest.mark.parametrize("data", [b"", b"\n", FILE.splitlines()[0], FILE[1:], FILE + b" " * 2**24])
def test_what_is_no_such_file_is_not_taken(data):
    with pytest.raises(ConfigError, match="held-out file"):
        read_units(data, VOCABULARY_HASH)


def test_another_vocabulary_is_not_taken():
    with pytest.raises(ConfigError, match="Line 1"):
        read_units(FILE, "ab" * 32)


def test_the_file_is_kept_as_it_was_when_the_run_began(tmp_path):
    models = ModelStore(tmp_path / "models")
    models.folder.mkdir()
    (tmp_path / "public.jsonl").write_bytes(FILE)
    plan = new_plan(held_out="file", held_out_file="public.jsonl")
    kept = keep_file(plan, tmp_path, models)
    assert kept.held_out_hash == hashlib.sha256(FILE).hexdigest()
    (tmp_path / "public.jsonl").write_bytes(b"changed")
    assert len(open_held_out(kept, TASK, models).units) == len(UNITS)
    with pytest.raises(ConfigError):
        keep_file(plan, tmp_path, models)
    (tmp_path / "public.jsonl").write_bytes(write_units(UNITS[:2], VOCABULARY_HASH))
    with pytest.raises(ConfigError, match="not the one that held_out_hash names"):
        keep_file(kept, tmp_path, models)
    models.path(kept.held_out_hash).unlink()
    with pytest.raises(NotFoundError):
        open_held_out(kept, TASK, models)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.jsonl cannot be read"):
        keep_file(new_plan(held_out="file", held_out_file="none.jsonl"), tmp_path, ModelStore)


def test_nothing_is_kept_or_opened_where_nothing_is_held_out(tmp_path):
    plan = new_plan(held_out="none")
    assert keep_file(plan, tmp_path, ModelStore) is plan
    assert open_held_out(plan, TASK, ModelStore) is None


def test_a_task_of_another_vocabulary_is_not_tried_on_generated_days():
    class Other:
        name, vocabulary_hash = "other", "ab" * 32

    with pytest.raises(ConfigError, match="vocabulary of task other"):
        open_held_out(new_plan(held_out="generated"), Other(), ModelStore)
