"""What the commands share: where the vault is, how it opens, how answers are printed."""

import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.padding import Padding

from deskbound_client.capture.control import Control
from deskbound_client.config import Config, load_config
from deskbound_client.paths import HomePaths
from deskbound_client.privacy.budget import Budget
from deskbound_client.privacy.floor_keeper import floor_in_force
from deskbound_client.privacy.ledger_store import LedgerStore
from deskbound_client.store.keys import KEYS_FILE, drop_ballast
from deskbound_client.store.keystore import CHOICE_FILE, choose_keystore
from deskbound_client.store.passphrase import (
    SEALED_FILE,
    PassphraseSource,
    passphrase_from_file,
    passphrase_from_prompt,
)
from deskbound_client.store.vault import VAULT_FILE, Vault
from deskbound_client.upkeep import Upkeep
from deskbound_strategies.errors import (
    DeskboundError,
    DiskFullError,
    KeystoreError,
    NotFoundError,
    VaultDamagedError,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]

# A terminal gets lines that break between words; whatever else reads this gets whole lines.
console = Console(highlight=False, soft_wrap=not sys.stdout.isatty())


def print_below(text: str) -> None:
    """Print a line set in below another; where it must break, its next lines are set in as well."""
    if console.soft_wrap:
        console.print(f"    {text}")
    else:
        console.print(Padding(text, (0, 0, 0, 4), expand=False))


def paths_of(context: typer.Context) -> HomePaths:
    """Return the paths under ``--home``, ``DESKBOUND_HOME`` or the default folder."""
    return HomePaths.of(context.find_root().obj)


def passphrase_given(context: typer.Context) -> str:
    """Return the passphrase, read once from the configured file or the terminal.

    Empty for a vault whose key is in the system's keystore, or where there is no way to ask.
    """
    paths = paths_of(context)
    source = _source(load_config(paths.config))
    sealed = (paths.home / SEALED_FILE).exists()
    return source() if source is not None and sealed else ""


def open_vault(context: typer.Context, passphrase: str | None = None) -> Vault:
    """Open the vault of this command's home; use it in a ``with`` statement.

    Args:
        context: of the command.
        passphrase: one that was asked for already; None to ask when it is needed.
    """
    paths = paths_of(context)
    if passphrase is None:
        source = _source(load_config(paths.config))
    else:
        source = (lambda: passphrase) if passphrase else None
    check_vault(paths)  # first: choosing a keystore writes down the choice
    for name in (CHOICE_FILE, KEYS_FILE):
        if not (paths.home / name).exists():
            raise _lost(name)
    if source is None and (paths.home / SEALED_FILE).exists():
        raise KeystoreError(
            "This vault opens with a passphrase and there is nobody to ask.",
            "Run it in a terminal, or name a file of mode 0600 as passphrase_file in config.toml.",
        )
    keystore = choose_keystore(paths.home, source)
    if keystore.kind == "passphrase" and not (paths.home / SEALED_FILE).exists():
        raise _lost(SEALED_FILE)
    return _tidied(paths, Vault.open(paths.home, keystore))


def _tidied(paths: HomePaths, vault: Vault) -> Vault:
    """Let days go that are due, even where no agent runs; an open vault is given back in any case.

    A damaged setting is no reason to keep the employee from what is theirs.
    """
    with suppress(DeskboundError):
        Upkeep(vault, paths, load_config(paths.config)).tidy()
    return vault


def open_vault_to_forget(context: typer.Context) -> Vault:
    """Open the vault even where the disk is so full that it cannot be read any more.

    The room that was set aside for forgetting is taken then; forgetting sets it aside again.
    """
    passphrase = passphrase_given(context)
    try:
        return open_vault(context, passphrase)
    except DiskFullError:
        drop_ballast(paths_of(context).home)
        return open_vault(context, passphrase)


def _lost(name: str) -> VaultDamagedError:
    return VaultDamagedError(
        f"{name} is missing, and nothing opens this vault without it.",
        "Restore it from a backup, or start anew with `deskbound init` in another folder.",
    )


def has_vault(paths: HomePaths) -> bool:
    """Return whether a vault was made in this home, damaged or not."""
    return any((paths.home / name).exists() for name in (KEYS_FILE, VAULT_FILE))


def check_vault(paths: HomePaths) -> None:
    """Check that a vault was made in this home.

    Raises:
        NotFoundError: when none was.
    """
    if not has_vault(paths):
        raise NotFoundError(f"There is no vault in {paths.home}.", "Run `deskbound init` first.")


def control_of(context: typer.Context) -> Control:
    """Return the control word of this command's home; it needs no passphrase.

    Raises:
        NotFoundError: when there is no vault.
    """
    paths = paths_of(context)
    check_vault(paths)
    return Control.open(paths.control)


def _source(config: Config) -> PassphraseSource | None:
    if not config.passphrase_file:
        return passphrase_from_prompt() if sys.stdin.isatty() else None
    file = Path(config.passphrase_file)
    if not file.exists():
        raise KeystoreError(
            f"The passphrase file {file.name} that config.toml names is not there.",
            "Put it back, or set passphrase_file to another; empty means that you are asked.",
        )
    return passphrase_from_file(file)


def ledger_of(vault: Vault) -> LedgerStore:
    """Return the vault's ledger."""
    return LedgerStore(vault)


def budget_of(context: typer.Context, vault: Vault) -> Budget:
    """Return the vault's budget under the local policy floor."""
    return Budget(LedgerStore(vault), floor_in_force(paths_of(context), vault))


def somebody_is_there() -> bool:
    """Return whether a person sits at the other end, who can be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def print_json(value: Any) -> None:
    """Print one JSON value for a program to read."""
    sys.stdout.write(json.dumps(value, indent=2) + "\n")
