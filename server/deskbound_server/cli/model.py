"""``deskbound-server model``: released models, listed and taken out."""

from pathlib import Path
from typing import Annotated

import typer

from deskbound_server.cli.common import (
    AsJson,
    console,
    home_of,
    moment,
    open_database,
    print_json,
    table_of,
)
from deskbound_server.database import Database
from deskbound_server.home import write_private
from deskbound_server.model_store import ModelStore
from deskbound_server.schema import RoundRow, RoundState
from deskbound_strategies.errors import NotFoundError

models = typer.Typer(help="List and export released models.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.add_typer(models, name="model")


@models.command("list")
def list_models(context: typer.Context, as_json: AsJson = False) -> None:
    """List every model that was released, oldest first.

    Example: deskbound-server model list
    """
    with open_database(home_of(context)) as database:
        rows = _released(database)
    if as_json:
        print_json([{"model": row.model_out, "run": row.run, "round": row.number} for row in rows])
        return
    if not rows:
        console.print("No model was released yet. Next: [bold]deskbound-server run plan.toml[/].")
        return
    table = table_of("model", "run", "round", "replies", "released (UTC)")
    for row in rows:
        when = moment(row.closed)
        table.add_row(row.model_out[:12], row.run[:8], str(row.number), str(row.admitted), when)
    console.print(table)


@models.command("export")
def export_model(
    context: typer.Context,
    model: Annotated[str, typer.Argument(help="Beginning of a model's hash, or 'latest'.")],
    to: Annotated[Path, typer.Option(help="File to write; docs/wire-format.md describes it.")],
) -> None:
    """Write a model's weights to a file, after checking that they are what was released.

    Example: deskbound-server model export latest --to model.bin
    """
    home = home_of(context)
    with open_database(home) as database:
        found = _find(_released(database), model)
    write_private(to.absolute(), ModelStore(home.models).load(found))
    console.print(f"Wrote model [bold]{found[:12]}[/] to {to}.")


def _released(database: Database) -> list[RoundRow]:
    rows = [row for run in database.runs() for row in database.rounds(run.id)]
    released = [row for row in rows if row.state is RoundState.RELEASED]
    return sorted(released, key=lambda row: (row.closed, row.number))


def _find(rows: list[RoundRow], name: str) -> str:
    if name == "latest" and rows:
        return rows[-1].model_out
    found = {row.model_out for row in rows if row.model_out.startswith(name.lower())}
    if len(found) != 1 or not name:
        which = "more than one model" if found and name else "no model"
        raise NotFoundError(
            f"There is {which} of that name.", "List them with 'deskbound-server model list'."
        )
    return found.pop()
