"""Where a run begins: at weights that nothing but the plan's seed decides, or at a released model.

A network may also begin with private counts, which teach it first. What a private evaluation tries
is a released model as well, with empty cells around it. The tasks load torch, which takes seconds,
so only those who need a model's weights pay for it.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from deskbound_server.database import Database
from deskbound_server.lineage import (
    COUNTS_TASK,
    LATEST,
    contract_of,
    find_released,
    released,
    start_of,
    tasks_of,
)
from deskbound_server.model_store import ModelStore
from deskbound_server.plan import TRIALS, RoundPlan
from deskbound_strategies.codec import Tensors, decode
from deskbound_strategies.errors import ConfigError, NotFoundError
from deskbound_strategies.task import find_task, load_weights, weights_of
from deskbound_strategies.weighing import TELLING, mean_told, noise_of_one, tells

if TYPE_CHECKING:
    from deskbound_strategies.action_counts import CountsModel

COUNTS = "counts"  # as ``start_from``: the latest private counts


def named_start(plan: RoundPlan, database: Database) -> RoundPlan:
    """Return a plan whose ``start_from`` is a model's whole hash, or empty.

    Raises:
        ConfigError: a private evaluation names no model.
        NotFoundError: no model that the task can begin with is named so, or several are.
    """
    if not plan.start_from:
        if plan.task in TRIALS:
            raise ConfigError(
                f"A plan of task {plan.task} tries a model and names none.",
                'Give start_from = "latest", or the beginning of a model\'s hash.',
            )
        return plan
    own, *others = origins = _origins(plan.task)
    name = plan.start_from
    if name == COUNTS and COUNTS_TASK in others:
        name, origins = LATEST, [COUNTS_TASK]
    elif name == LATEST:
        origins = [own]
    tasks = tasks_of(database)
    rows = [row for row in released(database) if tasks[row.run] in origins]
    if name == LATEST and not rows:
        raise NotFoundError(
            f"No model of task {origins[0]} was released that a run could begin with.",
            "Release one first; 'deskbound-server model list' lists what there is.",
        )
    return replace(plan, start_from=find_released(rows, name).model_out)


def settled_start(plan: RoundPlan, database: Database, models: ModelStore) -> RoundPlan:
    """Return a plan that names its start as ``named_start`` does, and knows what laptops told.

    Raises:
        ConfigError: see ``named_start``; laptops shall be weighed, and the latest private counts
            are no average of one round.
        NotFoundError: see ``named_start``; laptops shall be weighed, and none were released.
    """
    plan = named_start(plan, database)
    if plan.weighing == "alike" or plan.task == TELLING:  # counts tell it in the round itself
        return plan
    tasks = tasks_of(database)
    rows = [row for row in released(database) if tasks[row.run] == TELLING]
    if not rows:
        raise NotFoundError(
            "Laptops can be weighed by what they told in private counts, and none were released.",
            'Run a plan of task action_counts first, or write weighing = "alike".',
        )
    row = rows[-1]
    asked, counted = contract_of(row), RoundPlan.from_bytes(database.find_run(row.run).plan)
    averaged = (counted.server_optimizer, counted.server_learning_rate, counted.aggregation)
    begun = (row.number, counted.start_from)
    if not tells(asked) or (*begun, *averaged) != (1, "", "fedavg", 1.0, "mean"):
        raise ConfigError(
            "The latest private counts are no average of one round in which every unit was counted "
            "once, so nobody knows what a laptop told.",
            'Count as plans/counts.toml does, or write weighing = "alike".',
        )
    found = decode(models.load(row.model_out), find_task(TELLING).layout())
    # Below its noise an amount counts as the noise, and so does the average.
    return replace(plan, told_mean=max(mean_told(asked, found), noise_of_one(asked, found)))


def first_weights(plan: RoundPlan, models: ModelStore, database: Database) -> Tensors:
    """Return the weights before round 1.

    Args:
        plan: as it was recorded, ``start_from`` a whole hash or empty.
        models: where released models lie.
        database: says of which task they are.

    Raises:
        NotFoundError, VaultDamagedError: the model to start from is gone or was changed.
        Refusal: it is not one of the task's.
    """
    task = find_task(plan.task)
    if not plan.start_from:
        return weights_of(task.build_model(plan.seed))
    origin = find_task(start_of(database, plan).task)
    found = decode(models.load(plan.start_from), origin.layout())
    if origin.name == task.name:
        return found
    return BRIDGES[origin.name, task.name](found, plan.start_from)


def _taught(found: Tensors, name: str) -> Tensors:
    from deskbound_strategies.taught import seed_of, taught_by_counts  # noqa: PLC0415 - as above

    model = cast("CountsModel", find_task(COUNTS_TASK).build_model(0))
    load_weights(model, found)
    return taught_by_counts(model.read(), seed_of(name))


def _tried(found: Tensors, _: str) -> Tensors:
    from deskbound_strategies.next_action_hits import around  # noqa: PLC0415 - as above

    return around(found)


# From a released model of one task, and its hash, to first weights of another.
BRIDGES: dict[tuple[str, str], Callable[[Tensors, str], Tensors]] = {
    ("next_action", "next_action_hits"): _tried,
    (COUNTS_TASK, "next_action"): _taught,
}


def _origins(task: str) -> list[str]:
    """Return of which tasks a model can be that a run of a task starts from; ``latest``'s first."""
    bridged = [origin for origin, reached in BRIDGES if reached == task]
    return bridged if task in TRIALS else [task, *bridged]
