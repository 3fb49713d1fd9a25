"""What the commands share: where the vault is, how it opens, how answers are printed."""

import json
import sys
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from deskbound_client.config import Config, load_config
from deskbound_client.paths import HomePaths
from deskbound_client.privacy.budget import Budget
from deskbound_client.privacy.ledger_store import LedgerStore
from deskbound_client.store.keys import KEYS_FILE
from deskbound_client.store.keystore import choose_keystore
from deskbound_client.store.passphrase import (
    SEALED_FILE,
    PassphraseSource,
    passphrase_from_file,
    passphrase_from_prompt,
)
from deskbound_client.store.vault import VAULT_FILE, Vault
from deskbound_strategies.errors import ConfigError, NotFoundError
from deskbound_strategies.policy import load_floor

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]

console = Console(highlight=False, soft_wrap=True)


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
    # Before a keystore is chosen: that would write down the choice for a vault that is not there.
    if not any((paths.home / name).exists() for name in (KEYS_FILE, VAULT_FILE)):
        raise NotFoundError(f"There is no vault in {paths.home}.", "Run `deskbound init` first.")
    return Vault.open(paths.home, choose_keystore(paths.home, source))


def _source(config: Config) -> PassphraseSource | None:
    if config.passphrase_file:
        return passphrase_from_file(Path(config.passphrase_file))
    return passphrase_from_prompt() if sys.stdin.isatty() else None


def ledger_of(vault: Vault) -> LedgerStore:
    """Return the vault's ledger."""
    return LedgerStore(vault)


def budget_of(context: typer.Context, vault: Vault) -> Budget:
    """Return the vault's budget under the local policy floor."""
    return Budget(LedgerStore(vault), load_floor(paths_of(context).floor))


def print_json(value: Any) -> None:
    """Print one JSON value for a program to read."""
    sys.stdout.write(json.dumps(value, indent=2) + "\n")


def parse_day(text: str) -> date:
    """Return the date of ``2026-11-20``, ``today`` or ``yesterday``.

    Raises:
        ConfigError: the text is none of them.
    """
    today = datetime.now().astimezone().date()
    words = text.strip().lower()
    if words in ("today", "yesterday"):
        return today - timedelta(days=words == "yesterday")
    try:
        return date.fromisoformat(words)
    except ValueError:
        raise ConfigError(
            "That is not a day.", "Say a date such as 2026-11-20, today or yesterday."
        ) from None
