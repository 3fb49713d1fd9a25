"""The ServerApp that the pointer bundle names: conducts a run of our database, or delivers a stop.

All it takes from Flower is the run's id and the Grid. It holds the run's lock while it lives, so
that a run has one conductor, and everyone can see whether it has one.
"""

import logging

from flwr.app import Context
from flwr.serverapp import Grid, ServerApp

from deskbound_server import pki
from deskbound_server.database import Database
from deskbound_server.delivery import LOCK, RUN, Delivery
from deskbound_server.held_out import open_held_out
from deskbound_server.home import ServerHome, find_home
from deskbound_server.job import Job
from deskbound_server.lock import FileLock
from deskbound_server.log import open_log, read_witnesses
from deskbound_server.model_store import ModelStore
from deskbound_server.plan import RoundPlan
from deskbound_server.recall import RECALL, Recall
from deskbound_server.rounds import conduct
from deskbound_server.schema import RunRow, RunState
from deskbound_server.starting import first_weights
from deskbound_server.strict_grid import StrictGrid
from deskbound_strategies.codec import encoded_size
from deskbound_strategies.dp_fedavg import Clock
from deskbound_strategies.errors import BusyError, DeskboundError
from deskbound_strategies.task import find_task

_log = logging.getLogger("deskbound.server")
_ENVELOPE_BYTES = 64 * 1024  # what Flower adds around our reply, generously

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context) -> None:
    """Conduct the run that the submission names."""
    home = find_home(None)
    home.check()
    run = str(context.run_config["run"])
    database = Database.open(home.database)
    try:
        if run == RUN:
            _deliver_alone(home, database, grid)
        else:
            _conduct_alone(home, database, grid, run)
    except DeskboundError as error:
        _log.error("The run ended: %s %s", error.sentence, error.mend)
        raise
    finally:
        database.close()


def _deliver_alone(home: ServerHome, database: Database, grid: Grid) -> None:
    with FileLock(home.run / LOCK) as lock:
        if lock.held:  # else somebody delivers already
            witnesses = read_witnesses(home.witnesses)
            strict = StrictGrid(grid, _ENVELOPE_BYTES)
            recall = Recall(home.run / RECALL)
            log, clock = open_log(home, database), Clock()
            Delivery(database, log, witnesses, strict, clock, recall.ask).run()


def _conduct_alone(home: ServerHome, database: Database, grid: Grid, run: str) -> None:
    row = database.find_run(run)
    with FileLock(home.run / f"{row.id}.lock", patience=5.0) as lock:
        if not lock.held:
            raise BusyError(f"Run {row.id[:8]} is conducted already.", "Wait for it to end.")
        job = _job(home, database, grid, row)
        try:
            conduct(job)
        except Exception:
            # Whatever it was, the record must not say "running"; a known reason stays.
            if database.find_run(row.id).state is RunState.RUNNING:
                database.advance_run(row.id, RunState.FAILED, "server-error")
            raise


def _job(home: ServerHome, database: Database, grid: Grid, row: RunRow) -> Job:
    plan = RoundPlan.from_bytes(row.plan)
    task = find_task(plan.task)
    layout = task.layout()
    key, models = pki.contract_key(home), ModelStore(home.models)
    held_out = open_held_out(plan, task, models)
    return Job(
        run=row.id,
        plan=plan,
        layout=layout,
        vocabulary_hash=task.vocabulary_hash,
        first_weights=lambda: first_weights(plan, models, database),
        database=database,
        models=models,
        key=key,
        log=open_log(home, database),
        witnesses=read_witnesses(home.witnesses),
        grid=StrictGrid(grid, encoded_size(layout) + _ENVELOPE_BYTES),
        clock=Clock(),
        spool=home.run,
        held_out_loss=None if held_out is None else held_out.loss,
    )
