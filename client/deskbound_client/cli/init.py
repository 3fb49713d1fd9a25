"""``deskbound init``: an encrypted vault, everything off."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from deskbound_client.capture.control import Control
from deskbound_client.cli.session import console, paths_of
from deskbound_client.config import load_config, write_default
from deskbound_client.paths import HomePaths
from deskbound_client.privacy.budget import Budget
from deskbound_client.privacy.ledger_store import LedgerStore
from deskbound_client.store.files import create_private, replace_private
from deskbound_client.store.keystore import Keystore, choose_keystore
from deskbound_client.store.passphrase import passphrase_from_file, passphrase_from_prompt
from deskbound_client.store.vault import Vault
from deskbound_strategies.errors import ConfigError
from deskbound_strategies.policy import PROFILES, describe, load_floor

_HOW = {"keyring": "the system's keystore", "passphrase": "your passphrase"}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(init)


def init(
    context: typer.Context,
    passphrase_file: Annotated[
        Path | None,
        typer.Option(help="File of mode 0600 with a passphrase, for machines without a keystore."),
    ] = None,
    profile: Annotated[
        str, typer.Option(help="What a server may ask at most: strict, balanced or research.")
    ] = "balanced",
) -> None:
    """Make an encrypted vault. Everything is off until you agree to it.

    The key goes into the system's keystore. Where there is none, you are asked for a passphrase;
    a passphrase is never taken from the command line or the environment.

    Example: deskbound init
    """
    if profile not in PROFILES:
        raise ConfigError(f"There is no profile {profile}.", f"Choose from {', '.join(PROFILES)}.")
    paths = paths_of(context)
    paths.prepare()
    _write_settings(paths, passphrase_file, profile)
    floor = load_floor(paths.floor)
    keystore = _keystore(paths, passphrase_file)
    with Vault.create(paths.home, keystore) as vault:
        Control.create(paths.control).close()
        Budget(LedgerStore(vault), floor).note_floor()
    console.print(f"[bold]Vault made[/] in {paths.home}, locked with {_HOW[keystore.kind]}.")
    console.print(describe(floor))
    console.print("Everything is off. Next: [bold]deskbound consent show[/].")


def _write_settings(paths: HomePaths, passphrase_file: Path | None, profile: str) -> None:
    if write_default(paths.config) and passphrase_file is not None:
        # json.dumps writes what TOML calls a basic string
        line = f"passphrase_file = {json.dumps(str(passphrase_file.absolute()))}"
        text = paths.config.read_text(encoding="utf-8").replace('passphrase_file = ""', line)
        replace_private(paths.config, text.encode())
    load_config(paths.config)
    if not paths.floor.exists():
        create_private(paths.floor, f'profile = "{profile}"\n'.encode())


def _keystore(paths: HomePaths, passphrase_file: Path | None) -> Keystore:
    if passphrase_file is not None:
        source = passphrase_from_file(passphrase_file)
        return choose_keystore(paths.home, source, kind="passphrase")
    prompt = passphrase_from_prompt(confirm=True) if sys.stdin.isatty() else None
    return choose_keystore(paths.home, prompt)
