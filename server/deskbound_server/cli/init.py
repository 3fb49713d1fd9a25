"""``deskbound-server init``: keys, certificates and the bundle with which laptops join."""

from typing import Annotated

import typer

from deskbound_server import pki
from deskbound_server.cli.common import AsJson, console, home_of, print_json
from deskbound_server.home import Settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(init)


def init(
    context: typer.Context,
    host: Annotated[
        str, typer.Option(help="Name or address under which laptops reach this machine.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port of the SuperLink.")] = 8642,
    fleet: Annotated[str, typer.Option(help="The fleet's name, shown to employees.")] = "fleet",
    also: Annotated[
        list[str] | None, typer.Option(help="Further name or address; may be repeated.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Set up a server: certificate authority, keys, secrets, join.json.

    Nothing is ever overwritten. Hand join.json to laptops over a channel they trust: whoever can
    change it on the way can pose as this server.

    Example: deskbound-server init --host learn.example.org --fleet "Research"
    """
    home = home_of(context)
    bundle = pki.init(home, Settings(host, port, fleet), tuple(also or ()))
    if as_json:
        print_json({"home": str(home.root), "join": str(bundle)})
        return
    console.print(f"The server lives in {home.root}.")
    console.print(f"Laptops join with [bold]{bundle}[/]. Next: [bold]deskbound-server up[/].")
