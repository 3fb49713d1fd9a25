"""``deskbound-audit release``: sign what was reviewed, and check what is installed against it."""

import json
from pathlib import Path
from typing import Annotated

import typer

from deskbound_audit.release import check, make_key, read_key, sign
from deskbound_strategies import shell
from deskbound_strategies.errors import CodeChangedError

app = shell.new_app("Say which code was reviewed, and check that it is what is installed.")

Place = Annotated[
    Path | None,
    typer.Option(
        "--place",
        help="Folder that holds the packages: unpacked wheels, another install.",
    ),
]


@app.command()
def key(
    out: Annotated[Path, typer.Option(help="New file for the private key (mode 0600).")],
) -> None:
    """Make the key of the privacy team, and print its public half for `reviewer_key`.

    Example: deskbound-audit release key --out reviewer.key
    """
    typer.echo(make_key(out))


@app.command("sign")
def sign_command(
    key: Annotated[Path, typer.Option(help="The reviewer's private key.")],
    out: Annotated[Path, typer.Option(help="Where to write the manifest.")],
    place: Place = None,
    *,
    libraries: Annotated[
        bool,
        typer.Option(
            "--libraries", help="Pin the installed builds of torch and the like too: one platform."
        ),
    ] = False,
) -> None:
    """Sign every file of the code that runs on laptops, as it is installed here.

    Example: deskbound-audit release sign --key reviewer.key --out release.json
    """
    release = sign(read_key(key), out, place, libraries=libraries)
    files = sum(len(one.files) for one in release.packages)
    typer.echo(f"Signed {files} files as release {release.digest()}.")


@app.command()
def verify(
    manifest: Annotated[Path, typer.Argument(help="The signed manifest, release.json.")],
    key: Annotated[str, typer.Option(help="Public key of the reviewer: 64 hex digits.")],
    place: Place = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare an install with a manifest, without running anything of it.

    Exit code 0 when they are the same, 50 when the manifest is not the reviewer's, 51 when a file
    was changed, is missing or is there in addition.

    Example: deskbound-audit release verify release.json --key 5f0c... --place /opt/deskbound/lib
    """
    release, changes = check(manifest, key, place)
    if as_json:
        found = {change.path: change.kind.value for change in changes}
        typer.echo(json.dumps({"release": release.digest(), "changes": found}, indent=2))
    else:
        for change in changes:
            typer.echo(change.words)
    if changes:
        raise CodeChangedError(
            f"{len(changes)} differences from release {release.digest()[:16]}.",
            "Install the reviewed release again, and ask how the difference came about.",
        )
    if not as_json:
        typer.echo(f"As reviewed: release {release.digest()}.")
