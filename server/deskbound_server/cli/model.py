"""``deskbound-server model``: released models, where they come from, and as files."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from deskbound_server.cli.common import (
    AsJson,
    console,
    home_of,
    open_database,
    print_json,
    table_of,
)
from deskbound_server.cli.model_evaluate import evaluate
from deskbound_server.home import write_private
from deskbound_server.lineage import Lineage, find_released, lineage_of, released
from deskbound_server.model_store import Format, ModelStore
from deskbound_server.words import moment
from deskbound_strategies.errors import ConfigError, NotFoundError

models = typer.Typer(help="List, explain, try and export released models.", no_args_is_help=True)
ModelName = Annotated[str, typer.Argument(help="Beginning of a model's hash, or 'latest'.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    models.command("evaluate")(evaluate)
    app.add_typer(models, name="model")


@models.command("list")
def list_models(context: typer.Context, as_json: AsJson = False) -> None:
    """List every model that was released, oldest first.

    Example: deskbound-server model list
    """
    with open_database(home_of(context)) as database:
        rows = released(database)
    if as_json:
        print_json(
            [
                {"model": row.model_out, "parent": row.model_in, "run": row.run,
                 "round": row.number, "admitted": row.admitted, "released": row.closed}
                for row in rows
            ]
        )  # fmt: skip
        return
    if not rows:
        console.print("No model was released yet. Next: [bold]deskbound-server run plan.toml[/].")
        return
    table = table_of("model", "from", "run", "round", "replies", "released (UTC)")
    for row in rows:
        names = (row.model_out[:12], row.model_in[:12], row.run[:8])
        table.add_row(*names, str(row.number), str(row.admitted), moment(row.closed))
    console.print(table)


@models.command("show")
def show_model(context: typer.Context, model: ModelName, as_json: AsJson = False) -> None:
    """Show where a model comes from: run, round, contract, log, parent, and what it cost.

    Example: deskbound-server model show latest
    """
    with open_database(home_of(context)) as database:
        found = lineage_of(database, find_released(released(database), model))
    if as_json:
        print_json(asdict(found))
        return
    table = table_of("", "")
    for name, words in _told(found):
        table.add_row(name, words)
    console.print(table)


@models.command("export")
def export_model(
    context: typer.Context,
    model: ModelName,
    to: Annotated[Path, typer.Option(help="File to write.")],
    form: Annotated[
        Format, typer.Option("--format", help="bin (what laptops get), safetensors or onnx.")
    ] = Format.BIN,
    force: Annotated[
        bool, typer.Option("--force", help="Write over a file that is there.")
    ] = False,
) -> None:
    """Write a model to a file, after checking that it is what was released.

    Example: deskbound-server model export latest --format safetensors --to model.safetensors
    """
    from deskbound_server.model_export import exported  # noqa: PLC0415 - loads torch: seconds

    home, target = home_of(context), to.absolute()
    if not target.parent.is_dir():
        raise NotFoundError(f"There is no folder {to.parent}.", "Make it first, or name another.")
    if target.exists() and not force:
        raise ConfigError(f"{to} is there already.", "Name another file, or say --force.")
    with open_database(home) as database:
        found = lineage_of(database, find_released(released(database), model))
    data = exported(ModelStore(home.models), found, form)
    write_private(target, data, over=force)
    console.print(f"Wrote model [bold]{found.model[:12]}[/] to {to}.")


def _told(found: Lineage) -> list[tuple[str, str]]:
    """Return what a person reads, line by line."""
    place = "not in the log" if found.log_index is None else f"leaf {found.log_index}"
    tried = "not tried" if found.held_out_loss is None else f"{found.held_out_loss:.3f} nats a unit"
    privacy = (
        f"at most epsilon {found.epsilon:.2f} at delta {found.delta:g} for each {found.unit} of "
        f"a laptop that took part in all {found.attempts_charged} attempts of this run so far"
    )
    if found.run_start and found.epsilon_all is None:
        privacy += "; what it began with comes on top, and cannot be added here"
    elif found.run_start:
        privacy += f"; with the runs that it goes back to at most {found.epsilon_all:.2f}"
    return [
        ("model", found.model),
        ("from", found.parent),
        ("run", f"{found.run}, round {found.round}, try {found.attempt}"),
        ("run began with", found.start.words(found.task)),
        ("contract", found.contract),
        ("log", place),
        ("released", f"{moment(found.released)} UTC"),
        ("task", found.task),
        ("replies", f"{found.admitted} of {found.cohort} count: {found.combined}"),
        ("optimizer", found.optimizer),
        ("held-out loss", tried),
        ("privacy", privacy),
    ]
