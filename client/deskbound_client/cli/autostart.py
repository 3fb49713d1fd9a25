"""``deskbound autostart``: whether Deskbound starts at login."""

from enum import StrEnum
from typing import Annotated

import typer

from deskbound_client.cli.session import AsJson, check_vault, console, paths_of, print_json
from deskbound_client.employee import autostart as entry
from deskbound_client.paths import HomePaths


class Wish(StrEnum):
    """What one can ask for."""

    ON = "on"
    OFF = "off"
    SHOW = "show"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(autostart)


def autostart(
    context: typer.Context,
    wish: Annotated[Wish, typer.Argument(help="on, off or show.")] = Wish.SHOW,
    json: AsJson = False,
) -> None:
    """Start at login, or not; off until you say on.

    What starts captures what you agreed to; a pause stays a pause. The vault must open by itself:
    by the system's keystore, or by passphrase_file in config.toml.

    Example: deskbound autostart on
    """
    paths = paths_of(context)
    if wish is Wish.ON:
        check_vault(paths)
        entry.switch_on(paths)
    elif wish is Wish.OFF:
        entry.switch_off(paths)
    found = entry.state(paths)
    if json:
        print_json({"on": found.on, "path": str(found.path), "other_home": found.other_home})
        return
    _say(paths, found)


def _say(paths: HomePaths, found: entry.Autostart) -> None:
    if found.on:
        console.print(f"Deskbound starts at login, by {found.path}.", markup=False)
    elif found.other_home:
        console.print(f"{found.path} starts another home, not {paths.home}.", markup=False)
    else:
        console.print("Deskbound does not start at login.")
