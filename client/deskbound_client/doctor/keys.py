"""Looks at what opens the vault. No key and no passphrase is ever named, shown or kept."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from deskbound_client.config import load_config
from deskbound_client.doctor.finding import Finding, note, ok, warn, wrong, wrong_as
from deskbound_client.paths import HomePaths
from deskbound_client.store.files import check_private, read_private
from deskbound_client.store.keystore import CHOICE_FILE, KeyringKeystore
from deskbound_client.store.passphrase import SEALED_FILE
from deskbound_strategies.errors import DeskboundError


def check_keystore(home: Path, backends: Callable[[], Iterable[Any]] | None = None) -> Finding:
    """The keystore that this vault was made with is one that the system protects, and answers.

    Args:
        home: folder of the vault.
        backends: lists the keystores of this machine; asked of ``keyring`` if not given.
    """
    try:
        chosen = json.loads(read_private(home / CHOICE_FILE))
        kind, entry = chosen["kind"], chosen.get("entry", "")
    except DeskboundError as error:
        return wrong_as("keystore", error)
    except (ValueError, TypeError, KeyError, AttributeError):
        return wrong(
            "keystore",
            f"{CHOICE_FILE} is not as Deskbound wrote it.",
            "Restore it from a backup.",
        )
    if kind == "passphrase":
        return _sealed(home)
    try:
        KeyringKeystore(str(entry), backends).load()
    except DeskboundError as error:
        return wrong_as("keystore", error)
    return ok("keystore", "The system's keystore answers and holds the key of this vault.")


def _sealed(home: Path) -> Finding:
    if not (home / SEALED_FILE).exists():
        return wrong(
            "keystore",
            f"{SEALED_FILE} is missing, and nothing opens this vault without it.",
            "Restore it from a backup, or start anew with `deskbound init` elsewhere.",
        )
    return note(
        "keystore",
        "The vault opens with a passphrase: an old copy of the disk opens with it too.",
        "Where the system has a keystore, a new vault uses that (docs/limitations.md).",
    )


def check_passphrase_file(paths: HomePaths) -> Finding:
    """The file with the passphrase, if there is one, is its owner's alone."""
    name = "passphrase-file"
    try:
        given = load_config(paths.config).passphrase_file
    except DeskboundError:
        return note(name, "Not known while the settings cannot be read.")
    if not given:
        return ok(name, "No passphrase is kept in a file.")
    file = Path(given).expanduser()
    if not file.exists():
        return wrong(
            name,
            f"The passphrase file {file.name} that config.toml names is not there.",
            "Put it back, or set passphrase_file to another; empty means that you are asked.",
        )
    try:
        check_private(file)
    except DeskboundError as error:
        return wrong_as(name, error)
    if file.absolute().is_relative_to(paths.home):
        return warn(
            name,
            "The passphrase lies beside the vault that it opens.",
            "Move it to another folder, best on another disk, and name that in config.toml.",
        )
    return ok(name, "The passphrase file is yours alone.")
