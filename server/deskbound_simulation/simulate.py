"""A simulation from its first draw to its results: ``deskbound-server simulate``."""

import hashlib
import platform
import resource
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from deskbound_client import __version__ as client_version
from deskbound_client.archive.set_readers import READERS
from deskbound_client.privacy.state import PrivacyState
from deskbound_server import __version__ as server_version
from deskbound_server.database import Database
from deskbound_server.held_out import keep_file
from deskbound_server.job import Job
from deskbound_server.model_store import ModelStore
from deskbound_server.plan import TRIALS, RoundPlan, sample_contract
from deskbound_server.rounds import conduct
from deskbound_server.schema import RoundRow, RoundState
from deskbound_server.simulation import GENERATED, Simulation, Watch
from deskbound_server.starting import BRIDGES, COUNTS
from deskbound_simulation.activity import Activity, Generated, Published, Source
from deskbound_simulation.engine import Engine, check_installed, ray_engine
from deskbound_simulation.fleet_grid import Attempt, Chances, FleetGrid
from deskbound_simulation.laptop import Fleet
from deskbound_simulation.memory import MemoryDatabase
from deskbound_simulation.seeds import NOTICE
from deskbound_simulation.server_side import enroll, open_database, prepare
from deskbound_simulation.utility import Utility, measure_all
from deskbound_simulation.worker import RECORD, Worker
from deskbound_strategies.accounting import epsilon_prv, event_of, guaranteed
from deskbound_strategies.codec import decode
from deskbound_strategies.errors import ConfigError, NotFoundError, Refusal, RoundFailedError
from deskbound_strategies.task import Task, find_task

FORMAT = "deskbound-simulation/1"
FINISHED = "finished"
_PACKAGES = ("flwr", "ray", "torch", "numpy", "opacus")


def simulate(asked: Simulation, watch: Watch) -> dict[str, Any]:
    """Simulate a run on Flower's engine; see ``deskbound_server.simulation.Simulator``."""
    check_installed()
    _task(asked)  # before anything takes time
    with tempfile.TemporaryDirectory(prefix="deskbound-simulation-") as name:
        folder = Path(name)
        (folder / "days").mkdir()
        (folder / "models").mkdir()
        worker = Worker(_fleet(asked), source_of(asked), folder / "days")
        plan = keep_file(asked.plan, asked.plan_folder, ModelStore(folder / "models"))
        asked = replace(asked, plan=plan)
        watch.phase("Starting Ray", 0)
        with ray_engine(worker, asked.workers) as engine:
            return run_on(engine, asked, worker, folder / "models", watch)


def _fleet(asked: Simulation) -> Fleet:
    return Fleet(asked.seed, asked.profile)


def source_of(asked: Simulation) -> Source:
    """Return where the activity comes from.

    Raises:
        ConfigError: there is no such set, or it has too few people.
        NotFoundError: it is not where it was said to be.
    """
    if asked.set_name == GENERATED:
        return Generated(asked.seed, asked.days)
    if asked.set_name not in READERS:
        raise ConfigError(
            f"There is no set {asked.set_name}.", f"Choose from {', '.join(READERS)}."
        )
    try:
        next(READERS[asked.set_name](asked.set_folder, asked.laptops), None)
    except NotFoundError as error:
        raise NotFoundError(error.sentence, f"{error.mend} Each laptop is one person.") from None
    return Published(asked.set_name, asked.set_folder.absolute(), asked.days)


def run_on(
    engine: Engine, asked: Simulation, worker: Worker, models: Path, watch: Watch
) -> dict[str, Any]:
    """Conduct the run on an engine and return the results.

    Args:
        engine: lets laptops work.
        asked: what to simulate.
        worker: what the engine runs.
        models: folder for models; a held-out file of the plan is in it.
        watch: told how far it is.

    Raises:
        ConfigError: the plan asks for more laptops than there are, or for an unknown task.
    """
    _task(asked)
    chances = Chances(asked.seed, asked.laptops, 0, asked.availability, asked.dropout)
    seconds, earlier = 0.0, 0  # of rounds; attempts of a run before this one

    def told() -> None:
        watch.answers(grid.worked, len(grid.attempts) - earlier)

    grid = FleetGrid(engine, chances, worker.fleet.floor.rounds_per_day_max, told)
    lines: list[dict[str, Any]] = []
    with open_database() as database, closing(grid):
        enroll(worker.fleet, database, asked.laptops)
        for plan in _plans(asked):
            begun, earlier = time.monotonic(), len(grid.attempts)
            watch.phase("Rounds", plan.rounds)
            job = prepare(worker.fleet, plan, grid, database, folder=models)
            ended = _conduct(job)
            grid.let_finish()
            seconds += time.monotonic() - begun
            utility = _utility(job, asked, worker, watch)
            lines += _rounds(job, grid.attempts[earlier:], utility)
            if ended != FINISHED:
                break
        return {
            "format": FORMAT,
            "notice": NOTICE,
            "asked": _as_told(asked, worker.source),
            "versions": _versions(),
            "ended": ended,
            "rounds": lines,
            "utility": _baselines(utility),
            "epsilon": _epsilon(asked, grid, database),
            "speed": _speed(grid, seconds),
            "model": _model_hash(job),
        }


def _plans(asked: Simulation) -> Iterator[RoundPlan]:
    """Yield the plan, after that of the counts it begins with; nobody has to be waited for."""
    plan = asked.plan if asked.counts is None else replace(asked.plan, start_from=COUNTS)
    for one in (asked.counts, plan):
        if one is not None:
            yield replace(one, gather_seconds=0, witness_seconds=0)


def _task(asked: Simulation) -> Task:
    needed = max(one.minimum_cohort for one in (asked.plan, asked.counts) if one is not None)
    if needed > asked.laptops:
        raise ConfigError(
            f"The plan needs {needed} laptops in a round, and there are {asked.laptops}.",
            "Raise --laptops, or lower minimum_cohort in the plan.",
        )
    begins = asked.plan.start_from and (asked.counts is None or asked.plan.start_from != COUNTS)
    if begins or asked.plan.task in TRIALS:
        raise ConfigError(
            "A simulation knows no released model, and the plan is about one.",
            "Name a plan that learns, without start_from; private counts may come first: --counts.",
        )
    if asked.counts is not None and (asked.counts.task, asked.plan.task) not in BRIDGES:
        raise ConfigError(
            f"A run of {asked.plan.task} cannot begin with one of {asked.counts.task}.",
            "Give --counts a plan of action_counts, and the plan the task next_action.",
        )
    try:
        return find_task(asked.plan.task)
    except Refusal:
        raise ConfigError(
            f"The task {asked.plan.task!r} is not installed here.", "Name one that is."
        ) from None


def _conduct(job: Job) -> str:
    """Return how the run ended: ``finished``, or the reason that the server gives."""
    try:
        conduct(job)
    except RoundFailedError:
        return job.database.find_run(job.run).reason
    return FINISHED


def _released(rows: list[RoundRow]) -> list[RoundRow]:
    return [row for row in rows if row.state is RoundState.RELEASED]


def _utility(job: Job, asked: Simulation, worker: Worker, watch: Watch) -> Utility:
    released = _released(job.database.rounds(job.run))
    watch.phase("Measuring", len(released))
    models = (decode(job.models.load(row.model_out), job.layout) for row in released)
    return measure_all(
        find_task(job.plan.task),
        models,
        Activity(worker.source, worker.folder),
        sample_contract(job.plan),
        laptops=asked.laptops,
        seed=asked.seed,
        told=watch.step,
    )


def _rounds(job: Job, attempts: list[Attempt], utility: Utility) -> list[dict[str, Any]]:
    """Return a line for each attempt of a run that asked anybody."""
    rows = job.database.rounds(job.run)
    asked = [one for one in attempts if len(one.asked) >= job.plan.minimum_cohort]
    models = iter(utility.models)
    lines = []
    for row, attempt in zip(rows, asked, strict=True):
        released = row.state is RoundState.RELEASED
        metrics = next(models, None) if released else None
        lines.append(
            {
                "task": job.plan.task,
                "round": row.number,
                "attempt": row.attempt,
                "state": row.state.value,
                "cohort": row.cohort,
                "admitted": row.admitted,
                "refused": row.refused,
                "rejected": row.rejected,
                "silent": dict(sorted(attempt.silent.items())),
                "lost": len(attempt.lost & set(attempt.asked)),
                "bytes_down": attempt.bytes_down,
                "bytes_up": attempt.bytes_up,
                "held_out_loss": row.check.loss,
                "hit1": None if metrics is None else metrics.hit1,
                "hit5": None if metrics is None else metrics.hit5,
                "model": row.model_out,
            }
        )
    return lines


def _baselines(utility: Utility) -> dict[str, Any]:
    return {
        "laptops": utility.laptops,
        "positions": utility.positions,
        "baselines": {name: asdict(found) for name, found in utility.baselines.items()},
    }


def _epsilon(asked: Simulation, grid: FleetGrid, database: Database) -> dict[str, Any]:
    """Return what days of data would have given away under noise that nobody can repeat."""
    delta = Fleet(asked.seed, asked.profile).floor.delta_day
    each = sorted(found for state in grid.memories.values() for found in _spent(state, delta))
    events = [
        event_of(sample_contract(RoundPlan.from_bytes(run.plan)))
        for run in database.runs()
        for _ in _released(database.rounds(run.id))
    ]
    return {
        "unit": asked.plan.unit,
        "delta": delta,
        "days_charged": len(each),
        "median": each[len(each) // 2] if each else 0.0,
        "largest": each[-1] if each else 0.0,
        "run_prv": epsilon_prv(events, delta),
        "cap_of_a_day": Fleet(asked.seed, asked.profile).floor.epsilon_day,
    }


def _spent(memory: Mapping[str, Any], delta: float) -> list[float]:
    with closing(MemoryDatabase.of(memory[RECORD]["state"])) as database:
        blocks = PrivacyState(database).blocks()
    return [guaranteed(block.curve, delta, steps=block.steps) for block in blocks]


def _speed(grid: FleetGrid, seconds: float) -> dict[str, Any]:
    processes = {
        int(one[RECORD]["process"]): int(one[RECORD]["rss"])  # type: ignore[arg-type]
        for one in grid.memories.values()
    }
    states = [len(one[RECORD]["state"]) for one in grid.memories.values()]  # type: ignore[arg-type]
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {
        "seconds": seconds,
        "worked": grid.worked,
        "clients_per_second": grid.worked / seconds if seconds else 0.0,
        "server_peak_bytes": own,
        "worker_bytes": max(processes.values(), default=0),
        "laptop_state_bytes": max(states, default=0),
    }


def _model_hash(job: Job) -> str:
    """Return the hash of the last model's weights: the same for the same seed."""
    last = job.database.last_released(job.run)
    return "" if last is None else hashlib.sha256(job.models.load(last.model_out)).hexdigest()


def _as_told(asked: Simulation, source: Source) -> dict[str, Any]:
    told = asdict(asked)
    del told["plan_folder"], told["set_folder"], told["set_name"]
    return told | {"data": source.label}


def _versions() -> dict[str, str]:
    found = {name: _version(name) for name in _PACKAGES}
    return found | {
        "client": client_version, "server": server_version, "python": platform.python_version()
    }  # fmt: skip


def _version(name: str) -> str:
    try:
        return version(name)
    except ModuleNotFoundError:
        return ""
