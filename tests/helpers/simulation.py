"""Virtual laptops without Ray: the very ClientApp, called in this process, messages pickled."""

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

from flwr.app import Context, Message

from deskbound_server.simulation import Simulation
from deskbound_simulation.activity import Generated
from deskbound_simulation.laptop import Fleet
from deskbound_simulation.simulate import run_on
from deskbound_simulation.worker import Worker
from tests.helpers.server import new_plan

DATA_SEED = 5


class Inline:
    """An engine that works in the caller's thread."""

    def __init__(self, worker: Worker, workers: int = 1) -> None:
        self.worker = worker
        self.workers = workers

    def process(self, message: Message, context: Context) -> tuple[Message, Context]:
        message, context = pickle.loads(pickle.dumps((message, context)))
        return self.worker()(message, context), context


class Heard:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.phases: list[tuple[str, int]] = []
        self.steps = self.worked = 0

    def phase(self, words: str, total: int) -> None:
        self.phases.append((words, total))

    def step(self) -> None:
        self.steps += 1

    def answers(self, count: int, released: int) -> None:
        self.worked = max(self.worked, count)


def a_simulation(plan: dict[str, Any] | None = None, **changes: Any) -> Simulation:
    """Two quick rounds of four laptops with one day each."""
    terms = {"rounds": 2, "cohort": 4, "sampling_rate": 0.05, "steps": 1} | (plan or {})
    asked = Simulation(
        plan=new_plan(**terms), plan_folder=Path(), laptops=4, profile="research", days=1,
        seed=DATA_SEED,
    )  # fmt: skip
    return replace(asked, **changes)


def run_inline(asked: Simulation, days: Path, models: Path, workers: int = 1) -> dict[str, Any]:
    """Simulate in this process; ``days`` may be shared by all that ask for the same days."""
    models.mkdir(exist_ok=True)
    worker = Worker(Fleet(asked.seed, asked.profile), Generated(DATA_SEED, asked.days), days)
    return run_on(Inline(worker, workers), asked, worker, models, Heard())
