"""``deskbound leave``: out of the fleet, or away from this laptop altogether."""

import sys
from typing import Annotated

import typer

from deskbound_client.cli.session import console, ledger_of, open_vault, paths_of
from deskbound_client.employee.erasing import Erased, check_home
from deskbound_client.employee.erasing import erase as erase_everything
from deskbound_client.employee.forgetting import copies_words
from deskbound_client.federation import join as fleet
from deskbound_client.paths import HomePaths
from deskbound_strategies.errors import BusyError, ConfigError

_WORD = "erase"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(leave)


def leave(
    context: typer.Context,
    erase: Annotated[
        bool, typer.Option("--erase", help="Remove everything of Deskbound on this laptop.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --erase: do not ask.")] = False,
) -> None:
    """Leave the fleet. The node key is destroyed; what was stored stays yours.

    Budget that was spent stays spent, in this fleet or any other. With --erase everything goes:
    keys first, then every file, also where the passphrase is forgotten or the vault is damaged.

    Example: deskbound leave --erase
    """
    paths = paths_of(context)
    if erase:
        _erase(paths, yes=yes)
        return
    with open_vault(context) as vault:
        fleet.leave(paths, ledger_of(vault))
    console.print("This laptop is in no fleet; a running agent goes offline within a second.")


def _erase(paths: HomePaths, *, yes: bool) -> None:
    check_home(paths)
    if not yes:
        _confirm(paths)
    copies = copies_words(paths)  # what tells of them goes, too
    _say(paths, erase_everything(paths), copies)


def _confirm(paths: HomePaths) -> None:
    if not sys.stdin.isatty():
        raise ConfigError(
            "Erasing everything asks for a word, and there is nobody to ask.",
            "Run it in a terminal, or add --yes.",
        )
    console.print(f"Everything Deskbound keeps in {paths.home} goes: days, ledger, settings.")
    console.print(f"After it, {copies_words(paths)}.")
    console.print("[bold]There is no undo.[/] `deskbound export` saves a copy first.")
    if typer.prompt(f"Type {_WORD} to go on", default="", show_default=False).strip() != _WORD:
        raise ConfigError("Nothing was erased.", f"Type the word {_WORD} when you mean it.")


def _say(paths: HomePaths, done: Erased, copies: str) -> None:
    console.print(
        f"{done.keys} keys destroyed, {done.files} files removed: {copies}.", markup=False
    )
    if done.passphrase_file:
        console.print(f"Your own file stays: {done.passphrase_file}", markup=False)
    if done.complete:
        console.print(f"Nothing of Deskbound is left in {paths.home}.", markup=False)
        console.print("The programs themselves go with `pip uninstall deskbound-client`.")
        return
    for path in done.remaining:
        console.print(f"  left alone: {path}", markup=False)
    if done.keystore_entry:
        raise BusyError(
            f"The system's keystore still has the entry {done.keystore_entry}.",
            "Remove it there by hand; without the files here it opens nothing.",
        )
