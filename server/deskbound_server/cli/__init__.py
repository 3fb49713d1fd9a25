"""The command ``deskbound-server``. One file per command; this one only lists them."""

from pathlib import Path
from typing import Annotated

import typer

from deskbound_server.cli import (
    down,
    enroll,
    init,
    laptops,
    log,
    model,
    plan,
    release,
    revoke,
    run,
    runs,
    simulate,
    stop,
    ui,
    up,
    witness,
)
from deskbound_strategies import shell

app = shell.new_app(
    "Deskbound's server: lets laptops in, runs rounds, keeps models.\n\n"
    "It never sees work data; it asks, and each laptop decides."
)


@app.callback()
def _home(
    context: typer.Context,
    home: Annotated[
        Path | None,
        typer.Option(
            envvar="DESKBOUND_SERVER_HOME",
            help="Folder of the server; the default is .deskbound-server in your home folder.",
        ),
    ] = None,
    version: shell.ShowVersion = False,  # noqa: ARG001 - its own callback answers
) -> None:
    context.obj = home


for _module in (
    init, up, down, enroll, revoke, laptops, plan, simulate, run, runs, stop, model, log, release,
    witness, ui,
):  # fmt: skip
    _module.register(app)


def main() -> None:
    """Entry point of the ``deskbound-server`` command."""
    shell.run(app)
