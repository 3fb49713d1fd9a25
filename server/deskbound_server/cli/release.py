"""``deskbound-server release``: which reviewed code rounds are for."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from deskbound_server.cli.common import (
    AsJson,
    console,
    home_of,
    open_database,
    print_json,
    table_of,
)
from deskbound_server.log import open_log
from deskbound_server.releases import add, listed, withdraw
from deskbound_strategies.errors import ConfigError, NotFoundError
from deskbound_strategies.release import MAX_BYTES

releases = typer.Typer(
    help="Reviewed releases: logged for everybody to see, and named by contracts.",
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.add_typer(releases, name="release")


@releases.command("add")
def add_release(
    context: typer.Context,
    manifest: Annotated[
        Path, typer.Argument(help="The file that 'deskbound-audit release sign' wrote.")
    ],
    reviewer: Annotated[str, typer.Option(help="Public key of who signed it: 64 hex digits.")],
    as_json: AsJson = False,
) -> None:
    """Log a signed manifest for good, and name it in every contract from now on.

    Do it before laptops get the release: those whose floor names reviewers train for no other.

    Example: deskbound-server release add release.json --reviewer 5f0c...
    """
    envelope, key = _read(manifest), _public_key(reviewer)
    home = home_of(context)
    with open_database(home) as database:
        found = add(open_log(home, database), database, envelope, key)
    if as_json:
        print_json(asdict(found))
        return
    console.print(f"Contracts name release {found.version} now; the log holds it for good.")
    console.print(f"  manifest  {found.manifest}\n  release   {found.release}")
    console.print("Next: lay the file into laptops' homes as [bold]release.json[/].")


@releases.command("list")
def list_releases(context: typer.Context, as_json: AsJson = False) -> None:
    """List the releases of the log, oldest first, and which of them contracts name.

    Example: deskbound-server release list
    """
    home = home_of(context)
    with open_database(home) as database:
        found = listed(open_log(home, database), database)
    if as_json:
        print_json([asdict(one.release) | {"named": one.named} for one in found])
        return
    if not found:
        console.print("There is no release yet. Next: [bold]deskbound-server release add[/].")
        return
    table = table_of("manifest", "version", "reviewer", "named")
    for one in found:
        said = one.release
        named = "yes" if one.named else "withdrawn"
        table.add_row(said.manifest[:12], said.version, said.reviewer[:12], named)
    console.print(table)


@releases.command("withdraw")
def withdraw_release(
    context: typer.Context,
    manifest: Annotated[str, typer.Argument(help="Its name in the list, or how it begins.")],
    as_json: AsJson = False,
) -> None:
    """Name a release in no further contract; it stays in the log.

    Laptops that run it take no part any more where their floor names reviewers.

    Example: deskbound-server release withdraw 3b1f09c2
    """
    with open_database(home_of(context)) as database:
        name = withdraw(database, manifest)
    if as_json:
        print_json({"manifest": name})
        return
    console.print(f"No further contract names {name[:12]}; the log keeps it.")


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError:
        raise NotFoundError(f"{path.name} cannot be read.", "Check the path.") from None


def _public_key(text: str) -> str:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise ConfigError(
            "This is not a public key.",
            "Give the 64 hex digits that 'deskbound-audit release key' printed.",
        )
    return key.hex()
