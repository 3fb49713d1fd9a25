"""Models as other programs read them: by safetensors and onnxruntime themselves."""

import sys
from contextlib import closing
from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import load

from deskbound_server import model_export
from deskbound_server.database import Database
from deskbound_server.lineage import lineage_of, released
from deskbound_server.model_export import INPUTS, OPSET, exported
from deskbound_server.model_store import Format, ModelStore
from deskbound_strategies.action_counts import TASK as ACTION_COUNTS
from deskbound_strategies.codec import decode, encode
from deskbound_strategies.errors import ConfigError
from deskbound_strategies.next_action import TASK
from deskbound_strategies.task import load_weights, weights_of
from tests.helpers.learning import some_units
from tests.helpers.released import write_history

_calls: list[str] = []
sys.addaudithook(lambda event, _: _calls.append(event) if event.startswith("socket.") else None)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """The models' folder, the latest model's lineage, and its weights."""
    folder = tmp_path_factory.mktemp("models")
    with closing(Database.open(folder / "deskbound.db")) as database:
        write_history(database, ModelStore(folder))
        found = lineage_of(database, released(database)[-1])
    return ModelStore(folder), found, decode(ModelStore(folder).load(found.model), TASK.layout())


def test_safetensors_hold_the_weights_and_the_lineage(model, tmp_path):
    models, lineage, weights = model
    data = exported(models, lineage, Format.SAFETENSORS)
    read = load(data)
    assert read.keys() == weights.keys()
    for name, value in weights.items():
        np.testing.assert_array_equal(read[name], value)
    (tmp_path / "model.safetensors").write_bytes(data)
    with safe_open(tmp_path / "model.safetensors", "numpy") as file:
        metadata = file.metadata()
    assert metadata == {f"deskbound.{name}": text for name, text in lineage.texts().items()}


def test_onnx_computes_what_torch_computes_for_any_number_and_length(model):
    models, lineage, weights = model
    _calls.clear()
    data = exported(models, lineage, Format.ONNX)
    assert _calls == [], "nothing here opens a connection"
    proto = onnx.load_from_string(data)
    onnx.checker.check_model(proto, full_check=True)
    assert next(entry.version for entry in proto.opset_import if not entry.domain) == OPSET
    metadata = {entry.key: entry.value for entry in proto.metadata_props}
    assert {f"deskbound.{name}": text for name, text in lineage.texts().items()} == metadata

    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    assert tuple(one.name for one in session.get_inputs()) == INPUTS
    trained = TASK.build_model(0)
    load_weights(trained, weights)
    for units, length in ((1, 2), (2, 3), (5, 40), (3, 256)):
        batch = TASK.collate(some_units([length] * units, seed=length))
        with torch.no_grad():
            wanted = trained(batch).numpy()
        asked = {name: getattr(batch, name).numpy() for name in INPUTS}
        (found,) = session.run(None, asked)
        np.testing.assert_allclose(found, wanted, atol=1e-4)


def test_the_bare_form_is_the_file_itself(model):
    models, lineage, _ = model
    assert exported(models, lineage, Format.BIN) == models.load(lineage.model)


def test_a_model_of_another_layout_is_named(model):
    models, lineage, _ = model
    other = replace(lineage, model=models.save(b"weights of another version"))
    with pytest.raises(ConfigError, match="another layout"):
        exported(models, other, Format.SAFETENSORS)
    assert exported(models, other, Format.BIN) == b"weights of another version"


def test_without_the_packages_it_says_how_to_get_them(model, monkeypatch):
    models, lineage, _ = model
    monkeypatch.setattr(model_export.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ConfigError) as caught:
        exported(models, lineage, Format.ONNX)
    assert "deskbound-server[onnx]" in caught.value.mend


def test_counts_have_no_computation_to_export(model, tmp_path):
    _, lineage, _ = model
    models = ModelStore(tmp_path)
    name = models.save(encode(weights_of(ACTION_COUNTS.build_model(0)), ACTION_COUNTS.layout()))
    counts = replace(lineage, task=ACTION_COUNTS.name, model=name)
    assert load(exported(models, counts, Format.SAFETENSORS)).keys() >= {"pairs.weight"}
    with pytest.raises(ConfigError, match="action_counts is a table"):
        exported(models, counts, Format.ONNX)
