"""``deskbound budget``: what learning has cost so far, and what is left."""

from math import inf
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress_bar import ProgressBar
from rich.table import Table

from deskbound_client.cli.session import (
    AsJson,
    budget_of,
    console,
    ledger_of,
    open_vault,
    paths_of,
    print_json,
)
from deskbound_client.privacy.budget import DaySpent
from deskbound_strategies import dsse
from deskbound_strategies.ledger_bodies import LedgerKind
from deskbound_strategies.policy import describe, load_floor


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(budget)


def budget(
    context: typer.Context,
    export: Annotated[
        Path | None, typer.Option(help="Write the signed ledger for an auditor to this file.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Show what rounds have cost each day of your data, and what is left of it.

    The exported ledger names no date and nothing that was stored.

    Example: deskbound budget --export ledger.jsonl
    """
    floor = load_floor(paths_of(context).floor)
    with open_vault(context) as vault:
        ledger = ledger_of(vault)
        spent = budget_of(context, vault).report(vault.days())
        total = budget_of(context, vault).total()
        rounds = sum(1 for _ in ledger.entries(kinds=[LedgerKind.RESERVE]))
        head = ledger.export(export) if export is not None else ledger.head()
        device = dsse.fingerprint(vault.signing_key().public_key())
    answer = {
        "profile": floor.profile,
        "words": describe(floor),
        "delta": floor.delta_day,
        "epsilon_cap": floor.epsilon_day,
        "worst_epsilon": max((day.epsilon for day in spent), default=0.0),
        "worst_epsilon_guaranteed": max((day.epsilon_guaranteed for day in spent), default=0.0),
        "epsilon_all_days": total,
        "epsilon_all_days_cap": floor.epsilon_total if floor.epsilon_total < inf else None,
        "rounds": rounds,
        "ledger_head": head,
        "device": device,
        "days": [_as_dict(day) for day in spent],
    }
    print_json(answer) if json else _print(answer)
    if export is not None and not json:
        console.print(f"\nLedger written to {export}, signed by this device:", markup=False)
        console.print(device)
        words = f"`deskbound-audit verify {export} --key` and that line check it."
        console.print(words, markup=False)


def _as_dict(day: DaySpent) -> dict[str, Any]:
    return {
        "day": day.day.isoformat(),
        "rounds": day.rounds,
        "epsilon": day.epsilon,
        "epsilon_guaranteed": day.epsilon_guaranteed,
    }


def _print(answer: dict[str, Any]) -> None:
    if answer["days"]:
        _print_days(answer)
    else:
        console.print("No day is stored, so there is none to spend.\n")
    cap = answer["epsilon_all_days_cap"]
    bound = "no cap over all days" if cap is None else f"cap {cap:g}"
    console.print(
        f"All days together, forgotten ones included: {answer['epsilon_all_days']:.1f} counted, "
        f"{bound}."
    )
    console.print(answer["words"])


def _print_days(answer: dict[str, Any]) -> None:
    table = Table("day", "rounds", "ε spent", "ε counted", "", box=None, pad_edge=False)
    for day in answer["days"]:
        bar = ProgressBar(
            total=answer["epsilon_cap"], completed=day["epsilon_guaranteed"], width=24
        )
        table.add_row(
            day["day"],
            str(day["rounds"]),
            f"{day['epsilon']:.2f}",
            f"{day['epsilon_guaranteed']:.2f} of {answer['epsilon_cap']:g}",
            bar,
        )
    console.print(table)
    console.print(
        f"\nUnit: one session of work; δ = {answer['delta']:.0e} per day. [bold]ε spent[/] is what "
        "the rounds so far gave away about any one session of that day; [bold]ε counted[/] also "
        "holds if the server chose each round after seeing the last, and is what the cap bounds."
    )
