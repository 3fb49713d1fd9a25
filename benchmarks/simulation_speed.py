"""Virtual laptops a second: ours against Flower's own simulation of the same training, in one run.

    python -m benchmarks.simulation_speed [--laptops 12] [--rounds 4] [--fleet 500] [--json]

Ours: contract, log, floor, budget, ledger, receipts and admission around the training. Flower's: a
plain ClientApp that gets weights, trains the same units with the same steps and noise and returns
the change, through ``run_simulation`` as it comes (two processors a client) and with one processor
a client. Units are cut beforehand for both, and the first round, in which processes start, is left
out. Then a large fleet, ours alone, with memory.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from flwr.app import Array, ArrayRecord, Context, Message, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp import Grid, ServerApp
from flwr.simulation import run_simulation

from deskbound_client.learn import trainer
from deskbound_server.plan import RoundPlan, sample_contract
from deskbound_server.simulation import Simulation
from deskbound_simulation.activity import Activity, Generated
from deskbound_simulation.engine import ray_engine
from deskbound_simulation.laptop import Fleet
from deskbound_simulation.seeds import seeded_source
from deskbound_simulation.simulate import run_on
from deskbound_simulation.worker import Worker
from deskbound_strategies.task import Weights, find_task, weights_of
from deskbound_strategies.vocabulary import Action

PEOPLE = 12  # different ones; making days up is not what is measured
SEED = 1
LARGE = 500  # laptops; fewer steps there, so that this ends


@dataclass(frozen=True, slots=True)
class FewPeople:
    """A fleet in which the same people sit at many laptops."""

    days: int = 1
    label: str = "generated, few people"

    def actions(self, laptop: int, *, held_out: bool) -> Mapping[date, Sequence[Action]]:
        """Return a laptop's days."""
        return _person(laptop % PEOPLE, held_out)


@cache
def _person(number: int, held_out: bool) -> Mapping[date, Sequence[Action]]:  # noqa: FBT001
    return Generated(SEED, 1).actions(number, held_out=held_out)


def the_plan(rounds: int, cohort: int) -> RoundPlan:
    """Return a plan that trains on about two sessions a laptop, in a large fleet on half a one."""
    steps, rate = (1, 0.01) if cohort >= LARGE else (2, 0.02)
    return RoundPlan(
        task="next_action", profile="research", rounds=rounds, cohort=cohort, minimum_cohort=2,
        deadline_seconds=3600, sampling_rate=rate, noise_multiplier=1.5, clip=1.0, steps=steps,
        divisor=8.0, local_learning_rate=0.1, norm_bound=1000.0, held_out="none",
    )  # fmt: skip


class Marks:
    """Notes when how many laptops were done; ``simulation.Watch``."""

    def __init__(self) -> None:
        self.at: dict[int, float] = {}

    def phase(self, words: str, total: int) -> None:
        """Hear nothing of it."""

    def step(self) -> None:
        """Hear nothing of it."""

    def answers(self, count: int, released: int) -> None:  # noqa: ARG002
        """Note the time."""
        self.at[count] = time.monotonic()


def prepare(folder: Path, laptops: int) -> None:
    """Cut the units of so many laptops beforehand."""
    activity, asked = Activity(FewPeople(), folder), sample_contract(the_plan(1, 2))
    for laptop in range(laptops):
        activity.training(laptop, asked)


def ours(folder: Path, laptops: int, rounds: int, workers: int) -> dict[str, Any]:
    """Return laptops a second after the first round, and the results' own figures."""
    # The units are in the folder already, so nobody makes days up here.
    worker, marks = Worker(Fleet(SEED, "research"), Generated(SEED, 1), folder), Marks()
    asked = Simulation(
        plan=the_plan(rounds, laptops), plan_folder=folder, laptops=laptops, profile="research",
        days=1, seed=SEED, workers=workers,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as name, ray_engine(worker, workers) as engine:
        found = run_on(engine, asked, worker, Path(name), marks)
    last = laptops * rounds
    seconds = marks.at[last] - marks.at[laptops]
    return {"clients_per_second": (last - laptops) / seconds} | {
        name: found["speed"][name]
        for name in ("server_peak_bytes", "worker_bytes", "laptop_state_bytes")
    }


def flowers(folder: Path, laptops: int, rounds: int, processors: int) -> dict[str, Any]:
    """Return laptops a second of Flower's simulation after its first round."""
    contract, source = sample_contract(the_plan(1, 2)), Generated(SEED, 1)
    client, server, times = ClientApp(), ServerApp(), list[float]()

    @client.train()
    def train(message: Message, context: Context) -> Message:
        torch.set_num_threads(processors)
        number = int(context.node_config["partition-id"])
        units = [
            unit
            for cut in Activity(source, folder).training(number, contract).values()
            for unit in cut.units
        ]
        record = message.content["weights"]
        weights = _numbers(record)
        noise = seeded_source(SEED, "noise", number, message.metadata.group_id)
        update = trainer.train(find_task(contract.task), weights, units, contract, noise)
        return Message(RecordDict({"update": _arrays(update)}), reply_to=message)

    @server.main()
    def main(grid: Grid, _: Context) -> None:
        task = find_task(contract.task)
        weights = weights_of(task.build_model(0))
        while len(nodes := list(grid.get_node_ids())) < laptops:
            time.sleep(0.1)
        for number in range(rounds):
            content = RecordDict({"weights": _arrays(weights)})
            replies = grid.send_and_receive(
                [Message(content, node, "train", group_id=str(number)) for node in nodes]
            )
            updates = [_numbers(reply.content["update"]) for reply in replies]
            for name in weights:
                weights[name] += np.sum([one[name] for one in updates], axis=0) / len(updates)
            times.append(time.monotonic())

    config: Any = {"client_resources": {"num_cpus": processors, "num_gpus": 0.0}}
    run_simulation(server, client, laptops, backend_config=config)
    return {"clients_per_second": laptops * (rounds - 1) / (times[-1] - times[0])}


def _numbers(record: Any) -> Weights:
    return {name: array.numpy() for name, array in record.items()}


def _arrays(tensors: Mapping[str, Any]) -> ArrayRecord:
    return ArrayRecord({name: Array(value) for name, value in tensors.items()})


def apart(words: list[str]) -> dict[str, Any]:
    """Run one side in a process of its own; Ray starts once in a process."""
    environment = os.environ | {"FLWR_TELEMETRY_ENABLED": "0", "RAY_USAGE_STATS_ENABLED": "0"}
    environment["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # loopback only
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.simulation_speed", *words],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(" ".join([*words[:1], *words[2:]]), found, file=sys.stderr, flush=True)
    return found


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--laptops", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--fleet", type=int, default=500)
    parser.add_argument("--fleet-rounds", type=int, default=2)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--side", default="", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, default=Path(), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    sizes = chosen.folder, chosen.laptops, chosen.rounds
    if chosen.side:
        side = ours if chosen.side == "ours" else flowers
        print(json.dumps(side(*sizes, chosen.workers)))
        return
    with tempfile.TemporaryDirectory(prefix="speed-") as name:
        prepare(Path(name), max(chosen.laptops, chosen.fleet))

        def measured(side: str, laptops: int, rounds: int, workers: int) -> dict[str, Any]:
            sizes = f"--laptops={laptops}", f"--rounds={rounds}", f"--workers={workers}"
            return apart([f"--side={side}", f"--folder={name}", *sizes])

        same = chosen.laptops, chosen.rounds
        result = {
            "ours": measured("ours", *same, chosen.workers),
            "flower_default": measured("flower", *same, 2),
            "flower_one_processor": measured("flower", *same, 1),
            "fleet": measured("ours", chosen.fleet, chosen.fleet_rounds, chosen.workers),
        }
    if chosen.json:
        print(json.dumps(result))
        return
    rates = {side: found["clients_per_second"] for side, found in result.items()}
    print(f"virtual laptops a second, {same[0]} laptops, {same[1]} rounds, the first left out:")
    print(f"  ours, everything around the training included: {rates['ours']:.1f}")
    print(f"  Flower's simulation as it comes: {rates['flower_default']:.1f}, "
          f"ours is {rates['ours'] / rates['flower_default']:.2f} x of it")  # fmt: skip
    print(f"  Flower's with one processor a client: {rates['flower_one_processor']:.1f}, "
          f"ours is {rates['ours'] / rates['flower_one_processor']:.2f} x of it")  # fmt: skip
    fleet = result["fleet"]
    megabytes = {key: round(fleet[key] / 1e6, 2) for key in fleet if key.endswith("bytes")}
    print(f"{chosen.fleet} laptops, {chosen.fleet_rounds} rounds: {rates['fleet']:.1f} a second; "
          f"MB: {megabytes}")  # fmt: skip


if __name__ == "__main__":
    main()
