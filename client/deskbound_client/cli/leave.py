"""``deskbound leave``: out of the fleet."""

import typer

from deskbound_client.cli.session import console, ledger_of, open_vault, paths_of
from deskbound_client.federation import join as fleet


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(leave)


def leave(context: typer.Context) -> None:
    """Leave the fleet. The node key is destroyed; what was stored stays yours.

    Budget that was spent stays spent, in this fleet or any other.

    Example: deskbound leave
    """
    with open_vault(context) as vault:
        fleet.leave(paths_of(context), ledger_of(vault))
    console.print("This laptop is in no fleet; a running agent goes offline within a second.")
