"""``deskbound export``: everything about me in one file."""

import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress

from deskbound_client.archive import ExportReceipt, export_vault
from deskbound_client.cli.session import (
    AsJson,
    console,
    open_vault,
    paths_of,
    print_json,
)
from deskbound_client.employee.wishes import parse_day
from deskbound_client.employee.words import counted, size
from deskbound_client.store.passphrase import passphrase_from_file, passphrase_from_prompt
from deskbound_strategies.errors import ConfigError, KeystoreError, VaultDamagedError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(export)


def export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The archive to write, such as me.zip.")],
    encrypt: Annotated[
        bool, typer.Option("--encrypt", help="Encrypt it with a passphrase (age format).")
    ] = False,
    passphrase_file: Annotated[
        Path | None,
        typer.Option(help="Read that passphrase from a file of mode 0600; implies --encrypt."),
    ] = None,
    day: Annotated[
        list[str] | None, typer.Option(help="Only this day; may be given several times.")
    ] = None,
    parquet: Annotated[
        bool, typer.Option("--parquet", help="Put the rows in as Parquet too (needs pyarrow).")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a file of that name.")] = False,
    json: AsJson = False,
) -> None:
    """Write everything about me into one file that any computer can read.

    A zip of text files: all days, every decision, the signed ledger, the budget, the settings, and
    a page that explains them. No keys. docs/archive-format.md has every field.

    Example: deskbound export me.zip.age --encrypt
    """
    secret = _passphrase(passphrase_file) if encrypt or passphrase_file else None
    days = [parse_day(text, time.time()) for text in day] if day else None
    with open_vault(context) as vault, progress_bar("Writing") as progress:
        receipt = export_vault(
            paths_of(context),
            vault,
            file,
            passphrase=secret,
            days=days,
            force=force,
            parquet=parquet,
            progress=progress,
        )
    print_json(_as_dict(receipt)) if json else _print(receipt)
    if receipt.damaged:
        raise VaultDamagedError(
            f"Left out, since damaged: {', '.join(map(str, receipt.damaged))}.",
            "`deskbound forget --day` removes a damaged day; all others are in the file.",
        )


class progress_bar:  # noqa: N801 - used as a function
    """A bar on a terminal, nothing elsewhere; gives what is told how many rows are done."""

    def __init__(self, title: str) -> None:
        self._bar = Progress(console=console, transient=True, disable=not console.is_terminal)
        self._task = self._bar.add_task(title, total=None)

    def __enter__(self) -> Any:
        self._bar.start()
        return lambda done, total: self._bar.update(self._task, completed=done, total=total)

    def __exit__(self, *_: object) -> None:
        self._bar.stop()


def _passphrase(file: Path | None) -> str:
    if file is not None:
        return passphrase_from_file(file)()
    if not sys.stdin.isatty():
        raise KeystoreError(
            "There is nobody to ask for a passphrase.",
            "Run it in a terminal, or name a file of mode 0600 with --passphrase-file.",
        )
    given = passphrase_from_prompt(confirm=True, of="the archive")()
    if not given:
        raise ConfigError("No passphrase was given.", "Four unrelated words are a good start.")
    return given


def _as_dict(receipt: ExportReceipt) -> dict[str, Any]:
    return {
        "file": str(receipt.path),
        "encrypted": receipt.encrypted,
        "bytes": receipt.bytes,
        "sha256": receipt.sha256,
        "device": receipt.device,
        "days": [day.isoformat() for day in receipt.days],
        "actions": receipt.counts.actions,
        "thumbnails": receipt.counts.thumbs,
        "gaps": receipt.counts.gaps,
        "damaged": [day.isoformat() for day in receipt.damaged],
    }


def _print(receipt: ExportReceipt) -> None:
    counts = receipt.counts
    console.print(
        f"[bold]Written:[/] {counted(len(receipt.days), 'day')}, "
        f"{counted(counts.actions, 'action')}, {counted(counts.thumbs, 'picture')}, "
        f"{counted(counts.gaps, 'hole')}; every decision, the ledger, budget and settings."
    )
    console.print(f"{receipt.path}: {size(receipt.bytes)}, SHA-256", markup=False)
    console.print(receipt.sha256, markup=False)
    if receipt.encrypted:
        console.print("It opens with its passphrase alone: in `deskbound import`, or any age tool.")
    else:
        console.print(
            "[yellow]Not encrypted:[/] whoever gets this file reads all of it. Add --encrypt "
            "unless it stays on a disk that is."
        )
