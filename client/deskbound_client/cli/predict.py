"""``deskbound predict``: how often shared and personal model are right, and what comes next."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from deskbound_client.cli.session import AsJson, console, open_vault, paths_of, print_json
from deskbound_client.config import load_config
from deskbound_client.employee.measuring import as_dict
from deskbound_client.employee.model import OWN, PERSONAL, Measured, answer, ask
from deskbound_client.employee.words import counted

_ROWS = {
    "before": "untrained model",
    "Markov 1": "after 1 step (Markov 1)",
    "Markov 2": "after 2 steps (Markov 2)",
    OWN: "what you did, counted on",
    PERSONAL: "personal: shared and yours",
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(predict)


def predict(
    context: typer.Context,
    model: Annotated[
        list[Path] | None,
        typer.Option(help="A published model, or several in order; default: the last received."),
    ] = None,
    json: AsJson = False,
) -> None:
    """Measure the shared model and your personal one on your own held-out days.

    The days before today (setting holdout_days) are not trained on yet; they are the test. The
    personal model is the shared one with counts of your own actions beside it, made anew from
    your days each time. Figures and counts stay on this laptop.

    Example: deskbound predict
    """
    paths = paths_of(context)
    holdout = load_config(paths.config).holdout_days
    with open_vault(context) as vault:
        question = ask(vault, model or [paths.model_weights], holdout)
    found = answer(question)
    print_json(as_dict(found)) if json else _print(found)


def _print(found: Measured) -> None:
    table = Table("", "first guess", "among five", box=None, pad_edge=False)
    for name, score in found.scores.items():
        style = "bold" if name == PERSONAL else None
        table.add_row(_ROWS.get(name, name), f"{score.hit1:.1%}", f"{score.hit5:.1%}", style=style)
    days = ", ".join(day.isoformat() for day in found.held_out)
    positions = counted(found.positions, "action")
    console.print(f"Right on {positions} of {days}, which no shared model was trained on:")
    console.print(table)
    console.print("[dim]Above the models stands what was made from your days alone.[/]")
    if found.next:
        console.print(
            f"\nYour last actions: {', '.join(found.after)}. Next, the personal model expects:"
        )
        for guess in found.next:
            console.print(f"  {guess.probability:5.1%}  {guess.words}")
