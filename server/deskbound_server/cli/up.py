"""``deskbound-server up``: the SuperLink and what belongs to it, in front or in the background."""

from typing import Annotated

import typer

from deskbound_server import superlink
from deskbound_server.cli.common import console, home_of


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(up)


def up(
    context: typer.Context,
    detach: Annotated[
        bool, typer.Option("--detach", help="Come back as soon as the SuperLink answers.")
    ] = False,
) -> None:
    """Start the SuperLink: TLS, laptops by key only, no telemetry, nothing else let through.

    In front it runs until Ctrl-C. Logs are in run/ of the server's folder.

    Example: deskbound-server up --detach
    """
    home = home_of(context)
    settings = home.settings()
    where = f"The SuperLink answers on [bold]{settings.host}:{settings.port}[/]."
    if detach:
        superlink.start_detached(home)
        console.print(f"{where} Stop it with [bold]deskbound-server down[/].")
        return
    superlink.serve(home, ready=lambda: console.print(f"{where} Ctrl-C stops it."))
