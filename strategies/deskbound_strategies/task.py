"""What a learning task is: units in, a loss per unit and honest metrics out.

A task is one file and one entry point of the group ``deskbound.tasks``. The laptop trains only
tasks that are installed on it; a contract names one, it never brings one along.

torch takes seconds to load, and most who name a task never compute with it: it is loaded by those
functions that do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from deskbound_strategies.codec import Layout, TensorSpec
from deskbound_strategies.errors import Refusal, RefusalCode

if TYPE_CHECKING:
    from torch import Tensor, nn

ENTRY_POINTS = "deskbound.tasks"
GUESSES = 5
_EVALUATED_AT_ONCE = 16  # units

Weights = dict[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """One privacy unit: consecutive actions of one laptop, one DP-SGD sample.

    Attributes:
        tokens: (n,) indices into ``TOKENS``.
        apps: (n,) indices into ``APPS``.
        gaps: (n,) bins of the pause before each action, or ``GAP_UNKNOWN``.
        hours: (n,) hour of day (UTC), 0 to 23.
    """

    tokens: NDArray[np.int64]
    apps: NDArray[np.int64]
    gaps: NDArray[np.int64]
    hours: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.tokens)


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Units side by side, padded at the end to one length.

    Attributes:
        tokens, apps, gaps, hours: (units, length) int64; padding holds zeros.
        present: (units, length) bool; false where there is padding.
    """

    tokens: "Tensor"
    apps: "Tensor"
    gaps: "Tensor"
    hours: "Tensor"
    present: "Tensor"


@dataclass(frozen=True, slots=True)
class Metrics:
    """How often the right action was the first guess, or among the first five.

    Attributes:
        positions: how many actions were predicted.
        hit1: share of them that was the first guess.
        hit5: share of them that was among the first five guesses.
    """

    positions: int
    hit1: float
    hit5: float


class Task(Protocol):
    """One thing to learn from units.

    Attributes:
        name: as contracts call it.
        vocabulary_hash: of the words it reads.
        held_out: whether it asks for the days that are held out, and not for those to learn from.
    """

    name: str
    vocabulary_hash: str
    held_out: bool

    def layout(self) -> Layout:
        """Return the layout of the model's weights: names, shapes, order."""

    def build_model(self, seed: int) -> "nn.Module":
        """Return a new model whose weights depend on the seed alone."""

    def collate(self, units: Sequence[Unit]) -> Batch:
        """Put units side by side."""

    def loss_per_unit(self, model: "nn.Module", batch: Batch) -> "Tensor":
        """Return (units,) losses; each depends on its own unit alone."""

    def scores(self, model: "nn.Module", batch: Batch) -> "Tensor":
        """Return (units, length, tokens) scores of what follows each action: log probabilities."""

    def evaluate(self, model: "nn.Module", units: Sequence[Unit]) -> Metrics:
        """Return how well the model predicts these units, without changing it."""


def find_task(name: str) -> Task:
    """Return the installed task of that name.

    Raises:
        Refusal: ``task-unknown`` when no such task is installed.
    """
    found = entry_points(group=ENTRY_POINTS, name=name)
    if not found:
        raise Refusal(RefusalCode.TASK_UNKNOWN)
    return cast("Task", next(iter(found)).load())


def collate(units: Sequence[Unit]) -> Batch:
    """Put at least one unit side by side, padded at the end to the longest."""
    import torch  # noqa: PLC0415 - as above

    length = max(len(unit) for unit in units)
    columns = np.zeros((4, len(units), length), dtype=np.int64)
    present = np.zeros((len(units), length), dtype=np.bool_)
    for row, unit in enumerate(units):
        columns[:, row, : len(unit)] = unit.tokens, unit.apps, unit.gaps, unit.hours
        present[row, : len(unit)] = True
    tokens, apps, gaps, hours = torch.from_numpy(columns)
    return Batch(tokens, apps, gaps, hours, torch.from_numpy(present))


def evaluate(task: Task, model: "nn.Module", units: Sequence[Unit]) -> Metrics:
    """Return how often a task's best score, or one of its five best, was the right action's."""
    import torch  # noqa: PLC0415 - as above

    positions = first = among = 0
    ordered = sorted((unit for unit in units if len(unit) > 1), key=len)
    with torch.no_grad():
        for start in range(0, len(ordered), _EVALUATED_AT_ONCE):
            batch = task.collate(ordered[start : start + _EVALUATED_AT_ONCE])
            guesses = task.scores(model, batch)[:, :-1].topk(GUESSES, dim=-1).indices
            right = guesses == batch.tokens[:, 1:, None]
            right &= batch.present[:, 1:, None]
            positions += int(batch.present[:, 1:].sum())
            first += int(right[..., 0].sum())
            among += int(right.any(dim=-1).sum())
    return Metrics(positions, first / max(positions, 1), among / max(positions, 1))


def layout_of(model: "nn.Module") -> Layout:
    """Return the layout of a model's parameters, in their order of definition."""
    return tuple(TensorSpec(name, tuple(p.shape)) for name, p in model.named_parameters())


def weights_of(model: "nn.Module") -> Weights:
    """Return copies of a model's parameters in layout order."""
    return {name: p.detach().numpy().copy() for name, p in model.named_parameters()}


def load_weights(model: "nn.Module", weights: Mapping[str, NDArray[np.float32]]) -> None:
    """Set a model's parameters.

    Raises:
        Refusal: ``weights-malformed`` when a name is missing or extra or a shape or type differs,
            ``weights-not-finite`` when a value is NaN or infinite.
    """
    import torch  # noqa: PLC0415 - as above

    parameters = dict(model.named_parameters())
    if set(parameters) != set(weights):
        raise Refusal(RefusalCode.WEIGHTS_MALFORMED)
    for name, parameter in parameters.items():
        value = weights[name]
        if value.shape != tuple(parameter.shape) or value.dtype != np.float32:
            raise Refusal(RefusalCode.WEIGHTS_MALFORMED)
        if not np.isfinite(value).all():
            raise Refusal(RefusalCode.WEIGHTS_NOT_FINITE)
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(torch.from_numpy(np.array(weights[name])))
