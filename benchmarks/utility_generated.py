"""What three laptops learn together under differential privacy, on generated activity.

    python benchmarks/utility_generated.py

Three personas, six days each to learn from and a seventh to be tested on; every laptop trains with
the real private trainer, the real server optimizer combines the updates; no network. The figures
judge whether the parts learn together, never how good the model is for people: the activity is
generated, with the regularity its author gave it.

The numbers in ``PLAN`` are those of the demo's round plan (profile research).
"""

import argparse
import time
from datetime import date, timedelta

import numpy as np
import torch

from deskbound_client.learn.evaluate import compare, measure, split_days
from deskbound_client.learn.trainer import train
from deskbound_client.learn.units import units
from deskbound_strategies.accounting import SampledGaussian, curve_of, epsilon_prv, guaranteed
from deskbound_strategies.contract import RoundContract
from deskbound_strategies.encoder import Encoder
from deskbound_strategies.generator import generate_day
from deskbound_strategies.next_action import TASK
from deskbound_strategies.personas import PERSONAS, Persona
from deskbound_strategies.server_optimizer import ServerOptimizer, advance, initial_state
from deskbound_strategies.task import Metrics, Unit, Weights, weights_of
from deskbound_strategies.vocabulary import VOCABULARY_HASH, Action

DAYS, FIRST_DAY, DELTA = 7, date(2026, 11, 9), 1e-5
ROUNDS = 15
SERVER = ServerOptimizer("fedavgm", learning_rate=1.0, momentum=0.8)
PLAN = RoundContract(
    run="0" * 32, round=1, task=TASK.name, profile="research", vocabulary_hash=VOCABULARY_HASH,
    model_hash="0" * 64, anchors="0" * 64, unit="session", unit_seconds=600, unit_actions=256,
    sampling_rate=0.25, noise_multiplier=1.5, clip=1.0, steps=4, divisor=75.0,
    local_optimizer="sgd", learning_rate=0.45, aggregation="plain", minimum_cohort=3,
    issued=0, deadline=1, client_version_min="0.1.0", client_version_below="0.2.0",
)  # fmt: skip


def day_of(persona: Persona, day: date, seed: int) -> list[Unit]:
    encoder = Encoder()
    actions: list[Action] = []
    for observation, at in generate_day(persona, day, seed):
        actions += encoder.feed(observation, at)
    actions += encoder.flush(actions[-1].at)
    return units(actions, PLAN.unit, PLAN.unit_seconds, PLAN.unit_actions)


def laptops(seed: int) -> dict[str, tuple[list[Unit], list[Unit]]]:
    """Each persona's units to learn from and to be tested on."""
    days = [FIRST_DAY + timedelta(index) for index in range(DAYS)]
    return {
        name: split_days([day_of(persona, day, seed) for day in days])
        for name, persona in PERSONAS.items()
    }


def learn(fleet: dict[str, tuple[list[Unit], list[Unit]]], seed: int) -> Weights:
    weights = weights_of(TASK.build_model(seed))
    state = initial_state(SERVER, TASK.layout())
    for number in range(1, ROUNDS + 1):
        updates = [train(TASK, weights, training, PLAN) for training, _ in fleet.values()]
        mean = {name: np.mean([u[name] for u in updates], axis=0, dtype=float) for name in weights}
        weights, state = advance(SERVER, state, weights, mean)
        hits = [f"{measure(TASK, weights, test[:8]).hit1:5.1%}" for _, test in fleet.values()]
        print(f"round {number:2}  hit@1 on 8 held-out sessions: {'  '.join(hits)}")
    return weights


def line(name: str, metrics: Metrics) -> str:
    return f"  {name:20} hit@1 {metrics.hit1:6.1%}   hit@5 {metrics.hit5:6.1%}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    seed = parser.parse_args().seed
    torch.set_num_threads(1)
    fleet = laptops(seed)
    steps = ROUNDS * PLAN.steps
    event = SampledGaussian(PLAN.sampling_rate, PLAN.noise_multiplier, steps)
    start = time.process_time()
    weights = learn(fleet, seed)
    print(f"all training, on one core: {time.process_time() - start:.0f} s")
    charged = guaranteed(curve_of(event), DELTA, steps=steps)
    print(f"a day's budget is charged epsilon {charged:.2f} at delta {DELTA:g}; unit: session")
    print(f"tightest known (PRV): epsilon {epsilon_prv([event], DELTA):.2f}")
    for name, (training, test) in fleet.items():
        found = compare(TASK, weights, training, test)
        print(f"{name}: {len(training)} units to learn from, {len(test)} held out (generated)")
        print(line("shared model", found.model))
        for baseline, metrics in found.baselines.items():
            print(line(baseline, metrics))


if __name__ == "__main__":
    main()
