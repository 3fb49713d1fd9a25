"""The simulated server: its own rounds, log and publication gate, over a database in memory."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import sqlalchemy as sql
from flwr.supercore.task_identity import TaskIdentity

from deskbound_server import schema
from deskbound_server.database import Database
from deskbound_server.held_out import open_held_out
from deskbound_server.job import Job
from deskbound_server.log import Log
from deskbound_server.model_store import ModelStore
from deskbound_server.plan import RoundPlan
from deskbound_server.starting import first_weights, settled_start
from deskbound_simulation.fleet_grid import FleetGrid
from deskbound_simulation.laptop import Fleet
from deskbound_simulation.seeds import seeded_bytes
from deskbound_strategies.dp_fedavg import Clock
from deskbound_strategies.task import find_task


@contextmanager
def open_database() -> Iterator[Database]:
    """Give a server's database in memory, to one process."""
    engine = sql.create_engine(
        "sqlite://", poolclass=sql.StaticPool, connect_args={"check_same_thread": False}
    )
    schema.metadata.create_all(engine)
    with closing(Database(engine)) as database:
        yield database


def enroll(fleet: Fleet, database: Database, laptops: int) -> None:
    """Write virtual laptops into an empty database, as if each had enrolled."""
    nodes = [{"node": str(number + 1)} for number in range(laptops)]
    if not nodes:
        return
    database.carry_out(
        sql.insert(schema.laptops).values(
            [one | {"fingerprint": f"{n:064x}", "label": "", "revoked": False}
             for n, one in enumerate(nodes)]
        ),
        sql.insert(schema.anchors).values(
            [one | {"anchor": fleet.anchor(n)} for n, one in enumerate(nodes)]
        ),
    )  # fmt: skip


def prepare(
    fleet: Fleet, plan: RoundPlan, grid: FleetGrid, database: Database, *, folder: Path
) -> Job:
    """Return a run to conduct.

    Args:
        fleet: whose keys are used.
        plan: the run's; what it waits for besides answers is not waited for.
        grid: reaches the laptops.
        database: that knows the laptops, and the runs before.
        folder: for models.

    Raises:
        ConfigError: the plan's held-out data, or what it begins with, is not what it should be.
        NotFoundError: what the plan begins with was not released.
    """
    models = ModelStore(folder)
    task, plan = find_task(plan.task), settled_start(plan, database, models)
    held_out = open_held_out(plan, task, models)
    number = len(database.runs())
    run = seeded_bytes(fleet.seed, "run", number).hex()[:32]
    database.add_run(run, plan.to_bytes(), int(grid.now()))
    grid.ask_at_most(plan.cohort)
    # Flower composes messages only inside a task; this is the first one of run 1.
    TaskIdentity.run_id, TaskIdentity.task_id, TaskIdentity.node_id = 1, 1, 0
    key = fleet.contract_key
    return Job(
        run=run,
        plan=plan,
        layout=task.layout(),
        vocabulary_hash=task.vocabulary_hash,
        first_weights=lambda: first_weights(plan, models, database),
        database=database,
        models=models,
        key=key,
        log=Log(database, fleet.log, fleet.log_key, key.public_key(), folder / "log.lock"),
        witnesses=[],
        grid=grid,
        clock=Clock(grid.now, grid.wait),
        spool=folder,
        held_out_loss=None if held_out is None else held_out.loss,
    )
