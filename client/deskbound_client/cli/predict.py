"""``deskbound predict``: how often the shared model is right here, and what it expects next."""

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from deskbound_client.cli.session import AsJson, console, open_vault, paths_of, print_json
from deskbound_client.config import load_config
from deskbound_client.employee.words import words_of
from deskbound_client.store.vault import Vault
from deskbound_strategies.errors import ConfigError, NotFoundError, Refusal

if TYPE_CHECKING:
    from deskbound_strategies.task import Unit

GUESSES = 5
_ROWS = {
    "before": "untrained model",
    "Markov 1": "after 1 step (Markov 1)",
    "Markov 2": "after 2 steps (Markov 2)",
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
    """Measure the shared model on your own held-out days, beside what you could do alone.

    The days before today (setting holdout_days) are not trained on yet; they are the test. The
    figures stay on this laptop.

    Example: deskbound predict
    """
    paths = paths_of(context)
    holdout = load_config(paths.config).holdout_days
    files = model or [paths.model_weights]
    weights = [_read(path) for path in files]
    with open_vault(context) as vault:
        if holdout == 0:
            raise ConfigError(
                "No day is held out to measure on: holdout_days is 0.",
                "Set holdout_days to 1 or more in config.toml.",
            )
        today = datetime.now().astimezone().date()
        complete = [day for day in vault.days() if day < today]
        held = sum(day >= today - timedelta(holdout) for day in complete)
        if not 0 < held < len(complete):
            raise ConfigError(
                f"Measuring needs activity in the last {holdout} days before today, and before "
                "them.",
                "Come back after a day of work, or change holdout_days in config.toml.",
            )
        days = {day: _units(vault, day) for day in complete}
    answer = _measure(weights, days, held)
    print_json(answer) if json else _print(answer)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise NotFoundError(
            f"There is no model in {path.name}.",
            "Join a fleet and wait for a round, or name a published model with --model.",
        ) from None


def _units(vault: Vault, day: date) -> "list[Unit]":
    from deskbound_client.learn.units import units  # noqa: PLC0415 - loads torch: seconds

    actions = (stored.action for stored in vault.day(day).actions())
    return units(actions, "session", 600, 256)


def _measure(weights: list[bytes], days: "dict[date, list[Unit]]", holdout: int) -> dict[str, Any]:
    from deskbound_client.learn.evaluate import compare, measure, split_days  # noqa: PLC0415
    from deskbound_client.learn.forecast import forecast  # noqa: PLC0415
    from deskbound_strategies.codec import decode  # noqa: PLC0415
    from deskbound_strategies.task import find_task, weights_of  # noqa: PLC0415

    task = find_task("next_action")
    try:
        *earlier, shared = [decode(data, task.layout()) for data in weights]
    except Refusal:
        raise ConfigError(
            "A model file does not hold finite weights of the task next_action.",
            "Name files that `deskbound-server model export` wrote, of this version.",
        ) from None
    training, held_out = split_days(list(days.values()), holdout)
    found = compare(task, shared, training, held_out)
    curve = [*(measure(task, each, held_out) for each in earlier), found.model]
    before = measure(task, weights_of(task.build_model(0)), held_out)
    scores = {**found.baselines, "before": before, "shared model": found.model}
    latest = next((unit for unit in reversed(held_out) if len(unit)), None)
    guesses = forecast(task, shared, latest, GUESSES) if latest is not None else []
    return {
        "held_out": [day.isoformat() for day in list(days)[-holdout:]],
        "positions": found.model.positions,
        "scores": {name: {"hit1": m.hit1, "hit5": m.hit5} for name, m in scores.items()},
        "models": [{"hit1": m.hit1, "hit5": m.hit5} for m in curve],
        "next": [{"words": words_of(token), "probability": p} for token, p in guesses],
    }


def _print(answer: dict[str, Any]) -> None:
    table = Table("", "first guess", "among five", box=None, pad_edge=False)
    for name, score in answer["scores"].items():
        style = "bold" if name == "shared model" else None
        table.add_row(
            _ROWS.get(name, name), f"{score['hit1']:.1%}", f"{score['hit5']:.1%}", style=style
        )
    console.print(
        f"Right on {answer['positions']:,} actions of {', '.join(answer['held_out'])}, "
        "which no model was trained on:"
    )
    console.print(table)
    console.print("[dim]Above the models stand simple rules made from your other days alone.[/]")
    if answer["next"]:
        console.print("\nAfter the last action of that day it expects:")
        for guess in answer["next"]:
            console.print(f"  {guess['probability']:5.1%}  {guess['words']}")
