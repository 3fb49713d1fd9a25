"""Where a run begins: at weights that nothing but the plan's seed decides, or at a released model.

What a private evaluation tries is a released model as well, with empty cells around it.
"""

from dataclasses import replace

from deskbound_server.database import Database
from deskbound_server.lineage import find_released, released
from deskbound_server.model_store import ModelStore
from deskbound_server.plan import TRIALS, RoundPlan
from deskbound_strategies import next_action, next_action_hits
from deskbound_strategies.codec import Tensors, decode
from deskbound_strategies.errors import ConfigError
from deskbound_strategies.task import find_task, weights_of


def named_start(plan: RoundPlan, database: Database) -> RoundPlan:
    """Return a plan whose ``start_from`` is a model's whole hash, or empty.

    Raises:
        ConfigError: a private evaluation names no model.
        NotFoundError: no model of the task begins so, or several do.
    """
    if not plan.start_from:
        if plan.task in TRIALS:
            raise ConfigError(
                f"A plan of task {plan.task} tries a model and names none.",
                'Give start_from = "latest", or the beginning of a model\'s hash.',
            )
        return plan
    origin = _origin(plan.task)
    tasks = {run.id: RoundPlan.from_bytes(run.plan).task for run in database.runs()}
    rows = [row for row in released(database) if tasks[row.run] == origin]
    return replace(plan, start_from=find_released(rows, plan.start_from).model_out)


def first_weights(plan: RoundPlan, models: ModelStore) -> Tensors:
    """Return the weights before round 1.

    Raises:
        NotFoundError, VaultDamagedError: the model to start from is gone or was changed.
        Refusal: it is not one of the task's.
    """
    task = find_task(plan.task)
    if not plan.start_from:
        return weights_of(task.build_model(plan.seed))
    origin = find_task(_origin(plan.task))
    found = decode(models.load(plan.start_from), origin.layout())
    return found if origin.name == task.name else next_action_hits.around(found)


def _origin(task: str) -> str:
    """Return of which task the model is that a run of a task starts from."""
    return next_action.TASK.name if task == next_action_hits.TASK.name else task
