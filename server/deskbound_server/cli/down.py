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
    home = home_of(context)
    home.check()
    running = superlink.supervisor_pid(home) is not None
    if running:
        superlink.stop(home)
    console.print("The server is down." if running else "The server was not running.")
