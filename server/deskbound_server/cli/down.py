"""``deskbound-server down``: stop the SuperLink."""

import typer

from deskbound_server import superlink
from deskbound_server.cli.common import console, home_of


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(down)


def down(context: typer.Context) -> None:
    """Stop the SuperLink and all that belongs to it; a run in progress can be resumed later.

    Example: deskbound-server down
    """
    superlink.stop(home_of(context))
    console.print("The server is down.")
