"""``deskbound forget``: a look at what goes, then gone, with a receipt."""

import sys
import time
from typing import Annotated, Any

import typer
from rich.table import Table

from deskbound_client.cli.session import (
    AsJson,
    budget_of,
    console,
    open_vault,
    open_vault_to_forget,
    paths_of,
    print_json,
)
from deskbound_client.employee.forgetting import (
    Preview,
    Receipt,
    Wish,
    copies_words,
    forget,
    preview,
    receipts,
)
from deskbound_client.employee.wishes import parse_day
from deskbound_client.employee.words import counted
from deskbound_client.privacy.budget import DaySpent
from deskbound_client.store.rows import Counts
from deskbound_client.store.vault import Vault
from deskbound_strategies.errors import ConfigError, VaultDamagedError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("forget")(forget_command)


def forget_command(
    context: typer.Context,
    last: Annotated[str | None, typer.Option(help="The last stretch: 5m, 60m, 3h, 2d.")] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="From when: 14:05 or '2026-11-20 14:05'.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="Until when (default: now).")] = None,
    day: Annotated[
        str | None, typer.Option(help="A whole day: 2026-11-20, 'today' or 'yesterday'.")
    ] = None,
    app: Annotated[
        str | None,
        typer.Option(help="A category on every day: mail; or a program that has none: '#417'."),
    ] = None,
    stream: Annotated[
        str | None, typer.Option(help="All that a stream stored: keys, pointer, windows ...")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every day there is.")] = False,
    only_look: Annotated[bool, typer.Option("--preview", help="Only say what would go.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")] = False,
    kept: Annotated[
        bool, typer.Option("--receipts", help="Show the receipts of all that was forgotten.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Destroy what is stored, and say what is gone.

    On a terminal it first says what would go and asks. A whole day loses its key, so no copy of
    its file can be opened again, save together with an old copy of the keys where these open with
    a passphrase. Anything less is overwritten in place. What rounds have already learned stays
    within the budget that `deskbound budget` shows; it cannot be called back.

    Example: deskbound forget --last 60m
    """
    if kept:
        _refuse_both(last, start, end, day, app, stream, everything)
        _show_receipts(context, json=json)
        return
    wish = _wish(last, start, end, day, app, stream, everything=everything)
    with open_vault_to_forget(context) as vault:
        if only_look or (not yes and not json and sys.stdin.isatty()):
            foreseen = preview(vault, wish)
            print_json(_foreseen(foreseen)) if json else _print_preview(foreseen)
            if only_look or not _agreed(foreseen):
                return
        receipt = forget(paths_of(context), vault, wish)
        spent = [
            each for each in budget_of(context, vault).report(receipt.gone.days) if each.rounds
        ]
    answer = _as_dict(receipt, spent)
    print_json(answer) if json else _print(answer, copies_words(paths_of(context)))
    if receipt.gone.damaged:
        raise _not_forgotten(receipt)


def _wish(
    last: str | None,
    start: str | None,
    end: str | None,
    day: str | None,
    app: str | None,
    stream: str | None,
    *,
    everything: bool,
) -> Wish:
    now = time.time()
    if sum(bool(choice) for choice in (last, start, day, app, stream, everything)) != 1 or (
        end and not start
    ):
        raise ConfigError(
            "Say what to forget, one way.",
            "Use --last 60m, --from 14:00 [--to 15:00], --day, --app, --stream or --all.",
        )
    if last:
        return Wish.last(last, now)
    if start:
        return Wish.between(start, end or "", now)
    if day:
        return Wish.of_day(parse_day(day, now))
    if app:
        return Wish.of_app(app)
    return Wish.of_stream(stream) if stream else Wish.everything()


def _refuse_both(*choices: object) -> None:
    if any(choices):
        raise ConfigError("--receipts forgets nothing.", "Ask for one or the other.")


def _agreed(foreseen: Preview) -> bool:
    """Ask, unless there is nothing to lose; a damaged day is one to ask about too."""
    return not foreseen.days or typer.confirm("Forget this?")


def _not_forgotten(receipt: Receipt) -> VaultDamagedError:
    first, *others = [day.isoformat() for day in receipt.gone.damaged]
    also = f" (and {counted(len(others), 'more day')})" if others else ""
    return VaultDamagedError(
        f"The file of {first}{also} is damaged: what is in it was not forgotten.",
        f"Run `deskbound forget --day {first}`: that destroys its key, readable or not.",
    )


# --- what it says -------------------------------------------------------------------------


def _foreseen(found: Preview) -> dict[str, Any]:
    return {
        "scope": found.wish.scope,
        "days": [
            {"day": each.day.isoformat(), **_counts(each.counts), "mostly": list(each.apps)}
            for each in found.days
        ],
        "unreadable": [day.isoformat() for day in found.unreadable],
        "learned_before": [
            {"day": each.day.isoformat(), "rounds": each.rounds, "epsilon_guaranteed": each.epsilon}
            for each in found.learned
        ],
    }


def _counts(counts: Counts) -> dict[str, int]:
    return {
        "actions": counts.actions,
        "thumbnails": counts.thumbs,
        "gaps": counts.gaps,
        "blanked": counts.blanked,
    }


def _print_preview(found: Preview) -> None:
    if not found.days:
        console.print(f"Nothing is stored of {found.wish.words}.")
        return
    console.print(f"[bold]This would go:[/] {found.wish.words}.")
    table = Table("day", "actions", "pictures", "holes", "mostly in", box=None, pad_edge=False)
    for each in found.days:
        counts = each.counts
        mostly = ", ".join(each.apps) if each.readable else "damaged: cannot be read"
        table.add_row(
            each.day.isoformat(), f"{counts.actions:,}", f"{counts.thumbs:,}", f"{counts.gaps:,}",
            mostly,
        )  # fmt: skip
    console.print(table)
    if found.counts.blanked:
        console.print(f"{counted(found.counts.blanked, 'row')} would stay without it.")
    for learned in found.learned:
        console.print(
            f"[dim]{counted(learned.rounds, 'round')} learned from {learned.day} already; that "
            f"stays within its budget (ε {learned.epsilon:.2f} counted).[/]"
        )


def _as_dict(receipt: Receipt, spent: list[DaySpent]) -> dict[str, Any]:
    learned = [
        {
            "day": day.day.isoformat(),
            "rounds": day.rounds,
            "epsilon": day.epsilon,
            "epsilon_guaranteed": day.epsilon_guaranteed,
            "delta": day.delta,
        }
        for day in spent
    ]
    return receipt.body() | {"learned_before": learned}


def _print(answer: dict[str, Any], copies: str) -> None:
    if not answer["days"]:
        if not answer["not_forgotten"]:
            console.print("There was nothing to forget.")
        return
    console.print(
        f"[bold]Forgotten:[/] {counted(answer['actions'], 'action')} and "
        f"{counted(answer['thumbnails'], 'picture')} of {', '.join(answer['days'])}."
    )
    if answer["blanked"]:
        console.print(f"{counted(answer['blanked'], 'row')} stay without what the stream kept.")
    if answer["keys_destroyed"]:
        keys = counted(answer["keys_destroyed"], "key")
        console.print(f"{keys} destroyed: {copies}.")
    for day in answer["learned_before"]:
        console.print(
            f"{counted(day['rounds'], 'round')} learned from {day['day']} before, which cannot be "
            f"called back: ε {day['epsilon']:.2f} spent, {day['epsilon_guaranteed']:.2f} counted, "
            f"about any one session, at δ {day['delta']:.0e}."
        )


def _show_receipts(context: typer.Context, *, json: bool) -> None:
    with open_vault(context) as vault:
        found = _signed(vault)
    if json:
        print_json(found)
        return
    if not found:
        console.print("Nothing was ever forgotten on request.")
        return
    table = Table("on", "what", "of", "actions", "pictures", "keys", box=None, pad_edge=False)
    for each in found:
        days = each["days"]
        of = (
            days[0]
            if len(days) == 1
            else f"{counted(len(days), 'day')} to {days[-1]}"
            if days
            else ""
        )
        counts = (each["actions"], each["thumbnails"], each["keys_destroyed"])
        table.add_row(each["on"], each["scope"], of, *(f"{count:,}" for count in counts))
    console.print(table)
    console.print("[dim]Each is signed by this device; --json shows all of it.[/]")


def _signed(vault: Vault) -> list[dict[str, Any]]:
    return [each.body() | {"signature": each.signature.hex()} for each in receipts(vault)]
