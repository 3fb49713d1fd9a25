"""``deskbound-server runs``: what was run, what came of each round, and runs side by side."""

from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from deskbound_server import evaluation
from deskbound_server.cli.common import (
    AsJson,
    console,
    first_by_default,
    home_of,
    open_database,
    print_json,
    table_of,
)
from deskbound_server.compare import Facts, differing, facts_of
from deskbound_server.compare_words import FACTS, NOTE
from deskbound_server.follow import Sight, look
from deskbound_server.home import ServerHome
from deskbound_server.model_store import ModelStore
from deskbound_server.plan import RoundPlan
from deskbound_server.publication import in_words
from deskbound_server.schema import RoundRow
from deskbound_server.words import codes, moment
from deskbound_strategies.codec import encoded_size
from deskbound_strategies.errors import ConfigError
from deskbound_strategies.task import find_task

runs = typer.Typer(
    cls=first_by_default("list"), help="List runs and what came of them, or compare some."
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(runs, name="runs")


@runs.command("list")
def list_runs(
    context: typer.Context,
    run: Annotated[str | None, typer.Argument(help="A run, to see its rounds.")] = None,
    as_json: AsJson = False,
) -> None:
    """List runs, or the rounds of one: counts and codes, never a laptop. 'list' may be left out.

    Example: deskbound-server runs list 3f2a
    """
    home = home_of(context)
    with open_database(home) as database:
        found = [database.find_run(run)] if run else database.runs()
        sights = [look(home.run, database, row.id) for row in found]
    hits = hits_of(sights[0], home) if run else None
    if as_json:
        told = [run_as_dict(sight) for sight in sights]
        if hits is not None:
            told[0]["hits"] = evaluation.as_dict(hits)
        print_json(told[0] if run else told)
    elif not sights:
        console.print("Nothing was run yet. Next: [bold]deskbound-server run plan.toml[/].")
    else:
        console.print(_rounds_table(sights[0]) if run else _runs_table(sights))
        if hits is not None:
            console.print(hits_table(hits))


@runs.command("compare")
def compare_runs(
    context: typer.Context,
    run: Annotated[list[str], typer.Argument(help="Two runs or more.")],
    as_json: AsJson = False,
) -> None:
    """Put runs side by side: settings that differ, rounds, cohorts, codes, epsilon, bytes.

    Example: deskbound-server runs compare 3f2a 81bc
    """
    home = home_of(context)
    with open_database(home) as database:
        found = [database.find_run(name).id for name in run]
        if len(set(found)) < max(2, len(found)):
            raise ConfigError(
                "Comparing takes at least two different runs.", "Name each of them once."
            )
        sights = [look(home.run, database, each) for each in found]
    plans = [RoundPlan.from_bytes(sight.run.plan) for sight in sights]
    facts = [
        facts_of(sight, encoded_size(find_task(plan.task).layout()))
        for sight, plan in zip(sights, plans, strict=True)
    ]
    settings = differing(plans)
    if as_json:
        print_json({"settings": settings, "runs": [asdict(one) for one in facts]})
    else:
        console.print(_comparison(settings, facts))


def run_as_dict(sight: Sight) -> dict[str, Any]:
    """Return a run and its rounds for a program."""
    plan = RoundPlan.from_bytes(sight.run.plan)
    return {
        "run": sight.run.id,
        "state": "interrupted" if sight.interrupted else sight.run.state.value,
        "reason": sight.run.reason,
        "created": sight.run.created,
        "task": plan.task,
        "profile": plan.profile,
        "rounds_planned": plan.rounds,
        "rounds_released": sight.released,
        "rounds": [_round_as_dict(row) for row in sight.rounds],
    }


def _round_as_dict(row: RoundRow) -> dict[str, Any]:
    return {
        "round": row.number,
        "attempt": row.attempt,
        "state": row.state.value,
        "contract_digest": row.digest,
        "issued": row.issued,
        "closed": row.closed,
        "cohort": row.cohort,
        "admitted": row.admitted,
        "missing": row.missing,
        "refused": row.refused,
        "rejected": row.rejected,
        "model_in": row.model_in,
        "model_out": row.model_out,
        "held_back": row.check.cause,
        "held_out_loss": row.check.loss,
        "held_out_loss_before": row.check.before,
    }


def hits_of(sight: Sight, home: ServerHome) -> evaluation.Found | None:
    """Return what a private evaluation told; None for any other run."""
    plan = RoundPlan.from_bytes(sight.run.plan)
    return evaluation.evaluated(plan, sight.rounds, ModelStore(home.models))


def hits_table(found: evaluation.Found) -> RenderableType:
    """Return how often the model that was tried is right on laptops."""
    if not found:
        return Text(f"\n{evaluation.NOTHING}")
    table = table_of("right on laptops", *evaluation.WORDS.values())
    for name, figures in evaluation.lines(found):
        table.add_row(name, *figures)
    return Group(Text(), table, Text(evaluation.NOTE))


def _runs_table(sights: list[Sight]) -> Table:
    table = table_of("run", "created (UTC)", "task", "profile", "state", "rounds")
    for sight in sights:
        told = run_as_dict(sight)
        state = f"{told['state']}: {told['reason']}" if told["reason"] else told["state"]
        done = f"{told['rounds_released']} of {told['rounds_planned']}"
        when = moment(sight.run.created)
        table.add_row(sight.run.id[:8], when, told["task"], told["profile"], state, done)
    return table


def _rounds_table(sight: Sight) -> RenderableType:
    """Return counts as a table, and the codes behind them line by line below it."""
    table = table_of(
        "round", "try", "state", "asked", "count", "silent", "refused", "rejected", "model"
    )
    notes = []
    for row in sight.rounds:
        if row.check.cause is not None:
            why = f"held back, {row.check.cause}: {in_words(row.check)}"
            notes.append(f"round {row.number}, try {row.attempt}: {why}")
        answers = (row.admitted, row.missing, sum(row.refused.values()), sum(row.rejected.values()))
        counts = map(str, (row.cohort, *answers))
        table.add_row(
            str(row.number), str(row.attempt), row.state.value, *counts, row.model_out[:12]
        )
        for what, said in (("refused", row.refused), ("rejected", row.rejected)):
            if said:
                notes.append(f"round {row.number}, try {row.attempt}: {what} {codes(said)}")
    return Group(table, *(Text(note) for note in notes))


def _comparison(settings: dict[str, list[Any]], facts: list[Facts]) -> RenderableType:
    table = table_of("", *(one.run[:8] for one in facts))
    for name, values in settings.items():
        table.add_row(name, *map(str, values))
    if not settings:
        table.add_row("settings", *("the same" for _ in facts))
    table.add_section()
    for name, words in FACTS:
        table.add_row(name, *map(words, facts))
    return Group(table, Text(), Text(NOTE))
