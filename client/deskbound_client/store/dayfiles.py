"""The day files of a vault: which there are, which are open, and which take a row.

Whoever asks for a day gets it under the key it has *now*: what another process has forgotten
meanwhile is closed here at the next question.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

from deskbound_client.store.cipher import open_database
from deskbound_client.store.days import DayFile
from deskbound_client.store.files import unlink_database
from deskbound_client.store.intents import digest_of
from deskbound_client.store.keys import VaultKeys
from deskbound_client.store.keystate import KeyGoneError, KeyState, day_key
from deskbound_client.store.lock import VaultLock
from deskbound_client.store.rows import Stored, StoredAction, StoredGap, StoredThumb
from deskbound_strategies.errors import NotFoundError


def day_of(at: float) -> date:
    """Return the local calendar day of a Unix time."""
    return datetime.fromtimestamp(at, tz=UTC).astimezone().date()


class DayFiles:
    """The folder of day files.

    Args:
        folder: ``days``.
        keys: the vault's keys.
        lock: the vault's lock; its turn also orders the threads here.
    """

    def __init__(self, folder: Path, keys: VaultKeys, lock: VaultLock) -> None:
        self._folder = folder
        self._keys = keys
        self._lock = lock
        self._open: dict[date, tuple[bytes, DayFile]] = {}
        self._derived: dict[date, bytes | None] = {}
        self._derived_from: KeyState | None = None

    def dates(self) -> list[date]:
        """Return the days that have a file, oldest first."""
        found = []
        for path in self._folder.glob("????-??-??.db"):
            try:
                found.append(date.fromisoformat(path.stem))
            except ValueError:
                continue
        return sorted(found)

    def path(self, day: date) -> Path:
        """Return where a day's file lies."""
        return self._folder / f"{day.isoformat()}.db"

    def open(self, day: date, *, create: bool = False) -> DayFile:
        """Open a day file; see ``Vault.day``."""
        with self._lock.turn:
            key = self._key(day)
            if key is None:
                raise NotFoundError(
                    f"The key of {day} is destroyed.",
                    "It went when this day or a later one was forgotten or retired; nothing "
                    "can bring it back.",
                )
            self._close_outdated()
            if day in self._open:
                return self._open[day][1]
            path = self.path(day)
            if not create and not path.exists():
                raise NotFoundError(f"Nothing is stored for {day}.", "Run `deskbound show`.")
            connection = open_database(path, key, create=create)
            try:
                opened = DayFile(connection)
            except BaseException:
                connection.close()
                raise
            self._open[day] = key, opened
            return opened

    def _key(self, day: date) -> bytes | None:
        """Return the key a day has now, or None when it was destroyed.

        Turning the ratchet for every commit would cost more than the commit: what was derived is
        kept until the keys change.
        """
        state = self._keys.current()
        if state is not self._derived_from:
            self._derived_from, self._derived = state, {}
        if day not in self._derived:
            try:
                self._derived[day] = day_key(state, day.toordinal())
            except KeyGoneError:
                self._derived[day] = None
        return self._derived[day]

    def writing_day(self, day: date) -> date:
        """Return the day whose file takes rows of ``day``.

        A clock set back to a forgotten day does not bring that day back: its rows go to the
        newest day there is.
        """
        if self._key(day) is not None:
            return day
        state = self._keys.current()
        known = [*self.dates(), *(date.fromordinal(number) for number in state.single)]
        return max(known, default=date.fromordinal(state.base))

    def digest(self, day: date) -> str:
        """Return what tells whether a day has the key it has now; see ``intents.py``."""
        with self._lock.turn:
            return digest_of(self._key(day))

    @contextmanager
    def committing(self) -> Iterator[None]:
        """Hold the lock together with other writers; nobody forgets meanwhile."""
        self._keys.current()  # finishes a key change that a crash cut short, while we may
        with self._lock.shared():
            yield

    def append(self, rows: Iterable[Stored], still_wanted: Callable[[], bool]) -> int:
        """Store rows in the files of their days; see ``Vault.append``."""
        stored = 0
        with self.committing():
            groups: dict[date, list[Stored]] = {}
            for row in rows:
                groups.setdefault(day_of(row.at), []).append(row)
            for day, group in groups.items():
                file = self.open(self.writing_day(day), create=True)
                if _store(file, group, still_wanted):
                    stored += len(group)
        return stored

    def _close_outdated(self) -> None:
        """Close day files that were forgotten or given a new key meanwhile, here or elsewhere."""
        for day, (key, _) in list(self._open.items()):
            if self._key(day) != key or not self.path(day).exists():
                self.let_go(day)

    def let_go(self, day: date) -> None:
        """Close a day file if it is open."""
        with self._lock.turn:
            if day in self._open:
                self._open.pop(day)[1].connection.close()

    def close(self) -> None:
        """Close all day files."""
        for day in list(self._open):
            self.let_go(day)

    def sweep(self) -> None:
        """Remove what a crash left behind: files of days whose keys are gone, and drafts."""
        with self._lock.alone():
            for day in self.dates():
                if self._key(day) is None:
                    unlink_database(self.path(day))
            for draft in self._folder.glob("*.draft*"):
                draft.unlink(missing_ok=True)


def _store(file: DayFile, rows: list[Stored], still_wanted: Callable[[], bool]) -> bool:
    return file.append(
        [row for row in rows if isinstance(row, StoredAction)],
        [row for row in rows if isinstance(row, StoredThumb)],
        [row for row in rows if isinstance(row, StoredGap)],
        still_wanted=still_wanted,
    )
