"""Encrypted databases, or none at all: the only file that imports sqlcipher3.

SQLCipher has sharp edges, each of which once cost somebody their data (docs/store-format.md):

* a key that was forgotten creates a *plain* database without a word: every open looks at the
  first bytes of the file, and a new file is encrypted before it gets its name;
* ``PRAGMA key`` answers "ok" to any key: every open reads a page;
* a pragma before the key breaks the open, and ``temp_store`` may spill plain text: the order and
  the answers of all pragmas are fixed here;
* its errors are not the standard library's and may name what was stored: they become ours.
"""

import contextlib
import os
import re
import secrets
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlcipher3 import dbapi2 as sqlcipher

from deskbound_client.store.files import (
    check_private,
    create_private,
    disk_full,
    sync_folder,
    unlink_database,
)
from deskbound_strategies.errors import (
    BusyError,
    DeskboundError,
    NotFoundError,
    PermissionsError,
    VaultDamagedError,
)

KEY_BYTES = 32
PAGE_BYTES = 4096
BUSY_MILLISECONDS = 10_000
_PLAIN_HEADER = b"SQLite format 3\x00"

# What each connection sets after its key, and the answer that shows it took effect.
_PRAGMAS = (
    ("temp_store=MEMORY", "temp_store", 2),
    ("journal_mode=WAL", "journal_mode", "wal"),
    ("synchronous=FULL", "synchronous", 2),
    # A short journal: what it holds must fit into the ballast when a full disk is tidied up.
    ("wal_autocheckpoint=128", "wal_autocheckpoint", 128),
    ("secure_delete=ON", "secure_delete", 1),
    ("trusted_schema=OFF", "trusted_schema", 0),
    ("cell_size_check=ON", "cell_size_check", 1),
)

Row = tuple[Any, ...]


class Connection:
    """One encrypted database, for any thread of this process; made by ``open_database``.

    Statements of several threads take turns. A transaction keeps the others out until it ends.
    """

    def __init__(self, path: Path, raw: Any) -> None:
        self.path = path
        self._raw = raw
        self._turn = threading.RLock()
        self._depth = 0
        self._open = True

    def execute(self, sql: str, params: Sequence[object] = ()) -> list[Row]:
        """Run one statement and return all its rows."""
        with self._turn, translated(self.path):
            self._insist_open()
            return list(self._raw.execute(sql, tuple(params)))

    def execute_many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Run one statement for each row, in the present transaction or in one of its own."""
        with self._turn:
            alone = self.transaction() if self._depth == 0 else contextlib.nullcontext()
            with alone, translated(self.path):
                self._raw.executemany(sql, rows)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what happens inside, on the disk before this returns, or none of it.

        A transaction inside another becomes part of it: an error undoes the inner one alone when
        it is caught in between, and everything when it is not.

        Raises:
            DiskFullError: when there is no room; earlier commits are intact.
            BusyError: when another process keeps the database longer than ten seconds.
        """
        with self._turn:
            self._insist_open()
            name = f"level_{self._depth}"
            self._statement("BEGIN IMMEDIATE" if self._depth == 0 else f"SAVEPOINT {name}")
            self._depth += 1
            try:
                yield
                self._statement("COMMIT" if self._depth == 1 else f"RELEASE {name}")
            except BaseException:
                self._undo(name)
                raise
            finally:
                self._depth -= 1

    def _statement(self, sql: str) -> None:
        with translated(self.path):
            self._raw.execute(sql)

    def _undo(self, name: str) -> None:
        if not self._raw.in_transaction:  # SQLite has undone it by itself: no room, say
            return
        with contextlib.suppress(sqlcipher.Error):
            if self._depth == 1:
                self._raw.execute("ROLLBACK")
            else:
                self._raw.execute(f"ROLLBACK TO {name}")
                self._raw.execute(f"RELEASE {name}")

    def empty_journal(self) -> bool:
        """Move the journal into the database and cut it to nothing; False if a reader is in it."""
        busy, _, _ = self.execute("PRAGMA wal_checkpoint(TRUNCATE)")[0]
        return not busy

    def damaged_pages(self) -> list[str]:
        """Return SQLCipher's and SQLite's complaints about this file; empty when it is sound."""
        found = [str(row[0]) for row in self.execute("PRAGMA cipher_integrity_check")]
        if not found:
            found = [str(row[0]) for row in self.execute("PRAGMA quick_check")]
        return [] if found == ["ok"] else found

    def close(self) -> None:
        """Close the database; the last one to close empties its journal."""
        with self._turn, translated(self.path):
            self._open = False
            self._raw.close()

    def _insist_open(self) -> None:
        if not self._open:
            raise NotFoundError(
                f"{self.path.name} was closed or forgotten meanwhile.", "Ask for the day again."
            )


def open_database(path: Path, key: bytes, *, create: bool = False) -> Connection:
    """Open an encrypted database, having checked everything that can be checked.

    Args:
        path: the database.
        key: 32 raw bytes.
        create: make it when it is missing; a file of that name is opened, never overwritten.

    Raises:
        NotFoundError: when it is missing and ``create`` is not given.
        PermissionsError: when others could read it.
        VaultDamagedError: when it is plain, truncated, tampered with, or under another key.
        DiskFullError: when there is no room to make it.
    """
    if len(key) != KEY_BYTES:
        raise ValueError("a database key has 32 bytes")
    if create and not path.exists() and not path.is_symlink():
        _create(path, key)
    _check_file(path)
    return _connect(path, key)


def _create(path: Path, key: bytes) -> None:
    """Make an encrypted, empty database under another name, then give it its own."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}.draft")
    try:
        create_private(draft, b"")
        _connect(draft, key).close()
        _check_file(draft)
        with contextlib.suppress(FileExistsError):  # another process was faster: theirs counts
            os.link(draft, path)
    finally:
        unlink_database(draft)
    sync_folder(path.parent)


def _check_file(path: Path) -> None:
    check_private(path)
    for suffix in ("-wal", "-shm"):
        with contextlib.suppress(NotFoundError):
            check_private(path.with_name(path.name + suffix))
    with path.open("rb") as stream:
        header = stream.read(len(_PLAIN_HEADER))
        size = os.fstat(stream.fileno()).st_size
    if header == _PLAIN_HEADER:
        raise VaultDamagedError(
            f"{path.name} is not encrypted.",
            "Move it out of the vault: Deskbound has not written it and will not write to it.",
        )
    # SQLite rounds a torn last page up and passes over it; only a journal can still mend one.
    if len(header) < len(_PLAIN_HEADER) or (size % PAGE_BYTES and not _has_journal(path)):
        raise VaultDamagedError(f"{path.name} was cut short.", _mend(path))


def _has_journal(path: Path) -> bool:
    journal = path.with_name(path.name + "-wal")
    return journal.exists() and journal.stat().st_size > 0


def _connect(path: Path, key: bytes) -> Connection:
    with translated(path):
        raw = sqlcipher.connect(str(path), isolation_level=None, check_same_thread=False, timeout=0)
    try:
        _set_up(path, raw, key)
    except BaseException:
        raw.close()
        raise
    return Connection(path, raw)


def _set_up(path: Path, raw: Any, key: bytes) -> None:
    with translated(path):
        raw.execute(f"PRAGMA key=\"x'{key.hex()}'\"")
        raw.execute("PRAGMA cipher_log_level=NONE")  # it would name pages on stderr
        raw.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS:d}")
        raw.execute("SELECT count(*) FROM sqlite_master").fetchone()
        for setting, name, expected in _PRAGMAS:
            raw.execute(f"PRAGMA {setting}").fetchall()
            if raw.execute(f"PRAGMA {name}").fetchone()[0] != expected:
                raise VaultDamagedError(f"{path.name} does not accept {setting}.", _mend(path))
        if raw.execute("PRAGMA cipher_status").fetchone() != ("1",):
            raise VaultDamagedError(f"{path.name} is not encrypted.", _mend(path))


def library_versions() -> dict[str, str]:
    """Return the versions of SQLCipher and of the OpenSSL inside it."""
    memory = sqlcipher.connect(":memory:")
    try:
        memory.execute(f"PRAGMA key=\"x'{bytes(KEY_BYTES).hex()}'\"")
        asked = {"SQLCipher": "cipher_version", "OpenSSL": "cipher_provider_version"}
        found = {name: memory.execute(f"PRAGMA {of}").fetchone() for name, of in asked.items()}
    finally:
        memory.close()
    numbers = {name: re.search(r"\d+(\.\d+)+", str(row)) for name, row in found.items()}
    return {name: number[0] if number else "" for name, number in numbers.items()}


@contextlib.contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn SQLCipher's errors about ``path`` into ours; their text never gets out."""
    try:
        yield
    except sqlcipher.Error as error:
        mapped = _ours(path, getattr(error, "sqlite_errorcode", 0) & 0xFF)
        if mapped is None:
            raise  # a mistake of ours in SQL: it names tables and columns, never values
        raise mapped from None


def _ours(path: Path, code: int) -> DeskboundError | None:
    if code in (sqlcipher.SQLITE_NOTADB, sqlcipher.SQLITE_CORRUPT):
        return VaultDamagedError(
            f"{path.name} is damaged, or was encrypted with another key.", _mend(path)
        )
    if code == sqlcipher.SQLITE_FULL or (code in _WRITING and not _has_room(path)):
        return disk_full(path)
    if code == sqlcipher.SQLITE_IOERR:
        return VaultDamagedError(f"{path.name} cannot be read or written.", _mend(path))
    if code in (sqlcipher.SQLITE_BUSY, sqlcipher.SQLITE_LOCKED):
        return BusyError(
            f"Another Deskbound process is writing to {path.name}.",
            "Wait a moment and try again, or run `deskbound stop`.",
        )
    if code in (sqlcipher.SQLITE_READONLY, sqlcipher.SQLITE_PERM, sqlcipher.SQLITE_CANTOPEN):
        return PermissionsError(
            f"{path.name} cannot be opened for writing.", f"Run `chmod 600 {path}`."
        )
    return None


_WRITING = frozenset({sqlcipher.SQLITE_IOERR, sqlcipher.SQLITE_CANTOPEN})


def _has_room(path: Path) -> bool:
    """Tell a full disk from a broken one, since SQLite says "I/O error" to both."""
    probe = path.with_name(f"{path.name}.{secrets.token_hex(4)}.draft")
    try:
        create_private(probe, b"\0" * PAGE_BYTES)
    except (DeskboundError, OSError):
        return False
    probe.unlink(missing_ok=True)
    return True


def _mend(path: Path) -> str:
    if path.parent.name == "days":
        return "The other days are not affected; `deskbound forget` with this day removes it."
    return "Restore it from a backup, or start anew with `deskbound init` in another folder."
