"""The vault: one folder that holds all that Deskbound knows about a person, encrypted.

    home/
      keystore.json vault.keys [root.sealed]   which keystore; all keys, sealed
      vault.db                                 settings, consents, budget, ledger
      days/2026-11-20.db                       one day of activity, under its own key
      vault.lock vault.ballast                 one lock; room to forget on a full disk

Several processes may open it: capture writes, learning reads, the command forgets. Each notices
when another has changed the keys, and closes what it should no longer be able to read.
"""

import hmac
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deskbound_client.store.cipher import Connection, open_database
from deskbound_client.store.dayfiles import DayFiles, day_of
from deskbound_client.store.days import DayFile
from deskbound_client.store.files import check_private, make_private_folder
from deskbound_client.store.intents import Intents
from deskbound_client.store.keys import KEYS_FILE, VaultKeys
from deskbound_client.store.keystate import new_state
from deskbound_client.store.keystore import Keystore
from deskbound_client.store.lock import VaultLock
from deskbound_client.store.migrations import VAULT_STEPS, migrate
from deskbound_client.store.retention import (
    RETENTION_DAYS,
    SIZE_CAP_BYTES,
    ForgetHook,
    ForgetReceipt,
    Retention,
    RetireHook,
)
from deskbound_client.store.rows import Stored
from deskbound_client.store.selection import Selection
from deskbound_client.store.settings import Settings
from deskbound_strategies.errors import ConfigError, NotFoundError, VaultDamagedError

__all__ = ["ForgetReceipt", "Vault", "day_of"]

VAULT_FILE, LOCK_FILE, DAYS_FOLDER = "vault.db", "vault.lock", "days"
DAYS_BEFORE_BIRTH = 60  # activity this old may still be filled in when a vault is made
BUCKETS = 1 << 16


class Vault:
    """An open vault; make one with ``Vault.create`` or ``Vault.open``.

    Attributes:
        home: its folder.
        database: ``vault.db``, for settings, consents, budget and ledger.
        settings: what the employee has set.
        lock: held shared while rows are committed, alone while keys change.
    """

    def __init__(self, home: Path, keys: VaultKeys, lock: VaultLock) -> None:
        self.home = home
        self.lock = lock
        self._keys = keys
        self._files = DayFiles(home / DAYS_FOLDER, keys, lock)
        self.database: Connection = open_database(home / VAULT_FILE, keys.current().vault_key)
        migrate(self.database, VAULT_STEPS)
        self.settings = Settings(self.database)
        self._intents = Intents(self.database)
        self._retention = Retention(self._files, keys, lock, self._intents)

    @classmethod
    def create(cls, home: Path, keystore: Keystore, *, today: date | None = None) -> "Vault":
        """Make a vault in a folder that has none.

        Args:
            home: its folder, made with mode 0700 when missing.
            keystore: keeps the outermost key.
            today: the day it is made, for tests and demonstrations.

        Raises:
            ConfigError: when there is a vault already.
            PermissionsError: when others may enter the folder.
        """
        make_private_folder(home)
        make_private_folder(home / DAYS_FOLDER)
        if (home / VAULT_FILE).exists():
            raise ConfigError(
                f"There is a vault in {home} already.",
                "Use it, or choose another folder with --home.",
            )
        lock = VaultLock(home / LOCK_FILE)
        keys = VaultKeys(home, keystore, lock)
        born = today or datetime.now(tz=UTC).astimezone().date()
        state = new_state(born.toordinal() - DAYS_BEFORE_BIRTH)
        keys.create(state)
        open_database(home / VAULT_FILE, state.vault_key, create=True).close()
        return cls(home, keys, lock)

    @classmethod
    def open(cls, home: Path, keystore: Keystore) -> "Vault":
        """Open the vault of a folder after checking everything that can be checked.

        Raises:
            NotFoundError: when there is none.
            PermissionsError: when others could read it.
            WrongPassphraseError: when the passphrase is not the right one.
            KeystoreError: when the keystore does not answer.
            VaultDamagedError: when a file of it is not what we wrote.
        """
        if not (home / KEYS_FILE).exists() and not (home / VAULT_FILE).exists():
            raise NotFoundError(f"There is no vault in {home}.", "Run `deskbound init` first.")
        check_private(home)
        check_private(home / DAYS_FOLDER)
        lock = VaultLock(home / LOCK_FILE)
        keys = VaultKeys(home, keystore, lock)
        keys.current()
        if not (home / VAULT_FILE).exists():
            raise VaultDamagedError(
                f"{VAULT_FILE} is missing.", "Restore it, or start anew with `deskbound init`."
            )
        vault = cls(home, keys, lock)
        vault._files.sweep()
        return vault

    # --- days -----------------------------------------------------------------------------

    def days(self) -> list[date]:
        """Return the days that have a file, oldest first."""
        return self._files.dates()

    def day_path(self, day: date) -> Path:
        """Return where a day's file lies."""
        return self._files.path(day)

    def day(self, day: date, *, create: bool = False) -> DayFile:
        """Open a day file.

        Args:
            day: its date.
            create: make it when it is missing.

        Raises:
            NotFoundError: when there is none, or it was forgotten.
            VaultDamagedError: when it is damaged; other days are not affected.
        """
        return self._files.open(day, create=create)

    def append(
        self, rows: Iterable[Stored], *, still_wanted: Callable[[], bool] = lambda: True
    ) -> int:
        """Store rows in the files of their days; what is counted is on the disk.

        Rows of a day whose key was destroyed (a clock set back) go to the newest day.

        Args:
            rows: gestures, pictures and holes in the order in which they happened.
            still_wanted: asked just before each day's commit; False stores nothing of that day.

        Returns:
            How many rows were stored.

        Raises:
            DiskFullError: when there is no room; days already committed stay.
        """
        return self._files.append(rows, still_wanted)

    def committing(self) -> AbstractContextManager[None]:
        """Hold the vault's lock together with other writers; nobody forgets meanwhile."""
        return self._files.committing()

    # --- forgetting -----------------------------------------------------------------------

    def forget(self, wanted: Selection, noted: ForgetHook | None = None) -> ForgetReceipt:
        """Delete the rows of a selection; the receipt names the days that could not be read.

        What capture has not committed yet is not here to be forgotten: bump the control word
        first (``Control.bump``), so that it is dropped.

        Args:
            wanted: which rows.
            noted: told when all is done, to write the ledger.

        Raises:
            BusyError: when another process reads so long that its journal cannot be emptied.
        """
        return self._retention.forget(wanted, noted)

    def forget_range(self, start: int, end: int, noted: ForgetHook | None = None) -> ForgetReceipt:
        """Delete every row that touches ``start``..``end`` (Unix seconds, both included)."""
        return self.forget(Selection("range", start, end), noted)

    def forget_day(self, day: date, noted: ForgetHook | None = None) -> ForgetReceipt:
        """Destroy a day: its key first of all. Works on a full disk and on a damaged file."""
        return self._retention.forget_day(day, noted)

    def forget_all(self, noted: ForgetHook | None = None) -> ForgetReceipt:
        """Destroy all days; settings, consents, budget and ledger stay."""
        return self._retention.forget_all(noted)

    def retire(
        self,
        now: float,
        *,
        keep_days: int = RETENTION_DAYS,
        cap_bytes: int = SIZE_CAP_BYTES,
        noted: RetireHook | None = None,
        by_age: bool = True,
    ) -> list[date]:
        """Destroy days older than the retention, then the oldest while all are over the cap.

        Args:
            now: Unix time.
            keep_days: how many days stay, today included.
            cap_bytes: how much room all days together may take; today always stays.
            noted: told of each day that is gone, and why.
            by_age: False while the clock is doubted: then only the size counts.

        Returns:
            The days that are gone.
        """
        return self._retention.retire(now, keep_days, cap_bytes, noted, by_age=by_age)

    @property
    def unfinished(self) -> bool:
        """Whether something was begun to be forgotten, by a living process or one that died."""
        return self._intents.any()

    def finish(self, noted: ForgetHook, retired: RetireHook) -> int:
        """Finish what processes have left that died while they forgot.

        Args:
            noted: told of what the employee had asked for.
            retired: told of each day that retired, and why.

        Returns:
            How many deeds were finished.
        """
        return self._retention.finish(noted, retired)

    # --- identity -------------------------------------------------------------------------

    def signing_key(self) -> Ed25519PrivateKey:
        """Return the device's key, which signs ledger and consent receipts."""
        return Ed25519PrivateKey.from_private_bytes(self._keys.current().device_seed)

    def app_bucket(self, name: str) -> int:
        """Return the local number (1..65536) of an application whose name must not be kept."""
        salt = self._keys.current().bucket_salt
        return 1 + int.from_bytes(hmac.digest(salt, name.encode(), "sha256")[:8]) % BUCKETS

    def damage(self) -> Mapping[str, list[str]]:
        """Check every file page by page; return what is wrong, by file name."""
        found: dict[str, list[str]] = {}
        if pages := self.database.damaged_pages():
            found[VAULT_FILE] = pages
        for day in self.days():
            try:
                pages = self.day(day).connection.damaged_pages()
            except (VaultDamagedError, NotFoundError) as error:
                pages = [error.sentence]
            if pages:
                found[self.day_path(day).name] = pages
        return found

    def close(self) -> None:
        """Close all files."""
        self._files.close()
        self.database.close()
        self.lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
