"""What the commands share: where the server is, its database, how answers are printed."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from deskbound_server.database import Database
from deskbound_server.home import ServerHome, find_home

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]

# A terminal gets lines that break between words; whatever else reads this gets whole lines.
console = Console(highlight=False, soft_wrap=not sys.stdout.isatty())


def home_of(context: typer.Context) -> ServerHome:
    """Return the home of ``--home``, the environment, or the usual one; it may not exist yet."""
    return find_home(context.find_root().obj)


@contextmanager
def open_database(home: ServerHome) -> Iterator[Database]:
    """Open the server's database; the home must have been set up."""
    home.check()
    database = Database.open(home.database)
    try:
        yield database
    finally:
        database.close()


def table_of(*columns: str) -> Table:
    """Return an empty table that fits 80 columns and cuts no word short."""
    table = Table(box=None, pad_edge=False)
    for name in columns:
        table.add_column(name, overflow="fold")
    return table


def print_json(value: Any) -> None:
    """Print a value for a program."""
    typer.echo(json.dumps(value, indent=2, sort_keys=True))


def moment(seconds: int) -> str:
    """Return a time as people read it, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M") if seconds else ""


def codes(counts: dict[str, int]) -> str:
    """Return counts by code as one short text."""
    return ", ".join(f"{count} {code}" for code, count in sorted(counts.items()))


def byte_words(count: int) -> str:
    """Return a number of bytes as people read it."""
    value = float(count)
    for unit in ("bytes", "KB", "MB"):
        if value < 1000:
            return f"{count} bytes" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"
