"""``deskbound stop``: ends everything that Deskbound runs on this laptop."""

import typer

from deskbound_client import agent
from deskbound_client.cli.session import console, paths_of


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(stop)


def stop(context: typer.Context) -> None:
    """End capture and taking part. What is stored stays.

    Example: deskbound stop
    """
    ended = agent.stop(paths_of(context))
    console.print("Stopped." if ended else "Deskbound was not running.")
