"""Finds the laptop's training code, which the auditor runs and never imports by name.

``deskbound_audit`` stands on strategies alone. A distribution that trains registers its training
function in the entry point group ``deskbound.trainers``, as tasks are in ``deskbound.tasks``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from deskbound_strategies.contract import RoundContract
from deskbound_strategies.errors import NotFoundError
from deskbound_strategies.task import Task, Unit

ENTRY_POINTS = "deskbound.trainers"
NAME = "dp_sgd"


class Trainer(Protocol):
    """What a laptop does between budget and wire."""

    def __call__(
        self,
        task: Task,
        weights: Mapping[str, NDArray[np.float32]],
        units: Sequence[Unit],
        contract: RoundContract,
    ) -> Mapping[str, NDArray[Any]]:
        """Return the noised change of the weights."""


@dataclass(frozen=True, slots=True)
class Installed:
    """A trainer and what it was installed as.

    Attributes:
        train: the function.
        distribution: name and version of the distribution that it came with.
    """

    train: Trainer
    distribution: str


def find_trainer() -> Installed:
    """Return the installed trainer.

    Raises:
        NotFoundError: when the laptop's code is not installed beside the auditor's.
    """
    for found in entry_points(group=ENTRY_POINTS, name=NAME):
        came_with = "unknown" if found.dist is None else f"{found.dist.name} {found.dist.version}"
        return Installed(cast("Trainer", found.load()), came_with)
    raise NotFoundError(
        "The laptop's training code is not installed here, so there is nothing to attack.",
        "Install the version to be audited beside this tool: pip install deskbound-client.",
    )
