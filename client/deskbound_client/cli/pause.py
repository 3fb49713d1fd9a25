"""``deskbound pause``: nothing is kept from this moment, for as long as the employee says."""

import time
from typing import Annotated

import typer

from deskbound_client.cli.session import check_vault, console, open_vault_to_forget, paths_of
from deskbound_client.employee import forgetting, pausing
from deskbound_client.employee.forgetting import Wish
from deskbound_client.employee.words import counted
from deskbound_client.employee.words import until as end_of


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(pause)


def pause(
    context: typer.Context,
    how_long: Annotated[
        list[str] | None,
        typer.Argument(help="30m, 2h, 1d, 'until 15:00', 'today' or 'forever' (the default)."),
    ] = None,
    forget: Annotated[
        str | None,
        typer.Option(help="Then forget the last stretch, too: 5m, 30m, 60m; opens the vault."),
    ] = None,
) -> None:
    """Stop keeping anything, at once.

    There is no longest pause. It survives a restart, and nothing but you or its own time ends it.

    Example: deskbound pause 30m --forget 10m
    """
    paths = paths_of(context)
    check_vault(paths)
    wish = Wish.last(forget, time.time()) if forget else None
    found = pausing.pause(paths, " ".join(how_long or ["forever"]))
    if found.stopped_for is not None:
        console.print(pausing.stop_words(found.stopped_for), markup=False)
    if found.until is None:
        console.print("Paused until you say `deskbound resume`.")
    else:
        console.print(f"Paused until {end_of(found.until, time.time())}.")
    if wish is None:
        console.print("[dim]What was stored just now goes with `deskbound forget --last 5m`.[/]")
        return
    with open_vault_to_forget(context) as vault:
        gone = forgetting.forget(paths, vault, wish).gone
    rows, pictures = counted(gone.counts.actions, "action"), counted(gone.counts.thumbs, "picture")
    console.print(f"Forgotten, {wish.words}: {rows}, {pictures}.")
