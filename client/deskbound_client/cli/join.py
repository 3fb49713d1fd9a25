"""``deskbound join``: which fleet this laptop is in."""

from pathlib import Path
from typing import Annotated

import typer

from deskbound_client import consent
from deskbound_client.cli.session import (
    AsJson,
    console,
    ledger_of,
    open_vault,
    paths_of,
    print_json,
)
from deskbound_client.federation import join as fleet
from deskbound_client.privacy.proposal import pin_key, read_policy_key


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(join)


def join(
    context: typer.Context,
    bundle: Annotated[Path, typer.Argument(help="The join bundle from whoever runs the server.")],
    policy_key: Annotated[
        Path | None,
        typer.Option(help="Key of whoever deploys this laptop; only what it signs may propose."),
    ] = None,
    json: AsJson = False,
) -> None:
    """Join a fleet with the bundle that its operator gave you.

    Pins the server's address, certificate authority and contract key, and makes this laptop's node
    key. Nothing is sent; hand the public key it names to the operator. Taking part needs your
    consent to `updates` as well.

    Example: deskbound join company.join.json
    """
    paths = paths_of(context)
    with open_vault(context) as vault:
        if policy_key is not None:
            pin_key(vault.settings, read_policy_key(policy_key))
        public_key = fleet.join(paths, bundle, ledger_of(vault))
        willing = "updates" in consent.granted(vault)
    server = fleet.load_server(paths)
    if json:
        print_json(
            {"fleet": server.fleet, "server": server.superlink, "public_key": str(public_key)}
        )
        return
    console.print(f"Joined the fleet [bold]{server.fleet}[/] at {server.superlink}.")
    console.print(f"Give this file to its operator: {public_key}", markup=False)
    if not willing:
        console.print("To take part, also say [bold]deskbound consent grant updates[/].")
