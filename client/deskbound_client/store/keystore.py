"""Where the vault's one outermost key lives: the OS keystore, or a passphrase.

A keystore holds exactly one value, the 32-byte key-encryption key (KEK) of ``vault.keys``, and can
replace it. Only backends that the operating system protects are used, picked by name from a list:
``keyring`` itself would silently fall back to a plain file where one is installed. Without such a
backend a passphrase must be given, typed or in a file only its owner can read; never as an
argument or in the environment, where other programs could see it.
"""

import base64
import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal, Protocol

from deskbound_client.store.files import make_private_folder, read_private, replace_private
from deskbound_client.store.passphrase import (
    KEK_BYTES,
    SEALED_FILE,
    PassphraseKeystore,
    PassphraseSource,
)
from deskbound_strategies.errors import (
    DeskboundError,
    KeystoreError,
    NotFoundError,
    VaultDamagedError,
)

SERVICE = "deskbound"
CHOICE_FILE = "keystore.json"

# Backends whose secrets the operating system guards. Never: chainer, fail, null, keyrings.alt.
ALLOWED_BACKENDS = frozenset(
    {
        "keyring.backends.SecretService.Keyring",
        "keyring.backends.libsecret.Keyring",
        "keyring.backends.kwallet.DBusKeyring",
        "keyring.backends.kwallet.DBusKeyringKWallet4",
        "keyring.backends.macOS.Keyring",
        "keyring.backends.Windows.WinVaultKeyring",
    }
)

Kind = Literal["keyring", "passphrase"]


class Keystore(Protocol):
    """Holds the one key that opens ``vault.keys``."""

    @property
    def kind(self) -> str:
        """What sort of keystore this is, as ``keystore.json`` names it."""

    def load(self) -> bytes:
        """Return the 32-byte key-encryption key."""

    def replace(self, new: bytes) -> None:
        """Keep ``new`` instead; the old key must not be recoverable afterwards."""


class KeyringKeystore:
    """The operating system's keystore, through an allow-listed ``keyring`` backend.

    Args:
        entry: name of the entry, one per vault.
        backends: lists the backends of this machine.
    """

    kind = "keyring"

    def __init__(self, entry: str, backends: Callable[[], Iterable[Any]] | None = None) -> None:
        self._entry = entry
        self._backend = find_backend(backends)

    def load(self) -> bytes:
        """Return the key kept under our entry.

        Raises:
            KeystoreError: when the keystore is locked or holds no key for this vault.
        """
        try:
            kept = self._backend.get_password(SERVICE, self._entry)
        except Exception:  # noqa: BLE001 - backends raise what they like
            raise _locked() from None
        if kept is None:
            raise KeystoreError(
                "The system keystore holds no key for this vault.",
                "Log in to the desktop session in which the vault was made.",
            )
        return _decoded(kept, "the system keystore's entry")

    def replace(self, new: bytes) -> None:
        """Overwrite the key and check that the keystore gives the new one back."""
        try:
            self._backend.set_password(SERVICE, self._entry, base64.b64encode(new).decode())
        except Exception:  # noqa: BLE001 - backends raise what they like
            raise _locked() from None
        if self.load() != new:
            raise _locked()

    def destroy(self) -> None:
        """Take the entry away for good; first it is overwritten, for backends that keep a bin.

        Raises:
            KeystoreError: when it is still there afterwards, or nobody can tell.
        """
        try:
            if self._backend.get_password(SERVICE, self._entry) is not None:
                nothing = base64.b64encode(os.urandom(KEK_BYTES)).decode()
                self._backend.set_password(SERVICE, self._entry, nothing)
                self._backend.delete_password(SERVICE, self._entry)
            kept = self._backend.get_password(SERVICE, self._entry)
        except Exception:  # noqa: BLE001 - backends raise what they like
            raise _locked() from None
        if kept is not None:
            raise _locked()


def entry_of(home: Path) -> str:
    """Return the name of a vault's entry in the system's keystore; empty when it has none."""
    try:
        chosen = json.loads(read_private(home / CHOICE_FILE))
    except (DeskboundError, ValueError):
        return ""
    entry = chosen.get("entry") if isinstance(chosen, dict) else None
    return entry if isinstance(entry, str) else ""


def _locked() -> KeystoreError:
    return KeystoreError(
        "The system keystore is locked or does not answer.",
        "Unlock it (log in to your desktop session), then try again.",
    )


def find_backend(backends: Callable[[], Iterable[Any]] | None = None) -> Any:
    """Return the best allow-listed backend of this machine.

    Raises:
        KeystoreError: when there is none.
    """
    if backends is None:
        from keyring.backend import get_all_keyring  # noqa: PLC0415 - asks the bus for services

        backends = get_all_keyring
    allowed = [found for found in backends() if _name(found) in ALLOWED_BACKENDS]
    if not allowed:
        raise KeystoreError(
            "This machine has no keystore that the operating system protects.",
            "Give a passphrase: by prompt, or in a file of mode 0600 with --passphrase-file.",
        )
    return max(allowed, key=lambda found: float(found.priority))


def _name(backend: Any) -> str:
    return f"{type(backend).__module__}.{type(backend).__qualname__}"


def _decoded(text: str, what: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except ValueError:
        key = b""
    if len(key) != KEK_BYTES:
        raise VaultDamagedError(f"The key in {what} is damaged.", "Restore it from a backup.")
    return key


def choose_keystore(
    home: Path,
    passphrase: PassphraseSource | None = None,
    *,
    kind: Kind | None = None,
    backends: Callable[[], Iterable[Any]] | None = None,
) -> Keystore:
    """Return the keystore of a vault; for a new vault, choose one and write the choice down.

    A vault keeps to the keystore it was made with: nothing silently weaker ever takes its place.
    A new one takes the system's keystore where there is one, unless ``kind`` says otherwise.

    Raises:
        KeystoreError: when there is no acceptable keystore and no passphrase.
    """
    path = home / CHOICE_FILE
    try:
        chosen = json.loads(read_private(path))
    except NotFoundError:
        chosen = _new_choice(passphrase, kind, backends)
        make_private_folder(home)
        replace_private(path, json.dumps(chosen).encode())
    except ValueError:
        chosen = {}
    if not isinstance(chosen, dict):
        chosen = {}
    if chosen.get("kind") == "keyring" and isinstance(chosen.get("entry"), str):
        return KeyringKeystore(chosen["entry"], backends)
    if chosen.get("kind") != "passphrase":
        raise VaultDamagedError(
            f"{CHOICE_FILE} is not as Deskbound wrote it.", "Restore it from a backup."
        )
    if passphrase is None:
        raise KeystoreError(
            "This vault opens with a passphrase and none was given.",
            "Type it at the prompt, or pass a file of mode 0600 with --passphrase-file.",
        )
    return PassphraseKeystore(home / SEALED_FILE, passphrase)


def _new_choice(
    passphrase: PassphraseSource | None,
    kind: Kind | None,
    backends: Callable[[], Iterable[Any]] | None,
) -> dict[str, str]:
    if kind != "passphrase":
        try:
            find_backend(backends)
        except KeystoreError:
            if kind == "keyring" or passphrase is None:
                raise
        else:
            return {"kind": "keyring", "entry": f"vault-{os.urandom(8).hex()}"}
    return {"kind": "passphrase"}
