"""``deskbound-audit witness``: watch over a server's log."""

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from deskbound_audit.witness import Witness, make_key
from deskbound_audit.witness_remote import Remote, Source
from deskbound_strategies.errors import UnreachableError

app = typer.Typer(
    help="Follow a server's whole log, and vouch for it while it keeps to its rules.",
    no_args_is_help=True,
)
Folder = Annotated[
    Path, typer.Option("--folder", help="Where the key and the copy of the log are kept.")
]
console = Console(highlight=False)


@app.command("init")
def init(
    name: Annotated[str, typer.Argument(help="Under which others know it: privacy.example.org.")],
    folder: Folder = Path("witness"),
) -> None:
    """Make a witness's key, and print the line by which server and laptops know it.

    Keep the folder where those who run the server cannot write.

    Example: deskbound-audit witness init privacy.example.org
    """
    typer.echo(str(make_key(folder, name)))


@app.command("run")
def run(
    bundle: Annotated[Path, typer.Argument(help="The file of 'deskbound-server witness bundle'.")],
    folder: Folder = Path("witness"),
    every: Annotated[
        float, typer.Option(min=0.2, max=3600.0, help="Seconds between two looks.")
    ] = 1.0,
    *,
    once: Annotated[bool, typer.Option("--once", help="Look once, then end.")] = False,
) -> None:
    """Follow the log: verify each leaf, keep a copy, cosign each head.

    Ends with 50, and cosigns nothing more, when the log was rewritten or broke a rule.

    Example: deskbound-audit witness run witness.json
    """
    source = Source.load(bundle)
    remote = Remote(source)
    with Witness(folder, source) as witness:
        console.print(f"{witness.name} follows {source.log.name} from leaf {witness.size:,} on.")
        if once:
            _look(witness, remote)
            return
        _follow(witness, remote, every)


def _follow(witness: Witness, remote: Remote, every: float) -> None:
    """Look again and again; a server that does not answer is said once."""
    reached = True
    while True:
        try:
            _look(witness, remote)
            reached = True
        except UnreachableError as error:
            if reached:
                console.print(f"{error.sentence} {error.mend}")
            reached = False
        time.sleep(every)


def _look(witness: Witness, remote: Remote) -> None:
    if witness.step(remote):
        console.print(f"Cosigned the log at {witness.size:,} leaves.")
