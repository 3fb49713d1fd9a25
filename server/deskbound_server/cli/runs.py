"""``deskbound-server runs``: what was run, and what came of each round."""

from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from deskbound_server.cli.common import (
    AsJson,
    codes,
    console,
    home_of,
    moment,
    open_database,
    print_json,
    table_of,
)
from deskbound_server.follow import Sight, look
from deskbound_server.plan import RoundPlan
from deskbound_server.publication import in_words
from deskbound_server.schema import RoundRow


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(runs)


def runs(
    context: typer.Context,
    run: Annotated[str | None, typer.Argument(help="A run, to see its rounds.")] = None,
    as_json: AsJson = False,
) -> None:
    """List runs, or the rounds of one: counts and codes, never a laptop.

    Example: deskbound-server runs 3f2a
    """
    home = home_of(context)
    with open_database(home) as database:
        found = [database.find_run(run)] if run else database.runs()
        sights = [look(home.run, database, row.id) for row in found]
    if as_json:
        told = [run_as_dict(sight) for sight in sights]
        print_json(told[0] if run else told)
    elif not sights:
        console.print("Nothing was run yet. Next: [bold]deskbound-server run plan.toml[/].")
    else:
        console.print(_rounds_table(sights[0]) if run else _runs_table(sights))


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
