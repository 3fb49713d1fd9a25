"""A released model in the forms that other programs read; its lineage travels inside.

``bin`` is what laptops get, byte for byte. ``safetensors`` holds the same numbers by name and
cannot hold code. ``onnx`` holds the computation too, for any number of units of any length.
Nothing here opens a connection.
"""

import importlib.util
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from safetensors.numpy import save
from torch import Tensor, nn

from deskbound_server.lineage import Lineage
from deskbound_server.model_store import Format, ModelStore
from deskbound_strategies.codec import decode
from deskbound_strategies.errors import ConfigError, Refusal
from deskbound_strategies.task import Batch, Task, Weights, find_task, load_weights

OPSET = 18
INPUTS = ("tokens", "apps", "gaps", "hours")
OUTPUT = "output"
PREFIX = "deskbound."


def exported(models: ModelStore, lineage: Lineage, form: Format) -> bytes:
    """Return a model's file, after checking that it is what was released.

    Raises:
        NotFoundError, VaultDamagedError: the model's own file is gone or was changed.
        ConfigError: the task installed here has another model, or a package is missing.
    """
    if form is Format.BIN:
        return models.load(lineage.model)
    task = find_task(lineage.task)
    weights = weights_of_released(models, lineage.model, task)
    if form is Format.SAFETENSORS:
        return save(weights, {PREFIX + name: text for name, text in lineage.texts().items()})
    return _onnx(task, weights, lineage)


def weights_of_released(models: ModelStore, model: str, task: Task) -> Weights:
    """Return a released model's weights.

    Args:
        models: where they lie.
        model: its whole hash.
        task: that it is of.

    Raises:
        NotFoundError, VaultDamagedError: the model's own file is gone or was changed.
        ConfigError: the task installed here has another model.
    """
    try:
        return decode(models.load(model), task.layout())
    except Refusal:
        raise ConfigError(
            f"The task {task.name} installed here has another layout than model {model[:12]}.",
            "Install the version that trained it; 'model export --format bin' works without it.",
        ) from None


class _Columns(nn.Module):
    """A task's model with a batch's columns as arguments of their own."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, tokens: Tensor, apps: Tensor, gaps: Tensor, hours: Tensor) -> Tensor:
        present = torch.ones_like(tokens, dtype=torch.bool)
        found: Tensor = self.model(Batch(tokens, apps, gaps, hours, present))
        return found


def _onnx(task: Task, weights: Weights, lineage: Lineage) -> bytes:
    """Return an ONNX model: four (units, length) int64 inputs, one output per position."""
    if any(importlib.util.find_spec(name) is None for name in ("onnx", "onnxscript")):
        raise ConfigError(
            "The packages that write ONNX are not installed.",
            "Install deskbound-server[onnx], or export with --format safetensors.",
        )
    model = task.build_model(0)
    if type(model).forward is nn.Module.forward:
        raise ConfigError(
            f"A model of {task.name} is a table, with no computation that ONNX could hold.",
            "Export it with --format safetensors.",
        )
    load_weights(model, weights)
    example = tuple(torch.zeros((2, 3), dtype=torch.int64) for _ in INPUTS)
    free = {0: torch.export.Dim("units"), 1: torch.export.Dim("length", min=2)}
    with _quiet():
        program: Any = torch.onnx.export(
            _Columns(model).eval(),
            example,
            input_names=INPUTS,
            output_names=(OUTPUT,),
            dynamic_shapes=tuple(free for _ in INPUTS),
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
        for name, text in lineage.texts().items():
            program.model.metadata_props[PREFIX + name] = text
        return bytes(program.model_proto.SerializeToString())


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep to ourselves what the exporter says about its own insides."""
    log = logging.getLogger("torch.onnx")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(before)
