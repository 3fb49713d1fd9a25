"""``deskbound-server log``: the transparency log, shown and taken out."""

from pathlib import Path
from typing import Annotated

import typer

from deskbound_server import pki
from deskbound_server.cli.common import AsJson, console, home_of, open_database, print_json
from deskbound_server.home import write_private
from deskbound_server.log import open_log, read_witnesses
from deskbound_strategies.checkpoint import cosigners
from deskbound_strategies.log_export import export
from deskbound_strategies.note import Note

logs = typer.Typer(
    help="The log of contracts, receipts and models that laptops and witnesses check.",
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.add_typer(logs, name="log")


@logs.command("show")
def show(context: typer.Context, as_json: AsJson = False) -> None:
    """Show how long the log is, what it holds, and which witnesses cosigned its head.

    Example: deskbound-server log show
    """
    home = home_of(context)
    with open_database(home) as database:
        log = open_log(home, database)
        with log.turn() as rules:
            head = log.checkpoint()
        note = database.checkpoint(head.size) or b""
    witnesses = read_witnesses(home.witnesses)
    signed = [one.name for one in cosigners(Note.parse(note), witnesses)]
    if as_json:
        print_json(
            {
                "origin": head.origin,
                "size": head.size,
                "root": head.root.hex(),
                "contracts": len(rules.contracts),
                "models": len(rules.released),
                "releases": len(rules.releases),
                "laptops": len(rules.anchors),
                "witnesses": [one.name for one in witnesses],
                "cosigned_by": signed,
                "checkpoint": note.decode("utf-8"),
            }
        )
        return
    console.print(f"[bold]{head.origin}[/]: {head.size:,} leaves")
    console.print(
        f"{len(rules.contracts):,} contracts, {len(rules.released):,} models, "
        f"receipts of {len(rules.anchors):,} laptops"
    )
    names = ", ".join(signed) if signed else "nobody"
    of = f" (of {len(witnesses)} witnesses)" if witnesses else "; no witness was added"
    console.print(f"Its head is cosigned by {names}{of}.")
    console.print(note.decode("utf-8"), markup=False)


@logs.command("export")
def export_log(
    context: typer.Context,
    to: Annotated[Path, typer.Argument(help="File to write; docs/wire-format.md describes it.")],
    as_json: AsJson = False,
) -> None:
    """Write the whole log to a file, for an auditor.

    It names nobody, but tells under pseudonyms who took part in which round: hand it to auditors.

    Example: deskbound-server log export log.jsonl
    """
    home = home_of(context)
    with open_database(home) as database:
        log = open_log(home, database)
        with log.turn():
            head = log.checkpoint()
            leaves = database.leaves()
            note = database.checkpoint(head.size) or b""
        contract_key = pki.contract_key(home).public_key()
        write_private(to, b"".join(export(leaves, pki.log_verifier(home), contract_key, note)))
    if as_json:
        print_json({"file": str(to), "size": head.size, "root": head.root.hex()})
        return
    console.print(f"Wrote {head.size:,} leaves to {to}. Next: deskbound-audit verify {to}")
