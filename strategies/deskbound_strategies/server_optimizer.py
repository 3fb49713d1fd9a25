"""How the server turns the mean update of a round into the next model.

A server optimizer is post-processing: it sees only the mean of noised updates, so no choice here
changes what was given away (Reddi et al. 2021, *Adaptive Federated Optimization*, arXiv 2003.00295;
FedAvgM: Hsu et al. 2019, arXiv 1909.06335).

``advance`` is pure. Moments are kept in float32, the precision in which they are saved, so a run
that was killed and resumed computes bit for bit what an undisturbed run computes.
"""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from deskbound_strategies.aggregation import FloatTensors
from deskbound_strategies.codec import Layout, Tensors, TensorSpec, decode, encode

Name = Literal["fedavg", "fedavgm", "fedadam"]
NAMES: tuple[Name, ...] = ("fedavg", "fedavgm", "fedadam")

_MOMENTS: dict[Name, tuple[str, ...]] = {
    "fedavg": (),
    "fedavgm": ("velocity",),
    "fedadam": ("first", "second"),
}
_STEP = "step"


@dataclass(frozen=True, slots=True)
class ServerOptimizer:
    """Which rule, with its constants.

    Attributes:
        name: ``fedavg``, ``fedavgm`` or ``fedadam``.
        learning_rate: factor on the (averaged or scaled) update; 1.0 with ``fedavg`` is plain
            federated averaging.
        momentum: decay of the velocity (``fedavgm``) or of the first moment (``fedadam``).
        second_momentum: decay of the second moment (``fedadam``).
        stability: added to the root of the second moment (``fedadam``), tau in the paper.

    Raises:
        ValueError: when a constant is outside its range.
    """

    name: Name = "fedavg"
    learning_rate: float = 1.0
    momentum: float = 0.9
    second_momentum: float = 0.99
    stability: float = 1e-3

    def __post_init__(self) -> None:
        if self.name not in NAMES:
            raise ValueError("the server optimizer is fedavg, fedavgm or fedadam")
        if not (0.0 < self.learning_rate < 1e3 and 0.0 < self.stability < 1e3):
            raise ValueError("learning rate and stability of the server optimizer are positive")
        if not (0.0 <= self.momentum < 1.0 and 0.0 <= self.second_momentum < 1.0):
            raise ValueError("momenta of the server optimizer lie in [0, 1)")


@dataclass(frozen=True, slots=True)
class OptimizerState:
    """What an optimizer remembers between rounds: rounds done and its moments (float32)."""

    step: int = 0
    moments: dict[str, Tensors] = field(default_factory=dict)


def initial_state(optimizer: ServerOptimizer, layout: Layout) -> OptimizerState:
    """Return the state before the first round: all moments zero."""
    zeros = {spec.name: np.zeros(spec.shape, np.float32) for spec in layout}
    return OptimizerState(0, {moment: dict(zeros) for moment in _MOMENTS[optimizer.name]})


def advance(
    optimizer: ServerOptimizer, state: OptimizerState, weights: Tensors, mean: FloatTensors
) -> tuple[Tensors, OptimizerState]:
    """Return the next weights (float32) and state after one released round.

    Args:
        optimizer: the rule.
        state: what it remembered.
        weights: the model the round started from.
        mean: the mean update, ``w_T - w_0`` averaged over the admitted laptops.
    """
    step = state.step + 1
    moments: dict[str, Tensors] = {moment: {} for moment in _MOMENTS[optimizer.name]}
    following: Tensors = {}
    for name, current in weights.items():
        old = {moment: state.moments[moment][name] for moment in moments}
        change, new = _change(optimizer, step, old, mean[name])
        following[name] = (current.astype(np.float64) + change).astype(np.float32)
        for moment, value in new.items():
            moments[moment][name] = value.astype(np.float32)
    return following, OptimizerState(step, moments)


def state_layout(optimizer: ServerOptimizer, layout: Layout) -> Layout:
    """Return the layout in which a state is saved: a step counter, then moment by moment."""
    counter = TensorSpec(_STEP, (), "int64")
    return (
        counter,
        *(
            TensorSpec(f"{moment}.{spec.name}", spec.shape)
            for moment in _MOMENTS[optimizer.name]
            for spec in layout
        ),
    )


def state_to_bytes(optimizer: ServerOptimizer, state: OptimizerState, layout: Layout) -> bytes:
    """Serialise a state with the project's codec."""
    flat: Tensors = {_STEP: np.array(state.step, np.int64)}
    for moment, tensors in state.moments.items():
        flat |= {f"{moment}.{name}": value for name, value in tensors.items()}
    return encode(flat, state_layout(optimizer, layout))


def state_from_bytes(optimizer: ServerOptimizer, data: bytes, layout: Layout) -> OptimizerState:
    """Read a state back.

    Raises:
        Refusal: when the bytes are not a finite state of this optimizer and layout.
    """
    flat = decode(data, state_layout(optimizer, layout))
    moments = {
        moment: {spec.name: flat[f"{moment}.{spec.name}"] for spec in layout}
        for moment in _MOMENTS[optimizer.name]
    }
    return OptimizerState(int(flat[_STEP]), moments)


_Array = npt.NDArray[np.float64]


def _change(
    optimizer: ServerOptimizer, step: int, old: Tensors, mean: _Array
) -> tuple[_Array, dict[str, _Array]]:
    """Return what one tensor gains, and its new moments."""
    rate, beta = optimizer.learning_rate, optimizer.momentum
    if optimizer.name == "fedavg":
        return rate * mean, {}
    if optimizer.name == "fedavgm":
        velocity = beta * old["velocity"].astype(np.float64) + mean
        return rate * velocity, {"velocity": velocity}
    beta2 = optimizer.second_momentum
    first = beta * old["first"].astype(np.float64) + (1 - beta) * mean
    second = beta2 * old["second"].astype(np.float64) + (1 - beta2) * mean**2
    # Bias correction as in Adam; with few rounds the paper's uncorrected moments start far too low.
    scaled = (first / (1 - beta**step)) / (
        np.sqrt(second / (1 - beta2**step)) + optimizer.stability
    )
    return rate * scaled, {"first": first, "second": second}
