"""Released models tried on one set of held-out data, beside what they have to beat.

The data is public, or the engineer's own; laptops are not asked and tell nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from deskbound_server.database import Database
from deskbound_server.held_out import generated_units, open_held_out, read_from
from deskbound_server.lineage import find_released, released
from deskbound_server.model_export import weights_of_released
from deskbound_server.model_store import ModelStore
from deskbound_server.plan import RoundPlan
from deskbound_server.ranks import ByHead, ranks_of_baselines, ranks_of_model
from deskbound_server.scores import Score, difference, score_of
from deskbound_strategies.errors import ConfigError
from deskbound_strategies.task import Task, Unit, find_task

Scores = dict[str, Score]  # by head
Told = Callable[[str, int], None]  # what is being tried, and how many units of it were more


@dataclass(frozen=True, slots=True)
class Chosen:
    """A released model: its hash, its task, and the run that made it with its plan."""

    model: str
    task: Task
    run: str
    plan: RoundPlan


@dataclass(frozen=True, slots=True)
class Held:
    """Held-out data: its units, and in words where they come from."""

    units: Sequence[Unit]
    words: str


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of trying models on the same positions.

    Attributes:
        chosen, held: what was tried, and on what.
        models: scores of each, in order.
        baselines: by name.
        apart: of two models, by how much the first is better, paired by position; else None.
    """

    chosen: Sequence[Chosen]
    held: Held
    models: Sequence[Scores]
    baselines: dict[str, Scores]
    apart: Scores | None


def choose(database: Database, names: Sequence[str]) -> list[Chosen]:
    """Return the released models that are named.

    Raises:
        NotFoundError: a name is that of none, or of several.
        ConfigError: two names are of one model, or models read different vocabularies.
        Refusal: a task is not installed here.
    """
    rows = [find_released(released(database), name) for name in names]
    if len({row.model_out for row in rows}) < len(rows):
        raise ConfigError("Both names are of the same model.", "Name another one, or one alone.")
    plans = [RoundPlan.from_bytes(database.find_run(row.run).plan) for row in rows]
    tasks = [find_task(plan.task) for plan in plans]
    if len({task.vocabulary_hash for task in tasks}) > 1:
        raise ConfigError(
            "These models read different vocabularies, so no data is fit for both.",
            "Name two models of one vocabulary.",
        )
    return [
        Chosen(row.model_out, task, row.run, plan)
        for row, task, plan in zip(rows, tasks, plans, strict=True)
    ]


def held_out_of(
    chosen: Sequence[Chosen], models: ModelStore, data: Path | None, *, generated: bool
) -> Held:
    """Return the data that was asked for, or that of the first run that held out anything.

    Args:
        chosen: models to try.
        models: keeps the files that runs held out.
        data: file or folder that was named.
        generated: whether made-up days were asked for.

    Raises:
        ConfigError: there is no data, or it is not what it should be.
        NotFoundError, VaultDamagedError: the file that was kept is gone or was changed.
    """
    if data is not None:
        return Held(read_from(data, chosen[0].task.vocabulary_hash), f"from {data}")
    if generated:
        return Held(generated_units(), "of made-up days")
    for one in chosen:
        found = open_held_out(one.plan, one.task, models)
        if found is not None:
            source = "made-up days" if one.plan.held_out == "generated" else "the plan's file"
            return Held(found.units, f"of {source}, as run {one.run[:8]} held out")
    runs = " and ".join(dict.fromkeys(one.run[:8] for one in chosen))
    raise ConfigError(
        f'There is no held-out data: the plan of run {runs} says held_out = "none".',
        "Give --data with a file or folder, or --generated for made-up days.",
    )


def try_all(chosen: Sequence[Chosen], held: Held, models: ModelStore, told: Told) -> Trial:
    """Try models, and baselines beside them.

    Args:
        chosen: one or two.
        held: what they are tried on.
        models: where they lie.
        told: called as it goes on.

    Raises:
        NotFoundError, VaultDamagedError: a model's file is gone or was changed.
        ConfigError: a task installed here has another model, or another vocabulary.
    """
    weights = [weights_of_released(models, one.model, one.task) for one in chosen]
    ranks: list[ByHead] = []
    for one, mine in zip(chosen, weights, strict=True):
        name = one.model[:12]
        ranks.append(ranks_of_model(one.task, mine, held.units, lambda n, w=name: told(w, n)))  # type: ignore[misc]
    beside = ranks_of_baselines(held.units, lambda count: told("baselines", count))
    apart = None
    if len(ranks) > 1:
        first, second = ranks
        apart = {head: difference(first[head], second[head]) for head in first}
    baselines = {name: _scores(each) for name, each in beside.items()}
    return Trial(chosen, held, [_scores(each) for each in ranks], baselines, apart)


def _scores(ranks: ByHead) -> Scores:
    return {head: score_of(each) for head, each in ranks.items()}
