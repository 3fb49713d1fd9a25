"""``deskbound-server enroll``: let a laptop connect."""

from pathlib import Path
from typing import Annotated

import typer

from deskbound_server import enroll as enrolling
from deskbound_server.cli.common import AsJson, console, home_of, open_database, print_json
from deskbound_server.control import Control


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(enroll)


def enroll(
    context: typer.Context,
    public_key: Annotated[
        Path, typer.Argument(help="The file node.pub that 'deskbound join' wrote on the laptop.")
    ],
    label: Annotated[
        str, typer.Option(help="Your own mark for this laptop; not a person's name, please.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Let the laptop with this public key connect. The SuperLink must be up.

    Example: deskbound-server enroll node.pub --label desk-17
    """
    home = home_of(context)
    key = enrolling.read_public_key(public_key)
    anchor = enrolling.read_anchor(public_key)
    with open_database(home) as database, Control(home) as control:
        row = enrolling.enroll(control, database, key, anchor, label)
    if as_json:
        print_json({"node": row.node, "fingerprint": row.fingerprint, "label": row.label})
        return
    console.print(f"Enrolled laptop [bold]{row.label or row.fingerprint[:12]}[/].")
