"""What laptops that lie can do to the shared model, through the real admission and aggregation.

    python -m benchmarks.poisoning [--rounds 8] [--seeds 1 2 3] [--workers 2] [--json]

Ten laptops with generated days of three personas learn under differential privacy; two of them
(20 %) lie. Their replies go through admission (receipt, layout, finiteness, norm) into the mean,
the trimmed mean and the median, and on through the real server optimizer. Noise and sampling come
from a seeded source, so that a run can be repeated; the figures say nothing about people.

    label flip      trains as told, on its own days with every second action replaced by its mirror
    sign flip       what it should send, turned around and as large as admission lets pass
    scaled          the same, times -10 and times -100: refused, so only shown with the mean
    little          all liars send mean - 1.5 deviations x sign(mean) of what the honest sent, each
                    coordinate on its own: A Little Is Enough (Baruch et al. 2019), all-knowing
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from functools import cache, partial
from itertools import product
from multiprocessing import get_context
from statistics import mean, stdev
from typing import Literal

import numpy as np
import torch
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from torch.func import functional_call, grad, vmap
from torch.nn.attention import SDPBackend, sdpa_kernel

from deskbound_client.learn.evaluate import measure
from deskbound_client.learn.trainer import poisson_sample, private_optimizer
from deskbound_server.admission import Admission, AdmissionCode
from deskbound_server.held_out import HeldOut, generated_units
from deskbound_server.plan import RoundPlan
from deskbound_server.publication import next_model
from deskbound_server.receipts import Receipts
from deskbound_strategies.aggregation import norm
from deskbound_strategies.codec import encode
from deskbound_strategies.combining import aggregator_for
from deskbound_strategies.contract import RoundContract
from deskbound_strategies.encoder import Encoder
from deskbound_strategies.generator import generate_day
from deskbound_strategies.log_entries import Receipt, anchor_of
from deskbound_strategies.next_action import TASK
from deskbound_strategies.noise import ByteSource
from deskbound_strategies.personas import PERSONAS
from deskbound_strategies.server_optimizer import initial_state
from deskbound_strategies.task import Batch, Unit, Weights, load_weights, weights_of
from deskbound_strategies.units import units
from deskbound_strategies.vocabulary import TOKENS, VOCABULARY_HASH, Action
from deskbound_strategies.wire import Reply

LAPTOPS, LIARS = 10, 2
UNITS, HELD_OUT = 96, 8  # of each laptop to learn from; of each persona to be tested on
FIRST_DAY = date(2026, 11, 9)
DEVIATIONS = 1.5
AGGREGATIONS = ("mean", "trimmed-mean", "median")
PLAN = RoundPlan(
    task=TASK.name, profile="research", rounds=1, cohort=LAPTOPS, minimum_cohort=LAPTOPS - LIARS,
    deadline_seconds=60, unit_actions=64, sampling_rate=0.25, noise_multiplier=0.5, clip=1.0,
    steps=2, divisor=24.0, local_learning_rate=0.9, server_optimizer="fedavgm",
    server_momentum=0.8, trim=0.2,
)  # fmt: skip

# What liars send, from what they were told to send, what the honest sent and the norm bound.
Lie = Callable[[Sequence[Weights], Sequence[Weights], float], list[Weights]]


@dataclass(frozen=True, slots=True)
class Result:
    """Of one run.

    Attributes:
        attack, aggregation, seed: which.
        hit1: share right at the first guess after the last round, mean over personas.
        rejected: replies that did not count, by code.
        held_back: rounds whose model the gate would have held back at the default margin.
        rounds: rounds there were.
    """

    attack: str
    aggregation: str
    seed: int
    hit1: float
    rejected: dict[str, int]
    held_back: int
    rounds: int


def _times(factor: float, update: Weights) -> Weights:
    return {name: np.float32(factor) * value for name, value in update.items()}


def _sign_flip(told: Sequence[Weights], _: Sequence[Weights], bound: float) -> list[Weights]:
    return [_times(-0.999 * bound / norm(update), update) for update in told]


def _scaled(told: Sequence[Weights], _: Sequence[Weights], __: float) -> list[Weights]:
    return [_times((-10.0, -100.0)[index % 2], update) for index, update in enumerate(told)]


def _little(told: Sequence[Weights], honest: Sequence[Weights], _: float) -> list[Weights]:
    lie = {}
    for name in told[0]:
        sent = np.stack([update[name] for update in honest])
        middle = sent.mean(axis=0)
        away = DEVIATIONS * np.sign(middle) * sent.std(axis=0)
        lie[name] = (middle - away).astype(np.float32)
    return [lie] * len(told)


ATTACKS: dict[str, Lie] = {
    "none": lambda told, _, __: list(told),
    "label flip": lambda told, _, __: list(told),
    "sign flip": _sign_flip,
    "scaled": _scaled,
    "little": _little,
}


def contract_of(plan: RoundPlan) -> RoundContract:
    """Return a contract with a plan's terms; round and names do not matter here."""
    return plan.contract(
        run="0" * 32, number=1, vocabulary_hash=VOCABULARY_HASH, model_hash="0" * 64,
        anchors="0" * 64, issued=1,
    )  # fmt: skip


def flipped(unit: Unit) -> Unit:
    """Return a unit whose every second action is the mirror image of what was done."""
    tokens = unit.tokens.copy()
    tokens[1::2] = len(TOKENS) - 1 - tokens[1::2]
    return replace(unit, tokens=tokens)


@cache  # each seed's days serve many runs
def day_of(persona: str, day: date, seed: int) -> list[Unit]:
    """Return a generated day's units under the plan."""
    encoder, at = Encoder(), 0
    actions: list[Action] = []
    for observation, at in generate_day(PERSONAS[persona], day, seed):
        actions += encoder.feed(observation, at)
    actions += encoder.flush(at)
    return units(actions, PLAN.unit, PLAN.unit_seconds, PLAN.unit_actions)


def fleet(seed: int, laptops: int, size: int) -> list[list[Unit]]:
    """Return each laptop's units; the first ones are the liars'."""
    found = []
    for laptop in range(laptops):
        persona = list(PERSONAS)[laptop % len(PERSONAS)]
        found.append(day_of(persona, FIRST_DAY, 100 * seed + laptop)[:size])
    return found


class Door:
    """Admission of one round, for laptops whose receipts count on from nothing."""

    def __init__(self, contract: RoundContract, laptops: int, bound: float) -> None:
        self._contract = contract
        self._keys = [Ed25519PrivateKey.generate() for _ in range(laptops)]
        public = [key.public_key().public_bytes_raw() for key in self._keys]
        self._public = [one.hex() for one in public]
        receipts = Receipts(contract.digest(), dict(enumerate(map(anchor_of, public))), {})
        self._admission = Admission(contract, TASK.layout(), bound, receipts)

    def take(self, laptop: int, update: Weights) -> Weights | AdmissionCode:
        """Return the update as admission hands it on, or why it does not count."""
        digest = self._contract.digest()
        receipt = Receipt(self._public[laptop], digest, 1, "0" * 64).signed(self._keys[laptop])
        reply = Reply(digest, "0.1.0", encode(update, TASK.layout()), receipt)
        return self._admission(laptop, reply)


def train(
    weights: Weights, own: Sequence[Unit], contract: RoundContract, source: ByteSource
) -> Weights:
    """Return what ``deskbound_client.learn.trainer.train`` would, four times as fast.

    Gradients of a step's units are computed side by side, which a laptop must not do
    (docs/learning.md says why); sampling, clipping, noise and steps are the laptop's own code.
    """
    model = TASK.build_model(0)
    load_weights(model, weights)
    parameters = dict(model.named_parameters())

    def loss(values: dict[str, torch.Tensor], *columns: torch.Tensor) -> torch.Tensor:
        batch = Batch(*(column[None] for column in columns))
        found = partial(functional_call, model, values)
        return TASK.loss_per_unit(lambda batch: found((batch,)), batch).sum()  # type: ignore[arg-type]

    of_each = vmap(grad(loss), in_dims=(None, *[0] * len(fields(Batch))))
    optimizer = private_optimizer(model, contract, source)
    for _ in range(contract.steps):
        sampled = [own[index] for index in poisson_sample(len(own), contract.sampling_rate, source)]
        if sampled:
            batch = TASK.collate(sampled)
            columns = [getattr(batch, field.name) for field in fields(Batch)]
            values = {name: parameter.detach() for name, parameter in parameters.items()}
            with sdpa_kernel(SDPBackend.MATH):  # the only one that can be done side by side
                gradients = of_each(values, *columns)
            for name, gradient in gradients.items():
                parameters[name].grad_sample = gradient  # type: ignore[attr-defined]
            optimizer.clip_and_accumulate()
        optimizer.step()
        optimizer.zero_grad()
    return {name: value - weights[name] for name, value in weights_of(model).items()}


def updates_of(
    weights: Weights,
    theirs: Sequence[Sequence[Unit]],
    contract: RoundContract,
    attack: str,
    source: np.random.Generator,
    bound: float,
    liars: int = LIARS,
) -> list[Weights]:
    """Return what each laptop sends; the first ``liars`` lie."""
    made = [
        train(
            weights,
            [flipped(unit) for unit in own] if attack == "label flip" and laptop < liars else own,
            contract, source.bytes,
        )
        for laptop, own in enumerate(theirs)
    ]  # fmt: skip
    return ATTACKS[attack](made[:liars], made[liars:], bound) + made[liars:]


Aggregation = Literal["mean", "trimmed-mean", "median"]
held_out_units = cache(generated_units)


def run(attack: str, aggregation: Aggregation, seed: int, rounds: int) -> Result:
    """Carry out a whole run under attack."""
    torch.set_num_threads(1)
    plan = replace(PLAN, aggregation=aggregation)
    contract = contract_of(plan)
    layout = TASK.layout()
    bound = plan.admitted_norm(sum(spec.elements for spec in layout))
    theirs, source = fleet(seed, LAPTOPS, UNITS), np.random.default_rng(seed)
    weights, state = weights_of(TASK.build_model(seed)), initial_state(plan.optimizer, layout)
    gate = HeldOut(TASK, tuple(held_out_units()[::3]))
    before, held_back, rejected = gate.loss(weights), 0, Counter[str]()
    for _ in range(rounds):
        door = Door(contract, LAPTOPS, bound)
        with closing(aggregator_for(contract, layout)) as aggregator:
            sent = updates_of(weights, theirs, contract, attack, source, bound)
            for laptop, update in enumerate(sent):
                taken = door.take(laptop, update)
                if isinstance(taken, AdmissionCode):
                    rejected[taken.value] += 1
                else:
                    aggregator.add(taken)
            made = next_model(plan.optimizer, state, weights, aggregator.result())
        tried = made.tried(gate.loss, before, plan.held_out_margin)
        held_back += tried.check.cause is not None
        weights, state, before = made.weights, made.state, tried.check.loss or before
    hits = [measure(TASK, weights, test_of(persona, seed)).hit1 for persona in PERSONAS]
    return Result(attack, aggregation, seed, mean(hits), dict(rejected), held_back, rounds)


def test_of(persona: str, seed: int) -> list[Unit]:
    """Return units of a day on which nobody learns."""
    return day_of(persona, FIRST_DAY + timedelta(7), 100 * seed + 99)[::3][:HELD_OUT]


def row(attack: str, found: Sequence[Result]) -> str:
    """Return a line of the table in docs/benchmarks.md."""
    cells = []
    for aggregation in AGGREGATIONS:
        of = [one for one in found if (one.attack, one.aggregation) == (attack, aggregation)]
        hits = [100 * one.hit1 for one in of]
        spread = f" ± {stdev(hits):.1f}" if len(hits) > 1 else ""
        held, rounds = sum(one.held_back for one in of), sum(one.rounds for one in of)
        cells.append(f"{mean(hits):.1f}{spread} ({held} of {rounds})" if of else "")
    codes = sum((Counter(one.rejected) for one in found if one.attack == attack), Counter[str]())
    said = ", ".join(f"{count} {code}" for code, count in sorted(codes.items())) or "none"
    return f"| {attack} | {' | '.join(cells)} | {said} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--attacks", nargs="+", choices=ATTACKS, default=list(ATTACKS))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    cases = [
        case
        for case in product(chosen.attacks, AGGREGATIONS, chosen.seeds, [chosen.rounds])
        if case[0] != "scaled" or case[1] == "mean"
    ]
    with ProcessPoolExecutor(chosen.workers, get_context("spawn")) as pool:
        found = []
        for result in pool.map(run, *zip(*cases, strict=True)):
            found.append(result)
            print(f"{len(found)} of {len(cases)}: {result}", file=sys.stderr, flush=True)
    if chosen.json:
        print(json.dumps([{name: getattr(one, name) for name in one.__slots__} for one in found]))
        return
    print(f"hit@1 in % after {chosen.rounds} rounds, mean ± standard deviation of seeds")
    print("(in brackets: rounds whose model the gate would have held back)")
    print(f"| attack | {' | '.join(AGGREGATIONS)} | replies refused |\n|---|---|---|---|---|")
    for attack in chosen.attacks:
        print(row(attack, found))


if __name__ == "__main__":
    main()
