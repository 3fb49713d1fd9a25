"""``deskbound consent``: what the employee has agreed to, one stream at a time."""

from contextlib import suppress
from typing import Annotated, Any

import typer

from deskbound_client import consent as receipts
from deskbound_client.capture.signals import SIGNALS, Signal, mask_of
from deskbound_client.cli.session import (
    AsJson,
    console,
    control_of,
    ledger_of,
    open_vault,
    print_json,
)
from deskbound_client.store.vault import Vault
from deskbound_strategies.errors import NotFoundError, VaultDamagedError

Subjects = Annotated[
    list[str], typer.Argument(help="keys, pointer, windows, screen, rhythm, updates or all.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        help="Show, grant or revoke consent, one stream at a time.", no_args_is_help=True
    )
    group.command("show")(show)
    group.command("grant")(grant)
    group.command("revoke")(revoke)
    app.add_typer(group, name="consent")


def show(
    context: typer.Context,
    json: AsJson = False,
) -> None:
    """Show every stream: whether it is on, what it keeps, and what it never keeps.

    Example: deskbound consent show
    """
    with open_vault(context) as vault:
        held = receipts.granted(vault)
    if json:
        print_json({signal.name: _as_dict(signal, signal.name in held) for signal in SIGNALS})
        return
    for signal in SIGNALS:
        _explain(signal, on=signal.name in held)


def grant(context: typer.Context, subjects: Subjects) -> None:
    """Agree to one or more streams. Each leaves a signed receipt.

    Nothing is captured before `deskbound start`, and only while the gate is open.

    Example: deskbound consent grant keys pointer windows
    """
    chosen = _chosen(subjects)
    with open_vault(context) as vault:
        for signal in chosen:
            receipts.grant(vault, signal.name, ledger_of(vault))
            _explain(signal, on=True)
        _publish(context, vault)


def revoke(context: typer.Context, subjects: Subjects) -> None:
    """Take consent back. Capture of the stream stops at once, before you are asked for anything.

    What it stored stays until you forget it or it retires.

    Example: deskbound consent revoke screen
    """
    chosen = _chosen(subjects)
    control = control_of(context)
    with suppress(VaultDamagedError):  # a damaged one reads as closed; said below, once all is done
        control.set_streams(control.streams & ~mask_of(signal.name for signal in chosen))
    with open_vault(context) as vault:
        for signal in chosen:
            receipts.revoke(vault, signal.name, ledger_of(vault))
        _publish(context, vault)
    console.print(f"Off: {', '.join(signal.name for signal in chosen)}.")
    console.print("What was stored stays until you say `deskbound forget` or its day retires.")


def _publish(context: typer.Context, vault: Vault) -> None:
    """Tell running processes: the mask in the control file is a copy of the signed receipts."""
    control_of(context).set_streams(mask_of(receipts.granted(vault)))


def _chosen(names: list[str]) -> list[Signal]:
    known = {signal.name: signal for signal in SIGNALS}
    wanted = list(known) if names == ["all"] else list(dict.fromkeys(names))
    for name in wanted:
        if name not in known:
            raise NotFoundError(f"There is no stream {name}.", f"Choose from {', '.join(known)}.")
    return [known[name] for name in wanted]


def _explain(signal: Signal, *, on: bool) -> None:
    state = "[bold green]on [/]" if on else "[dim]off[/]"
    days = f" Kept {signal.retention_days} days." if signal.retention_days else ""
    console.print(f"{state} [bold]{signal.name}[/]: {signal.title}. {signal.purpose}")
    console.print(f"    Kept: {'; '.join(signal.kept)}.{days}")
    console.print(f"    [dim]Never kept: {'; '.join(signal.never_kept)}.[/]")


def _as_dict(signal: Signal, on: bool) -> dict[str, Any]:  # noqa: FBT001 - a fact, not a switch
    return {
        "on": on,
        "version": signal.version,
        "purpose": signal.purpose,
        "kept": list(signal.kept),
        "never_kept": list(signal.never_kept),
        "retention_days": signal.retention_days,
    }
