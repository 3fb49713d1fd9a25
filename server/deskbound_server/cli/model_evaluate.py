"""``deskbound-server model evaluate``: how often released models are right on held-out data."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from deskbound_server.cli.common import (
    AsJson,
    console,
    home_of,
    open_database,
    print_json,
    table_of,
)
from deskbound_server.evaluation import WORDS
from deskbound_server.home import ServerHome
from deskbound_server.model_store import ModelStore
from deskbound_server.scores import Figure, Score
from deskbound_strategies.errors import ConfigError, Refusal

if TYPE_CHECKING:
    from deskbound_server.model_trial import Chosen, Held, Scores, Trial

_NOTE = (
    "Plus or minus one standard error, with every unit as one draw. Baselines are fitted on the "
    "other units of the same data, fold by fold. An argument is guessed among those of the right "
    "kind. Nothing here comes from laptops."
)


def evaluate(
    context: typer.Context,
    model: Annotated[str, typer.Argument(help="Beginning of a model's hash, or 'latest'.")],
    other: Annotated[
        str | None, typer.Argument(help="A second one, to be compared on the same data.")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="Held-out file, or a folder of such; else what the run held out."),
    ] = None,
    generated: Annotated[
        bool, typer.Option("--generated", help="Try on made-up days, whatever the run held out.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show how often a released model is right on held-out data, beside what it has to beat.

    For the action, its kind and its argument: at the first guess, among five, and as reciprocal
    rank. The data is public, or yours; laptops are not asked.

    Example: deskbound-server model evaluate latest --data held-out
    """
    from deskbound_server.model_trial import choose, held_out_of  # noqa: PLC0415 - loads torch

    if data is not None and generated:
        raise ConfigError("--data and --generated exclude each other.", "Give one of them.")
    home = home_of(context)
    with open_database(home) as database:
        try:
            chosen = choose(database, [model] if other is None else [model, other])
        except Refusal:
            raise ConfigError(
                "The task of such a model is not installed here.", "Install it, to try its models."
            ) from None
    held = held_out_of(chosen, ModelStore(home.models), data, generated=generated)
    found = _tried(home, chosen, held, quiet=as_json)
    if as_json:
        print_json(as_dict(found))
    else:
        console.print(rendered(found))


def _tried(home: ServerHome, chosen: "list[Chosen]", held: "Held", *, quiet: bool) -> "Trial":
    from deskbound_server.model_trial import try_all  # noqa: PLC0415

    columns = TextColumn("Trying {task.description}"), BarColumn(), TimeElapsedColumn()
    quiet = quiet or not console.is_terminal  # else an empty line would be left
    with Progress(*columns, console=console, disable=quiet, transient=True) as progress:
        bar = progress.add_task(chosen[0].model[:12], total=len(held.units) * (len(chosen) + 1))

        def told(what: str, units: int) -> None:
            progress.update(bar, description=what, advance=units)

        return try_all(chosen, held, ModelStore(home.models), told)


def as_dict(found: "Trial") -> dict[str, Any]:
    """Return it for a program."""

    def plain(scores: "Scores") -> dict[str, Any]:
        return {head: asdict(score) for head, score in scores.items()}

    return {
        "data": {"from": found.held.words, "units": len(found.held.units)},
        "models": [
            {"model": one.model, "task": one.task.name, "heads": plain(scores)}
            for one, scores in zip(found.chosen, found.models, strict=True)
        ],
        "baselines": {name: plain(scores) for name, scores in found.baselines.items()},
        "difference": None if found.apart is None else plain(found.apart),
    }


def rendered(found: "Trial") -> RenderableType:
    """Return it for a person, at most 80 columns wide."""
    parts: list[RenderableType] = [Text(f"{len(found.held.units):,} units {found.held.words}.")]
    for head, first in found.models[0].items():
        table = table_of(f"{head}, {first.positions:,} guessed", *WORDS.values())
        for one, scores in zip(found.chosen, found.models, strict=True):
            _add(table, f"{one.model[:12]} {one.task.name}", scores[head])
        if found.apart is not None:
            _add(table, "first less second", found.apart[head], sign="+")
        for name, scores in found.baselines.items():
            _add(table, name, scores[head])
        parts += [Text(), table]
    return Group(*parts, Text(), Text(_NOTE))


def _add(table: Table, name: str, score: Score, sign: str = "") -> None:
    def words(figure: Figure) -> str:
        return f"{figure.value:{sign}.3f} ± {figure.error:.3f}"

    table.add_row(name, words(score.hit1), words(score.hit5), words(score.mrr))
