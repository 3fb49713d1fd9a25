"""``deskbound resume``: ends a pause; only the employee's own command can."""

import typer

from deskbound_client.cli.session import check_vault, console, paths_of
from deskbound_client.employee import pausing


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(resume)


def resume(context: typer.Context) -> None:
    """End a pause.

    Streams without your consent stay off.

    Example: deskbound resume
    """
    paths = paths_of(context)
    check_vault(paths)
    said = "Resumed" if pausing.state(paths).paused else "Nothing was paused"
    pausing.resume(paths)
    console.print(f"{said}. `deskbound status` shows what is kept now.")
