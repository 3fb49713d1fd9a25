"""``deskbound agent``: what ``start`` runs, in the foreground; for service managers."""

from typing import Annotated

import typer

from deskbound_client import agent as supervised
from deskbound_client.cli.session import open_vault, passphrase_given, paths_of


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(agent)


def agent(
    context: typer.Context,
    capture: Annotated[
        bool, typer.Option(help="Capture input; --no-capture only takes part in rounds.")
    ] = True,
) -> None:
    """Run in the foreground what `deskbound start` runs in the background.

    Ctrl-C or SIGTERM ends it and everything it started.

    Example: deskbound agent --no-capture
    """
    passphrase = passphrase_given(context)
    open_vault(context, passphrase).close()  # a wrong passphrase is told here and now
    supervised.run_agent(paths_of(context), passphrase, capture=capture)
