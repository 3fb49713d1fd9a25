"""The employee's command, ``deskbound``. One file per command; this one only lists them."""

from pathlib import Path
from typing import Annotated

import typer

from deskbound_client.cli import (
    agent,
    autostart,
    budget,
    consent,
    doctor,
    exclude,
    export,
    forget,
    generate,
    import_,
    init,
    join,
    leave,
    pause,
    policy,
    predict,
    resume,
    sent,
    show,
    start,
    status,
    stop,
    ui,
)
from deskbound_client.processes import keep_memory_private
from deskbound_strategies import shell

app = shell.new_app(
    "Deskbound on this laptop: see, pause, forget, and decide what is learned.\n\n"
    "Work data never leaves this laptop; only noised model updates do, and only after you agree."
)


@app.callback()
def _home(
    context: typer.Context,
    home: Annotated[
        Path | None,
        typer.Option(
            envvar="DESKBOUND_HOME",
            help="Folder of the vault; the default is your user data folder.",
        ),
    ] = None,
    version: shell.ShowVersion = False,  # noqa: ARG001 - its own callback answers
) -> None:
    context.obj = home


for _module in (
    init, consent, start, stop, status, pause, resume, exclude, show, forget, export, import_, join,
    leave, policy, budget, sent, predict, ui, doctor, autostart, generate, agent,
):  # fmt: skip
    _module.register(app)


def main() -> None:
    """Entry point of the ``deskbound`` command."""
    keep_memory_private()
    shell.run(app)
