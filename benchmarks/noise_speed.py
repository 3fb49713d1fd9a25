"""How fast noise without a tell is drawn, beside the float noise it replaces.

    python benchmarks/noise_speed.py

Draws a million values with our sampler, with ``torch.normal`` (float32, what Opacus adds) and with
numpy's float64 generator, interleaved in one process. Prints ratios of medians, the time to build
a sampler's table, and how much memory it holds.
"""

import statistics
import time
from collections.abc import Callable

import numpy as np
import torch

from deskbound_strategies.mechanism import Lattice, privatise
from deskbound_strategies.noise import RoundedGaussian

COUNT, REPEATS = 1_000_000, 9


def seconds(action: Callable[[], object]) -> float:
    """Time one call."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    lattice = Lattice(1.0, COUNT, 1.0)
    first = seconds(lambda: RoundedGaussian(lattice.scale))
    again = seconds(lambda: RoundedGaussian(lattice.scale))
    sampler = RoundedGaussian(lattice.scale)
    held = sampler._thresholds.nbytes + sampler._guide.nbytes
    vector, generator = np.zeros(COUNT), np.random.default_rng()
    sides: dict[str, Callable[[], object]] = {
        "ours": lambda: sampler.draw(COUNT),
        "ours, with rounding to the lattice": lambda: privatise(vector, lattice),
        "torch.normal float32": lambda: torch.normal(0.0, 1.0, (COUNT,)),
        "numpy float64": lambda: generator.standard_normal(COUNT),
    }
    times: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(REPEATS):
        for name, action in sides.items():
            times[name].append(seconds(action))
    ours = statistics.median(times["ours"])
    print(f"{COUNT:,} draws at R = {lattice.scale:,.0f} lattice steps")
    for name, taken in times.items():
        median = statistics.median(taken)
        print(f"{name:36} {COUNT / median / 1e6:6.1f} M/s   {median / ours:5.2f} x ours")
    print(f"table: {first:.2f} s at first, {again:.2f} s for a new scale; {held / 1e6:.1f} MB held")


if __name__ == "__main__":
    main()
