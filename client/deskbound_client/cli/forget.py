"""``deskbound forget``: gone, with a receipt."""

import re
import time
from contextlib import suppress
from datetime import date, datetime
from typing import Annotated, Any

import typer

from deskbound_client.cli.session import (
    AsJson,
    budget_of,
    console,
    control_of,
    open_vault_to_forget,
    parse_day,
    print_json,
)
from deskbound_client.employee.words import counted
from deskbound_client.privacy.budget import DaySpent
from deskbound_client.store.vault import ForgetReceipt, Vault
from deskbound_strategies.errors import ConfigError, NotFoundError, VaultDamagedError

_LENGTH = re.compile(r"(\d{1,5})\s*([mhd])")
_SECONDS = {"m": 60, "h": 3600, "d": 86400}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(forget)


def forget(
    context: typer.Context,
    last: Annotated[str | None, typer.Option(help="The last stretch: 5m, 60m, 3h, 2d.")] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="From when: 14:05 or '2026-11-20 14:05'.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="Until when (default: now).")] = None,
    day: Annotated[
        str | None, typer.Option(help="A whole day: 2026-11-20, 'today' or 'yesterday'.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every day there is.")] = False,
    json: AsJson = False,
) -> None:
    """Destroy what is stored, and say what is gone.

    A whole day loses its key, so no backup of its file can be opened again. A stretch of time is
    overwritten in place. What rounds have already learned stays within the budget that
    `deskbound budget` shows; it cannot be called back.

    Example: deskbound forget --last 60m
    """
    chosen = sum(bool(choice) for choice in (last, start, day, everything))
    if chosen != 1 or (end and not start):
        raise ConfigError(
            "Say what to forget, one way.",
            "Use --last 60m, --from 14:00 [--to 15:00], --day or --all.",
        )
    whole_day = parse_day(day) if day else None
    stretch = None if everything or whole_day else _range(last, start, end)
    with suppress(VaultDamagedError):  # a damaged control file reads as closed: nothing is queued
        control_of(context).bump()  # what is queued now belongs to the past
    with open_vault_to_forget(context) as vault:
        receipt = _forget(vault, whole_day, stretch)
        budget = budget_of(context, vault)
        if receipt.days:
            budget.forgotten(receipt.scope, receipt.days)
        spent = [day for day in budget.report(receipt.days) if day.rounds]
    answer = _as_dict(receipt, spent)
    print_json(answer) if json else _print(answer)


def _forget(vault: Vault, day: date | None, stretch: tuple[int, int] | None) -> ForgetReceipt:
    if stretch is not None:
        return vault.forget_range(*stretch)
    if day is None:
        return vault.forget_all()
    if day > datetime.now().astimezone().date() and day not in vault.days():
        raise NotFoundError(f"{day.isoformat()} has not come yet.", "`deskbound show` lists days.")
    return vault.forget_day(day)


def _range(last: str | None, start: str | None, end: str | None) -> tuple[int, int]:
    now = int(time.time())
    if last is not None:
        match = _LENGTH.fullmatch(last.strip().lower())
        if match is None:
            raise ConfigError("That is not a length of time.", "Say 5m, 60m, 3h or 2d.")
        return now - int(match[1]) * _SECONDS[match[2]], now
    first = parse_moment(start or "", datetime.now().astimezone())
    until = parse_moment(end, datetime.now().astimezone()) if end else now
    if until < first:
        raise ConfigError("The end lies before the start.", "Exchange --from and --to.")
    return first, until


def parse_moment(text: str, now: datetime) -> int:
    """Return the Unix second of ``14:05`` (today) or ``2026-11-20 14:05`` (local time).

    Raises:
        ConfigError: the text is neither.
    """
    words = text.strip()
    try:
        if re.fullmatch(r"\d{1,2}:\d{2}(:\d{2})?", words):
            words = f"{now:%Y-%m-%d} {words:0>5}"
        return int(datetime.fromisoformat(words).astimezone().timestamp())
    except ValueError:
        raise ConfigError(
            "That is not a moment in time.", "Say 14:05 or '2026-11-20 14:05'."
        ) from None


def _as_dict(receipt: ForgetReceipt, spent: list[DaySpent]) -> dict[str, Any]:
    return {
        "scope": receipt.scope,
        "days": [day.isoformat() for day in receipt.days],
        "actions": receipt.counts.actions,
        "thumbnails": receipt.counts.thumbs,
        "gaps": receipt.counts.gaps,
        "keys_destroyed": receipt.keys_destroyed,
        "learned_before": [
            {
                "day": day.day.isoformat(),
                "rounds": day.rounds,
                "epsilon": day.epsilon,
                "epsilon_guaranteed": day.epsilon_guaranteed,
                "delta": day.delta,
            }
            for day in spent
        ],
    }


def _print(answer: dict[str, Any]) -> None:
    if not answer["days"]:
        console.print("There was nothing to forget.")
        return
    console.print(
        f"[bold]Forgotten:[/] {counted(answer['actions'], 'action')} and "
        f"{counted(answer['thumbnails'], 'picture')} of {', '.join(answer['days'])}."
    )
    if answer["keys_destroyed"]:
        keys = counted(answer["keys_destroyed"], "key")
        console.print(f"{keys} destroyed: no backup of these days can be opened.")
    for day in answer["learned_before"]:
        console.print(
            f"{counted(day['rounds'], 'round')} learned from {day['day']} before, which cannot be "
            f"called back: ε {day['epsilon']:.2f} spent, {day['epsilon_guaranteed']:.2f} counted, "
            f"about any one session, at δ {day['delta']:.0e}."
        )
