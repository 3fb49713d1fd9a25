"""``vault.keys``: the sealed file of all keys, replaced under a new KEK at every change.

Forgetting a day destroys its key. A key that is merely left out of a new file is still in copies
of the old one, so every change seals under a *fresh* key-encryption key and lets the keystore
forget the former. The change is safe against a crash at any line::

    1  vault.keys.next   new keys under the new KEK, on the disk
    2  keystore          the new KEK takes the place of the old
    3  vault.keys        vault.keys.next takes its name

Before 2 the old pair is whole (the rest is thrown away); after 2 the new pair is (3 is done again).
"""

import secrets
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from deskbound_client.store.files import create_private, read_private, sync_folder
from deskbound_client.store.keystate import KeyState, parse_state, state_bytes
from deskbound_client.store.keystore import Keystore
from deskbound_client.store.lock import VaultLock
from deskbound_client.store.passphrase import KEK_BYTES
from deskbound_strategies.errors import DiskFullError, NotFoundError, VaultDamagedError

KEYS_FILE, NEXT_FILE, BALLAST_FILE = "vault.keys", "vault.keys.next", "vault.ballast"
BALLAST_BYTES = 2 << 20  # room that forgetting may use when the disk has none left
_MAGIC = b"deskbound-keys/1"
_NONCE_BYTES = 12

Signature = tuple[int, int, int]


def seal(state: KeyState, kek: bytes) -> bytes:
    """Encrypt and authenticate keys (AES-256-GCM; each KEK seals once)."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return _MAGIC + nonce + AESGCM(kek).encrypt(nonce, state_bytes(state), _MAGIC)


def drop_ballast(home: Path) -> None:
    """Make room on a full disk, without a key; whatever forgets sets it aside again."""
    (home / BALLAST_FILE).unlink(missing_ok=True)
    sync_folder(home)


def unseal(sealed: bytes, kek: bytes) -> KeyState | None:
    """Return the keys, or None when these bytes were not sealed under this KEK."""
    nonce, rest = sealed[len(_MAGIC) :][:_NONCE_BYTES], sealed[len(_MAGIC) + _NONCE_BYTES :]
    if not sealed.startswith(_MAGIC) or len(nonce) != _NONCE_BYTES:
        return None
    try:
        return parse_state(AESGCM(kek).decrypt(nonce, rest, _MAGIC))
    except (InvalidTag, ValueError):
        return None


class VaultKeys:
    """The keys of one vault on this disk; other processes' changes are noticed.

    Args:
        home: the vault's folder.
        keystore: holds the KEK.
        lock: the vault's lock.
    """

    def __init__(self, home: Path, keystore: Keystore, lock: VaultLock) -> None:
        self._home = home
        self._keystore = keystore
        self._lock = lock
        self._seen: Signature | None = None
        self._state: KeyState | None = None

    def create(self, state: KeyState) -> None:
        """Write the first keys of a vault."""
        with self._lock.alone():
            self._swap(state)
            self.restore_ballast()

    def current(self) -> KeyState:
        """Return the keys as they are on the disk now.

        Raises:
            NotFoundError: when there is no vault.
            VaultDamagedError: when the file does not open with the keystore's key.
        """
        with self._lock.shared():
            signature = self._signature()
            whole = not (self._home / NEXT_FILE).exists()
            if self._state is not None and signature == self._seen and whole:
                return self._state
            if whole:
                return self._read(signature)
        with self._lock.alone():
            return self._recover()

    def change(self, step: Callable[[KeyState], KeyState]) -> KeyState:
        """Replace the keys by ``step`` of them under a fresh KEK; returns once that is durable.

        Works on a full disk: the ballast makes room.
        """
        with self._lock.alone():
            before = self._recover()
            after = replace(step(before), generation=before.generation + 1)
            try:
                self._swap(after)
            except DiskFullError:
                self.drop_ballast()
                self._swap(after)
            self.restore_ballast()
            return after

    def drop_ballast(self) -> None:
        """Make room on a full disk."""
        drop_ballast(self._home)

    def restore_ballast(self) -> None:
        """Set room aside again, if there is some."""
        try:
            create_private(self._home / BALLAST_FILE, secrets.token_bytes(BALLAST_BYTES))
        except (FileExistsError, DiskFullError):
            return

    def _swap(self, state: KeyState) -> None:
        kek = secrets.token_bytes(KEK_BYTES)
        following = self._home / NEXT_FILE
        following.unlink(missing_ok=True)
        create_private(following, seal(state, kek))
        sync_folder(self._home)
        self._keystore.replace(kek)
        self._promote()
        self._state, self._seen = state, self._signature()

    def _promote(self) -> None:
        (self._home / NEXT_FILE).replace(self._home / KEYS_FILE)
        sync_folder(self._home)

    def _recover(self) -> KeyState:
        """Read the keys; finish or throw away a change that a crash cut short."""
        following = self._home / NEXT_FILE
        if not following.exists():
            return self._read(self._signature())
        kek = self._keystore.load()
        if unseal(read_private(following), kek) is not None:
            self._promote()
        elif (self._home / KEYS_FILE).exists() and self._open(kek) is not None:
            following.unlink()
        return self._read(self._signature())

    def _open(self, kek: bytes) -> KeyState | None:
        return unseal(read_private(self._home / KEYS_FILE), kek)

    def _read(self, signature: Signature) -> KeyState:
        state = self._open(self._keystore.load())
        if state is None:
            raise VaultDamagedError(
                f"{KEYS_FILE} is damaged, or belongs to another keystore.",
                "An older copy cannot be opened by design; start anew with `deskbound init`.",
            )
        self._state, self._seen = state, signature
        return state

    def _signature(self) -> Signature:
        try:
            found = (self._home / KEYS_FILE).lstat()
        except FileNotFoundError:
            if (self._home / NEXT_FILE).exists():
                return (0, 0, 0)
            raise NotFoundError("There is no vault here.", "Run `deskbound init` first.") from None
        return (found.st_ino, found.st_mtime_ns, found.st_size)
