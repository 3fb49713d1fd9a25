"""``deskbound init``: an encrypted vault, everything off."""

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from deskbound_client import consent
from deskbound_client.capture.control import CLOSED_WORD, Control
from deskbound_client.capture.signals import mask_of
from deskbound_client.cli.session import console, has_vault, open_vault, paths_of
from deskbound_client.config import load_config, write_default
from deskbound_client.paths import HomePaths
from deskbound_client.privacy.floor_keeper import floor_in_force
from deskbound_client.privacy.floors import Floors, Why
from deskbound_client.privacy.proposal import pin_key, read_policy_key
from deskbound_client.store.files import create_private, replace_private
from deskbound_client.store.keystore import CHOICE_FILE, Kind, choose_keystore
from deskbound_client.store.passphrase import (
    PassphraseSource,
    passphrase_from_file,
    passphrase_from_prompt,
)
from deskbound_client.store.vault import VAULT_FILE, Vault
from deskbound_strategies.errors import ConfigError, NotFoundError
from deskbound_strategies.floor_file import load_floor
from deskbound_strategies.policy import DEFAULT, PROFILES, describe

_HOW = {
    "keyring": "locked with the system's keystore",
    "passphrase": "locked with your passphrase",
}
_PASSPHRASE_LINE = re.compile(r"^passphrase_file *=.*$", re.MULTILINE)


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
        str | None,
        typer.Option(help="What a server may ask at most: strict, balanced (default) or research."),
    ] = None,
    policy_key: Annotated[
        Path | None,
        typer.Option(help="Key of whoever deploys this laptop; only what it signs may propose."),
    ] = None,
) -> None:
    """Make an encrypted vault. Everything is off until you agree to it.

    The key goes into the system's keystore. Where there is none, you are asked for a passphrase;
    a passphrase is never taken from the command line or the environment.

    Example: deskbound init
    """
    paths = paths_of(context)
    if has_vault(paths) and not _half_made(paths):
        _mend_control(context)
        return
    _check_profile(paths, profile)
    key = None if policy_key is None else read_policy_key(policy_key)
    source = _source(passphrase_file)  # before anything is written: the file may be a mistake
    paths.prepare()
    with _all_or_nothing(paths):
        kind: Kind | None = "passphrase" if passphrase_file else None
        keystore = choose_keystore(paths.home, source, kind=kind)
        _write_settings(paths, passphrase_file)
        if key is None and not paths.floor.exists():
            create_private(paths.floor, f'profile = "{profile or DEFAULT.profile}"\n'.encode())
        load_floor(paths.floor)  # a file that cannot be read is told before anything is made
        with Vault.create(paths.home, keystore) as vault:
            Control.create(paths.control).close()
            if not paths.floor.exists():  # only its owner may write one, and did not yet
                Floors(vault).adopt(PROFILES[profile or DEFAULT.profile], Why.FIRST)
            if key is not None:
                pin_key(vault.settings, key)
            floor = floor_in_force(paths, vault)
    console.print(f"[bold]Vault made[/] in {escape(str(paths.home))}, {_HOW[keystore.kind]}.")
    console.print(describe(floor))
    console.print("Everything is off. Next: [bold]deskbound consent show[/].")


@contextmanager
def _all_or_nothing(paths: HomePaths) -> Iterator[None]:
    """Take back the settings of a try that failed, so that the next one starts from nothing."""
    settings = (paths.config, paths.floor, paths.home / CHOICE_FILE)
    made = [path for path in settings if not path.exists()]
    try:
        yield
    except BaseException:
        for path in made if _half_made(paths) else ():
            path.unlink(missing_ok=True)
        raise


def _half_made(paths: HomePaths) -> bool:
    """Return whether making it was cut short before the first database: it is begun anew then."""
    return not (paths.home / VAULT_FILE).exists()


def _mend_control(context: typer.Context) -> None:
    """Make a lost or damaged control file anew, paused; a vault that lacks nothing is refused."""
    paths = paths_of(context)
    if Control.open(paths.control).word() != CLOSED_WORD:
        raise ConfigError(
            f"There is a vault in {paths.home} already.",
            "Use it, or choose another folder with --home.",
        )
    with open_vault(context) as vault:
        control = Control.create(paths.control)
        control.pause()
        control.set_streams(mask_of(consent.granted(vault)))
        floor_in_force(paths, vault)
    console.print("The control file was lost or damaged; it is made anew, and capture is paused.")
    console.print("Your consent is as it was. Next: [bold]deskbound resume[/].")


def _check_profile(paths: HomePaths, profile: str | None) -> None:
    if profile is not None and profile not in PROFILES:
        raise ConfigError(f"There is no profile {profile}.", f"Choose from {', '.join(PROFILES)}.")
    if paths.floor.exists():
        found = load_floor(paths.floor).profile
        if profile not in (None, found):
            raise ConfigError(
                f"floor.toml sets the profile {found} already.",
                "Leave --profile out, or ask whoever put the file there.",
            )


def _source(file: Path | None) -> PassphraseSource | None:
    """Return the new vault's passphrase, read at once where it is in a file."""
    if file is None:
        return passphrase_from_prompt(confirm=True) if sys.stdin.isatty() else None
    if not file.exists():
        raise NotFoundError(f"There is no file {file.name}.", "Name one that holds a passphrase.")
    passphrase = passphrase_from_file(file)()
    return lambda: passphrase


def _write_settings(paths: HomePaths, passphrase_file: Path | None) -> None:
    write_default(paths.config)
    if passphrase_file is not None:
        # json.dumps writes what TOML calls a basic string
        line = f"passphrase_file = {json.dumps(str(passphrase_file.absolute()))}"
        text = paths.config.read_text(encoding="utf-8")
        text, found = _PASSPHRASE_LINE.subn(lambda _: line, text, count=1)
        replace_private(paths.config, (text if found else f"{line}\n{text}").encode())
    load_config(paths.config)
