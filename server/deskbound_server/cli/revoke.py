"""``deskbound-server revoke``: take a laptop's leave to connect away."""

from typing import Annotated

import typer

from deskbound_server import enroll as enrolling
from deskbound_server.cli.common import console, home_of, open_database
from deskbound_server.control import Control


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(revoke)


def revoke(
    context: typer.Context,
    laptop: Annotated[
        str, typer.Argument(help="Its label, node id, or the beginning of its fingerprint.")
    ],
) -> None:
    """Take a laptop's leave to connect away, for good. The SuperLink must be up.

    Example: deskbound-server revoke desk-17
    """
    home = home_of(context)
    with open_database(home) as database, Control(home) as control:
        row = enrolling.revoke(control, database, laptop)
    console.print(f"Laptop [bold]{row.label or row.fingerprint[:12]}[/] can no longer connect.")
