"""``deskbound-server witness``: who watches over the log."""

import json
from pathlib import Path
from typing import Annotated

import typer

from deskbound_server import pki
from deskbound_server.cli.common import AsJson, console, home_of, print_json
from deskbound_server.gate import LOG_PREFIX
from deskbound_server.home import write_private
from deskbound_server.log import read_witnesses, witness_key

witnesses = typer.Typer(
    help="Who follows the log and cosigns it; rounds wait for them.", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.add_typer(witnesses, name="witness")


@witnesses.command("add")
def add(
    context: typer.Context,
    key: Annotated[
        str, typer.Argument(help="The line that 'deskbound-audit witness init' printed.")
    ],
    as_json: AsJson = False,
) -> None:
    """Let a witness cosign the log, and let rounds wait for it.

    Example: deskbound-server witness add privacy-team+0c1e4d2a+BEx...
    """
    home = home_of(context)
    home.check()
    added = witness_key(key)
    present = read_witnesses(home.witnesses)
    if added not in present:
        lines = "".join(f"{one}\n" for one in [*present, added])
        write_private(home.witnesses, lines.encode("ascii"))
    if as_json:
        print_json({"witness": added.name})
        return
    console.print(f"Rounds wait for [bold]{added.name}[/] now.")
    console.print("Next: hand it the file of [bold]deskbound-server witness bundle[/].")


@witnesses.command("list")
def list_witnesses(context: typer.Context, as_json: AsJson = False) -> None:
    """List the witnesses.

    Example: deskbound-server witness list
    """
    home = home_of(context)
    home.check()
    found = read_witnesses(home.witnesses)
    if as_json:
        print_json([str(one) for one in found])
    elif not found:
        console.print("There is no witness yet. Next: [bold]deskbound-server witness add[/].")
    for one in () if as_json else found:
        console.print(str(one), markup=False)


@witnesses.command("bundle")
def bundle(
    context: typer.Context,
    to: Annotated[Path, typer.Argument(help="File to write, for the witness alone.")],
    as_json: AsJson = False,
) -> None:
    """Write what a witness needs to read the log: address, authority, keys and a token.

    Example: deskbound-server witness bundle witness.json
    """
    home = home_of(context)
    superlink = json.loads(home.join_bundle.read_text("utf-8"))["superlink"]
    contract_key = pki.contract_key(home).public_key()
    content = {
        "url": f"https://{superlink}{LOG_PREFIX}",
        "ca_pem": home.ca_certificate.read_text("ascii"),
        "log": str(pki.log_verifier(home)),
        "contract_key": contract_key.public_bytes_raw().hex(),
        "token": home.witness_token.read_text("ascii"),
    }
    write_private(to, json.dumps(content, indent=2, sort_keys=True).encode("ascii") + b"\n")
    if as_json:
        print_json({"file": str(to)})
        return
    console.print(f"Wrote {to}. Next: deskbound-audit witness run {to}")
