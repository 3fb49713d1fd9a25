"""``deskbound budget``: what learning has cost so far, and what is left."""

from math import inf
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress_bar import ProgressBar
from rich.table import Table

from deskbound_client.cli.session import (
    AsJson,
    console,
    ledger_of,
    open_vault,
    paths_of,
    print_json,
)
from deskbound_client.employee.spending import Spending, Together, spending, when_spent
from deskbound_client.privacy.budget import DaySpent
from deskbound_client.privacy.floor_keeper import floor_in_force
from deskbound_strategies.policy import describe


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
    with open_vault(context) as vault:
        if export is not None:
            ledger_of(vault).export(export)
        found = spending(vault, floor_in_force(paths_of(context), vault))
    print_json(_as_dict(found)) if json else _print(found)
    if export is not None and not json:
        console.print(f"\nLedger written to {export}, signed by this device:", markup=False)
        console.print(found.device)
        words = f"`deskbound-audit verify {export} --key` and that line check it."
        console.print(words, markup=False)


def _as_dict(found: Spending) -> dict[str, Any]:
    floor = found.floor
    return {
        "profile": floor.profile,
        "words": describe(floor),
        "delta": floor.delta_day,
        "epsilon_cap": floor.epsilon_day,
        "worst_epsilon": max((day.epsilon for day in found.days), default=0.0),
        "worst_epsilon_guaranteed": max(
            (day.epsilon_guaranteed for day in found.days), default=0.0
        ),
        "epsilon_all_days": found.life.epsilon,
        "epsilon_all_days_cap": floor.epsilon_total if floor.epsilon_total < inf else None,
        "together": {"stored": _together(found.window), "ever": _together(found.life)},
        "when_spent": list(when_spent(floor)),
        "rounds": found.rounds,
        "ledger_head": found.head,
        "device": found.device,
        "days": [_day(day) for day in found.days],
    }


def _day(day: DaySpent) -> dict[str, Any]:
    return {
        "day": day.day.isoformat(),
        "rounds": day.rounds,
        "epsilon": day.epsilon,
        "epsilon_guaranteed": day.epsilon_guaranteed,
    }


def _together(some: Together) -> dict[str, Any]:
    return {
        "days": some.days,
        "epsilon": some.epsilon,
        "delta": some.delta,
        "holds": some.holds,
        "epsilon_composed": some.composed if some.composed < inf else None,
        "delta_composed": some.composed_delta,
    }


def _print(found: Spending) -> None:
    if found.days:
        _print_days(found)
        console.print(found.words)
    else:
        console.print("No day is stored, so there is none to spend.\n")
    console.print(f"\n[bold]Stored days together.[/] {found.window.words}")
    console.print(f"[bold]All days ever, forgotten ones included.[/] {found.life.words}")
    console.print(f"\n[bold]When it is spent.[/] {' '.join(when_spent(found.floor)[:3])}")
    console.print(f"\n[bold]What a server may ask.[/] {describe(found.floor)}")


def _print_days(found: Spending) -> None:
    cap = found.floor.epsilon_day
    table = Table("day", "rounds", "ε spent", "ε counted", "", box=None, pad_edge=False)
    for day in found.days:
        table.add_row(
            day.day.isoformat(),
            str(day.rounds),
            f"{day.epsilon:.2f}",
            f"{day.epsilon_guaranteed:.2f} of {cap:g}",
            ProgressBar(total=cap, completed=day.epsilon_guaranteed, width=24),
        )
    console.print(table)
    delta = f"{found.floor.delta_day:.0e}"
    console.print(
        f"\nUnit: one session of work; δ = {delta} per day. [bold]ε spent[/] is what the rounds so "
        "far gave away about any one session of that day; [bold]ε counted[/] also holds if the "
        "server chose each round after seeing the last, and is what the cap bounds."
    )
