"""``deskbound resume``: ends a pause; only the employee's own command can."""

import typer

from deskbound_client.cli.session import console, control_of


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(resume)


def resume(context: typer.Context) -> None:
    """End a pause.

    Streams without your consent stay off.

    Example: deskbound resume
    """
    control_of(context).resume()
    console.print("Resumed. [bold]deskbound status[/] shows what is kept now.")
