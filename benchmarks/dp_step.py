"""One DP-SGD step beside the same step without privacy and beside stock Opacus.

    python benchmarks/dp_step.py

Three steps on the same model and the same units, one thread, interleaved in one process so that
they meet the same machine: without privacy (one backward pass over chunks of units, SGD), with
stock Opacus (the same chunks, its hooks, its float32 Gaussian noise), with ours (one unit at a
time, clipping in float64, rounded Gaussian noise on the lattice). Prints ratios of medians;
absolute times depend on the machine. The peak of memory is each step's in a process of its own: of
the whole process, and of what steps add to the libraries and the model.
"""

import argparse
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import torch
from opacus import GradSampleModule
from opacus.optimizers import DPOptimizer
from torch.optim import SGD

from deskbound_client.learn.optimizer import LatticeOptimizer
from deskbound_client.learn.trainer import accumulate
from deskbound_strategies.mechanism import Lattice
from deskbound_strategies.next_action import TASK
from deskbound_strategies.task import Unit, collate
from deskbound_strategies.vocabulary import APPS, GAPS, TOKENS

UNITS, ACTIONS, REPEATS = 64, 170, 15
CHUNK = 16  # units in one batch, for those who batch
CLIP, SIGMA = 1.0, 1.0
_STATUS = Path("/proc/self/status")


def units(count: int, length: int) -> list[Unit]:
    rng = np.random.default_rng(1)
    tops = (len(TOKENS), len(APPS), GAPS + 1, 24)
    return [Unit(*(rng.integers(0, top, length) for top in tops)) for _ in range(count)]


def backward(model: torch.nn.Module, after_chunk: Callable[[], None]) -> None:
    everything = units(UNITS, ACTIONS)
    for start in range(0, UNITS, CHUNK):
        TASK.loss_per_unit(model, collate(everything[start : start + CHUNK])).sum().backward()
        after_chunk()


def no_privacy() -> Callable[[], None]:
    model = TASK.build_model(1)
    optimizer = SGD(model.parameters(), 1e-3)

    def step() -> None:
        optimizer.zero_grad()
        backward(model, lambda: None)
        optimizer.step()

    return step


def stock() -> Callable[[], None]:
    model = GradSampleModule(TASK.build_model(1), loss_reduction="sum")
    optimizer = DPOptimizer(
        SGD(model.parameters(), 1e-3), noise_multiplier=SIGMA, max_grad_norm=CLIP,
        expected_batch_size=UNITS,
    )  # fmt: skip

    def step() -> None:
        left = iter(range(UNITS // CHUNK))

        def accumulate() -> None:
            optimizer.signal_skip_step(next(left) < UNITS // CHUNK - 1)
            optimizer.step()
            optimizer.zero_grad()

        backward(model, accumulate)

    return step


def ours() -> Callable[[], None]:
    model = TASK.build_model(1)
    parameters = list(model.parameters())
    lattice = Lattice(CLIP, sum(p.numel() for p in parameters), SIGMA)
    optimizer = LatticeOptimizer(SGD(parameters, 1e-3), lattice, float(UNITS))
    everything = units(UNITS, ACTIONS)

    def step() -> None:
        for unit in everything:
            accumulate(TASK, model, optimizer, unit)
        optimizer.step()
        optimizer.zero_grad()

    return step


def prediction(length: int) -> float:
    """Seconds of CPU for one prediction, median."""
    model, batch = TASK.build_model(1), collate(units(1, length))
    times = []
    with torch.no_grad():
        for _ in range(100):
            start = time.process_time()
            model(batch)
            times.append(time.process_time() - start)
    return median(times)


STEPS: dict[str, Callable[[], Callable[[], None]]] = {
    "no privacy": no_privacy,
    "ours": ours,
    "stock opacus": stock,
}


def peak_here(name: str) -> tuple[int, int]:
    """Return the peak of this process after some steps, and what they added to it: KiB."""
    step = STEPS[name]()
    before = _high_water()
    for _ in range(3):
        step()
    return _high_water(), _high_water() - before


def _high_water() -> int:
    # Not getrusage: its peak is also that of who started the process.
    (line,) = (one for one in _STATUS.read_text("ascii").splitlines() if one.startswith("VmHWM:"))
    return int(line.split()[1])


def peak_of(name: str) -> tuple[int, int]:
    """Return the same, measured in a new process."""
    answer = subprocess.run(
        [sys.executable, "-m", "benchmarks.dp_step", "--peak", name],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    whole, added = answer.stdout.split()
    return int(whole), int(added)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peak", choices=STEPS, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    if asked.peak:
        print(*peak_here(asked.peak))
        return
    steps = {name: make() for name, make in STEPS.items()}
    spent: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(REPEATS + 1):
        for name, step in steps.items():
            start = time.process_time()
            step()
            spent[name].append(time.process_time() - start)
    base = median(spent["no privacy"][1:])
    for name, times in spent.items():
        print(f"{name:14} {median(times[1:]) / base:5.2f}x")
    print(f"(one step without privacy took {base * 1e3:.0f} ms here)")
    peaks = {name: peak_of(name) for name in steps}
    plain = peaks["no privacy"]
    for name, (whole, added) in peaks.items():
        print(
            f"{name:14} {whole / plain[0]:5.2f}x memory at its peak ({whole / 1024:.0f} MB), "
            f"steps added {added / 1024:.0f} MB"
        )
    for length in (64, 256):
        print(f"one prediction after {length} actions: {prediction(length) * 1e3:.2f} ms")


if __name__ == "__main__":
    main()
