"""``deskbound-audit``: what a privacy team runs, on files it was given."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from deskbound_strategies import shell
from deskbound_strategies.errors import VerificationError

app = shell.new_app("Check what laptops say they did. Needs no server and no data of anyone.")


@app.callback()
def _audit(
    version: shell.ShowVersion = False,
) -> None:
    """Check what laptops say they did. Needs no server and no data of anyone."""


@app.command()
def verify(
    files: Annotated[list[Path], typer.Argument(help="Ledgers, from `deskbound budget --export`.")],
    key: Annotated[
        list[str] | None,
        typer.Option(help="Fingerprint of a device that may have signed; its export names it."),
    ] = None,
    keys: Annotated[
        Path | None, typer.Option(help="File with such fingerprints, one a line.")
    ] = None,
    delta: Annotated[
        float | None,
        typer.Option(min=1e-15, max=0.5, help="State epsilon at this delta, not the ledger's own."),
    ] = None,
    *,
    fast: Annotated[
        bool,
        typer.Option("--fast", help="Check the head's signature and the chain, not each entry's."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Verify ledgers: every byte, every signature, every epsilon computed anew.

    Exit code 0 when all verify, 50 when one does not.

    Example: deskbound-audit verify ledgers/*.jsonl --keys fleet-keys.txt
    """
    # Accountants take seconds to load; --help and wrong options should not wait for them.
    from deskbound_audit import report  # noqa: PLC0415
    from deskbound_audit.verify import check_fingerprint, read_keys, verify_file  # noqa: PLC0415

    known = {check_fingerprint(word, "--key") for word in key or ()}
    known |= read_keys(keys) if keys is not None else set()
    verdicts = [verify_file(path, known, delta=delta, every_signature=not fast) for path in files]
    if as_json:
        typer.echo(json.dumps(report.as_json(verdicts), indent=2))
    else:
        Console(highlight=False).print(report.as_table(verdicts, keys_known=bool(known)))
    failed = [verdict for verdict in verdicts if not verdict.accepted]
    if failed:
        raise VerificationError(
            f"{len(failed)} of {len(verdicts)} ledgers did not verify.",
            "Ask for fresh exports; if those fail too, treat the ledgers as tampered with.",
        )


def main() -> None:
    """Run the command line and leave with its exit code."""
    shell.run(app)
