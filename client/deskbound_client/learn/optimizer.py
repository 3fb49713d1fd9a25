"""Opacus's optimizer with our clipping, our noise and a public divisor.

Opacus clips and adds noise parameter by parameter in float32. Here the gradient of a unit is one
vector: its norm is taken in float64, the clipped sum is kept in float64, and the noise is rounded
Gaussian noise on a lattice (``deskbound_strategies.mechanism``), added to all parameters at once.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from opacus.optimizers import DPOptimizer
from torch import Tensor
from torch.optim import Optimizer

from deskbound_strategies.mechanism import Lattice, Vector, clip_scales, privatise
from deskbound_strategies.noise import ByteSource


class LatticeOptimizer(DPOptimizer):  # type: ignore[misc]  # opacus ships no types
    """Applies an ordinary optimizer to gradients that are clipped, summed, noised and divided.

    Args:
        optimizer: what is done with the noised gradient; post-processing.
        lattice: clip, dimension and noise of this contract and model.
        divisor: public constant of the contract, never a count.
        source: fair bits; the operating system's generator unless a test passes its own.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        lattice: Lattice,
        divisor: float,
        source: ByteSource | None = None,
    ) -> None:
        super().__init__(
            optimizer,
            noise_multiplier=lattice.noise_multiplier,
            max_grad_norm=lattice.clip,
            expected_batch_size=None,
            loss_reduction="sum",
        )
        self._lattice = lattice
        self._divisor = divisor
        self._source = source
        self._sum = np.zeros(lattice.dimension)
        self._unit = np.empty(lattice.dimension)  # one unit's gradient, while it is added

    def add_unit(self, gradients: Sequence[Tensor]) -> None:
        """Clip one unit's gradient as a whole and add it to the sum.

        Args:
            gradients: one per parameter, of its shape; sparse ones touch only the cells they name.
        """
        if not any(gradient.is_sparse for gradient in gradients):
            self._add_dense([gradient.numpy().ravel() for gradient in gradients])
            return
        parts = [_entries(gradient) for gradient in gradients]
        norm = np.sqrt(sum(float(values @ values) for _, values in parts))
        scale = clip_scales(np.array([norm]), self._lattice.clip)[0]
        if scale == 0.0:  # no finite norm: the unit contributes nothing
            return
        start = 0
        for parameter, (places, values) in zip(self.params, parts, strict=True):
            view = self._sum[start : start + parameter.numel()]
            view[places] += scale * values
            start += parameter.numel()

    def _add_dense(self, parts: Sequence[NDArray[np.floating]]) -> None:
        """Do the same where every cell counts: on one vector, and without a new one."""
        flat = np.concatenate(parts, out=self._unit)
        norm = np.sqrt(np.dot(flat, flat))
        scale = clip_scales(np.array([norm]), self._lattice.clip)[0]
        if scale > 0.0:  # as above
            flat *= scale
            self._sum += flat

    def clip_and_accumulate(self) -> None:
        """Clip each unit's gradient as a whole and add it to the sum; no gradients add nothing."""
        if all(getattr(parameter, "grad_sample", None) is None for parameter in self.params):
            return
        flat = torch.cat([self._get_flat_grad_sample(p).flatten(1) for p in self.params], dim=1)
        wide = flat.double()
        norms = torch.linalg.vector_norm(wide, dim=1).numpy()
        scales = torch.from_numpy(clip_scales(norms, self._lattice.clip))
        # A unit without a finite norm contributes nothing; zero times infinity would not be that.
        wide[scales == 0.0] = 0.0
        self._sum += (scales @ wide).numpy()
        for parameter in self.params:
            parameter.grad_sample = None

    def pre_step(self, closure: Callable[[], float] | None = None) -> bool:  # noqa: ARG002
        """Turn what was accumulated into the gradient; a step without any unit is noise alone."""
        self.clip_and_accumulate()
        self.add_noise()
        self.scale_grad()
        return True

    def add_noise(self) -> None:
        """Set each parameter's gradient to its part of the noised sum, and forget the sum."""
        noised = torch.from_numpy(privatise(self._sum, self._lattice, self._source))
        self._sum = np.zeros(self._lattice.dimension)
        sizes = [parameter.numel() for parameter in self.params]
        for parameter, part in zip(self.params, torch.split_with_sizes(noised, sizes), strict=True):
            parameter.grad = part.view_as(parameter).to(parameter.dtype)

    def scale_grad(self) -> None:
        """Divide by the contract's divisor."""
        for parameter in self.params:
            parameter.grad /= self._divisor

    @property
    def clipped_sum(self) -> Tensor:
        """The sum not yet released, for tests: (d,) float64."""
        return torch.from_numpy(self._sum.copy())


def _entries(gradient: Tensor) -> tuple[NDArray[np.int64] | slice, Vector]:
    """Return where a gradient is not zero, in the flattened parameter, and its values there."""
    if not gradient.is_sparse:
        return slice(None), gradient.flatten().double().numpy()
    whole = gradient.coalesce()  # a cell named twice would be added once
    rows, width = whole.indices()[0], whole.values().shape[1]
    places = rows[:, None] * width + torch.arange(width)
    return places.flatten().numpy(), whole.values().flatten().double().numpy()
