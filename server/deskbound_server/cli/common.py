"""What the commands share: where the server is, its database, how answers are printed."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import click
import typer
from rich.console import Console
from rich.table import Table
from typer.core import TyperGroup

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


def first_by_default(usual: str) -> type[TyperGroup]:
    """Return a group in which the usual command's name may be left out.

    ``runs`` and ``runs 3f2a`` are then ``runs list`` and ``runs list 3f2a``.
    """

    class FirstByDefault(TyperGroup):
        def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
            if not args or args[0] not in {*self.commands, *ctx.help_option_names}:
                args = [usual, *args]
            return super().parse_args(ctx, args)

    return FirstByDefault
