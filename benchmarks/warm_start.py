"""What it is worth to begin a network with private counts.

    python -m benchmarks.warm_start [--noise 0] [--rounds 0] [--seed 1]
    python -m benchmarks.warm_start --data FOLDER [--set abb_ide] [--laptops 30] [--days 14]

The fleet and plan of ``utility_generated``: three personas, six days each to count and learn from,
a seventh to guess. Or people of a published set, in the product's vocabulary: each one's last day
is guessed, the days before it are learned from. Counts get normal noise of ``--noise`` sessions'
counts a cell: a round as in ``counts.toml`` leaves 2.6 times the root of the number of laptops.
With ``--rounds`` both networks, the fresh one and the taught one, then learn under noise, side by
side.

Generated activity judges whether the parts work together, and nothing else.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch

from benchmarks.utility_generated import PLAN, SERVER, laptops
from deskbound_client.archive.set_readers import READERS
from deskbound_client.learn.evaluate import measure
from deskbound_client.learn.trainer import train
from deskbound_client.learn.units import units
from deskbound_simulation.activity import Published
from deskbound_strategies.action_counts import TASK as COUNTS
from deskbound_strategies.action_counts import CountsModel
from deskbound_strategies.baselines import baselines, score
from deskbound_strategies.next_action import TASK
from deskbound_strategies.server_optimizer import advance, initial_state
from deskbound_strategies.task import Metrics, Unit, Weights, weights_of
from deskbound_strategies.taught import taught_by_counts
from deskbound_strategies.vocabulary import TOKENS


def counted(units: list[Unit], noise: float, seed: int) -> CountsModel:
    """Counts of some units, as a round of them would add them up, and noise on every cell."""
    model = CountsModel(len(TOKENS))
    generator = torch.Generator().manual_seed(seed)
    cells = list(model.parameters())
    with torch.no_grad():
        for cell in cells if noise else ():
            cell.normal_(0.0, noise, generator=generator)
    for unit in units:
        loss = COUNTS.loss_per_unit(model, COUNTS.collate([unit])).sum()
        found = torch.autograd.grad(loss, cells, materialize_grads=True)
        with torch.no_grad():
            for cell, gradient in zip(cells, found, strict=True):
                cell.sub_(gradient.to_dense())
    return model


Fleet = list[tuple[list[Unit], list[Unit]]]  # of each laptop: units to learn from, and to guess


def published(name: str, folder: Path, laptops: int, days: int) -> Fleet:
    """Cut the days of a set's first people as the plan does."""
    people = Published(name, folder, days)

    def cut(laptop: int, *, held_out: bool) -> list[Unit]:
        found = people.actions(laptop, held_out=held_out).values()
        terms = PLAN.unit, PLAN.unit_seconds, PLAN.unit_actions
        return [unit for day in found for unit in units(day, *terms)]

    return [(cut(one, held_out=False), cut(one, held_out=True)) for one in range(laptops)]


def learn(starts: dict[str, Weights], parts: list[list[Unit]], test: list[Unit], rounds: int):
    states = {name: initial_state(SERVER, TASK.layout()) for name in starts}
    for number in range(1, rounds + 1):
        told = []
        for name, weights in starts.items():
            updates = [train(TASK, weights, part, PLAN) for part in parts]
            mean = {key: np.mean([u[key] for u in updates], axis=0, dtype=float) for key in weights}
            starts[name], states[name] = advance(SERVER, states[name], weights, mean)
            told.append(f"{name} {measure(TASK, starts[name], test).hit1:.3f}")
        print(f"round {number:2}  hit@1: {', '.join(told)}")


def line(name: str, found: Metrics) -> None:
    print(f"  {name:22} hit@1 {found.hit1:.3f}   hit@5 {found.hit5:.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--noise", type=float, default=0.0, help="Standard deviation on a cell.")
    parser.add_argument("--rounds", type=int, default=0, help="Of learning after that.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--data", type=Path, help="Folder of published sets.")
    parser.add_argument("--set", choices=sorted(READERS), default="abb_ide")
    parser.add_argument("--laptops", type=int, default=30, help="People of the set.")
    parser.add_argument("--days", type=int, default=14, help="Most days each learns from.")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    fleet: Fleet = list(laptops(asked.seed).values()) if asked.data is None else []
    if asked.data is not None:
        fleet = published(asked.set, asked.data / asked.set, asked.laptops, asked.days)
    parts = [training for training, _ in fleet]
    training = [unit for part in parts for unit in part]
    test = [unit for _, held_out in fleet for unit in held_out]
    model = counted(training, asked.noise, asked.seed)
    begin = time.process_time()
    taught = taught_by_counts(model.read(), asked.seed)
    print(f"teaching, on one core: {time.process_time() - begin:.0f} s")
    of = "generated" if asked.data is None else f"{asked.laptops} people of {asked.set}"
    positions = measure(TASK, taught, test).positions
    told = f"{len(test)} ({positions:,} positions) guessed, {of}, noise {asked.noise:g}"
    print(f"{len(training):,} sessions counted, {told}")
    fresh = weights_of(TASK.build_model(asked.seed))
    line("network, fresh", measure(TASK, fresh, test))
    line("network, taught", measure(TASK, taught, test))
    line("counts", COUNTS.evaluate(model, test))
    for name, guess in baselines(training).items():
        line(name, score(guess, test))
    learn({"fresh": fresh, "taught": taught}, parts, test, asked.rounds)


if __name__ == "__main__":
    main()
