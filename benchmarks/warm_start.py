"""What it is worth to begin a network with private counts, on generated activity.

    python -m benchmarks.warm_start [--noise 0] [--rounds 0] [--seed 1]

The fleet and plan of ``utility_generated``: three personas, six days each to count and learn from,
a seventh to guess. Counts get normal noise of ``--noise`` sessions' counts a cell. With
``--rounds`` both networks, the fresh one and the taught one, then learn under noise, side by side.

The activity is generated: the figures judge whether the parts work together, and nothing else.
"""

import argparse
import time

import numpy as np
import torch

from benchmarks.utility_generated import PLAN, SERVER, laptops
from deskbound_client.learn.evaluate import measure
from deskbound_client.learn.trainer import train
from deskbound_strategies.action_counts import TASK as COUNTS
from deskbound_strategies.action_counts import CountsModel
from deskbound_strategies.baselines import baselines, score
from deskbound_strategies.next_action import TASK
from deskbound_strategies.server_optimizer import advance, initial_state
from deskbound_strategies.task import Metrics, Unit, Weights, weights_of
from deskbound_strategies.taught import taught_by_counts


def counted(units: list[Unit], noise: float, seed: int) -> CountsModel:
    """Counts of some units, as a round of them would add them up, and noise on every cell."""
    model = CountsModel(COUNTS.actions)
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
    asked = parser.parse_args()
    torch.set_num_threads(1)
    fleet = laptops(asked.seed)
    parts = [training for training, _ in fleet.values()]
    training = [unit for part in parts for unit in part]
    test = [unit for _, held_out in fleet.values() for unit in held_out]
    model = counted(training, asked.noise, asked.seed)
    begin = time.process_time()
    taught = taught_by_counts(model.read(), asked.seed)
    print(f"teaching, on one core: {time.process_time() - begin:.0f} s")
    print(f"{len(training)} sessions counted, {len(test)} guessed (generated), noise {asked.noise}")
    fresh = weights_of(TASK.build_model(asked.seed))
    line("network, fresh", measure(TASK, fresh, test))
    line("network, taught", measure(TASK, taught, test))
    line("counts", COUNTS.evaluate(model, test))
    for name, guess in baselines(training).items():
        line(name, score(guess, test))
    learn({"fresh": fresh, "taught": taught}, parts, test, asked.rounds)


if __name__ == "__main__":
    main()
