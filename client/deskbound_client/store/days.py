"""A day file: what happened on one day, in the published vocabulary and whole seconds.

Rows keep the order in which they happened (``id``), whatever the wall clock did meanwhile. Finer
times are never stored: the rhythm of a keyboard identifies who sits at it (docs/adr/0002).
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress

from deskbound_client.store.cipher import Connection, Row
from deskbound_client.store.migrations import DAY_STEPS, migrate
from deskbound_client.store.rows import (
    GAP_CAUSES,
    Counts,
    Stored,
    StoredAction,
    StoredGap,
    StoredThumb,
)
from deskbound_client.store.selection import Selection
from deskbound_client.store.tally import FOLD_ROWS, HOUR, Tally
from deskbound_strategies.errors import BusyError, DiskFullError

__all__ = ["Counts", "DayFile", "Stored", "StoredAction", "StoredGap", "StoredThumb"]

_PAGE_ROWS = 4_096
_BATCH_ROWS = 500


class DayFile:
    """The rows of one day; made by ``Vault.day``.

    Args:
        connection: its encrypted database.
    """

    def __init__(self, connection: Connection) -> None:
        migrate(connection, DAY_STEPS)
        self.connection = connection
        self.tally = Tally(connection)
        self._boots: dict[int, int] = {}

    def append(
        self,
        actions: Sequence[StoredAction],
        thumbs: Sequence[StoredThumb] = (),
        gaps: Sequence[StoredGap] = (),
        *,
        still_wanted: Callable[[], bool] = lambda: True,
    ) -> bool:
        """Store rows in one transaction; they are on the disk when this returns True.

        Args:
            actions: gestures, in the order in which they happened.
            thumbs: pictures of the screen.
            gaps: holes.
            still_wanted: asked last, just before the commit; False undoes everything.

        Returns:
            Whether the rows were stored.

        Raises:
            DiskFullError: when there is no room; nothing of this call is stored.
        """
        try:
            with self.connection.transaction():
                self._insert(actions, thumbs, gaps)
                _insist(still_wanted())
        except _NotWantedError:
            self._boots.clear()  # numbers given inside the undone transaction do not exist
            return False
        except BaseException:
            self._boots.clear()
            raise
        return True

    def _insert(
        self,
        actions: Sequence[StoredAction],
        thumbs: Sequence[StoredThumb],
        gaps: Sequence[StoredGap],
    ) -> None:
        run = self.connection.execute_many
        number = self.tally.next_id() if actions else None  # of the first; the others follow it
        run(
            "INSERT INTO actions"
            " (id, boot, at, mono, token, app, bucket, gap, stream, fx, fy, source)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (None if i else number, self._boot(row.boot), *_values(row))
                for i, row in enumerate(actions)
            ],
        )
        self.tally.fold(least=FOLD_ROWS)
        run(
            "INSERT INTO thumbs (at, mono, boot, app, pixels, source) VALUES (?, ?, ?, ?, ?, ?)",
            [(t.at, t.mono_s, self._boot(t.boot), t.app, t.pixels, t.source) for t in thumbs],
        )
        run(
            "INSERT INTO gaps (started, ended, cause) VALUES (?, ?, ?)",
            [(g.started, g.ended, GAP_CAUSES.index(g.cause)) for g in gaps],
        )
        rows: list[Stored] = [*actions, *thumbs, *gaps]
        times = [row.at for row in rows] + [gap.ended for gap in gaps]
        if times:
            # Whole hours: most commits then leave this row, and its page, alone.
            first, last = min(times) // HOUR * HOUR, -(-max(times) // HOUR) * HOUR
            self.connection.execute(
                "UPDATE extent SET first = min(coalesce(first, ?1), ?1),"
                " last = max(coalesce(last, ?2), ?2)"
                " WHERE first IS NULL OR first > ?1 OR last < ?2",
                (first, last),
            )

    def _boot(self, boot: int) -> int:
        if boot not in self._boots:
            run = self.connection.execute
            run("INSERT OR IGNORE INTO boots (boot) VALUES (?)", (boot,))
            self._boots[boot] = int(run("SELECT number FROM boots WHERE boot = ?", (boot,))[0][0])
        return self._boots[boot]

    def actions(self) -> Iterator[StoredAction]:
        """Yield the gestures in the order in which they happened.

        Rows are read in pages, so a long reader never keeps the journal from being emptied.
        """
        for row in self._pages(
            "SELECT a.id, token, app, gap, at, stream, bucket, fx, fy, mono, b.boot, source"
            " FROM actions AS a JOIN boots AS b ON b.number = a.boot"
        ):
            yield StoredAction(*row[1:])

    def thumbs(self) -> Iterator[StoredThumb]:
        """Yield the pictures in the order in which they were taken."""
        for row in self._pages(
            "SELECT a.id, pixels, app, at, mono, b.boot, source"
            " FROM thumbs AS a JOIN boots AS b ON b.number = a.boot"
        ):
            yield StoredThumb(*row[1:])

    def gaps(self) -> Iterator[StoredGap]:
        """Yield the holes in the order in which they were noticed."""
        for row in self._pages("SELECT id, started, ended, cause FROM gaps AS a"):
            yield StoredGap(row[1], row[2], GAP_CAUSES[row[3]])

    def _pages(self, select: str) -> Iterator[Row]:
        last = -1
        sql = f"{select} WHERE a.id > ? ORDER BY a.id LIMIT {_PAGE_ROWS:d}"
        while page := self.connection.execute(sql, (last,)):
            yield from page
            last = page[-1][0]

    def settle(self) -> None:
        """Count all rows into the tally that are not counted yet.

        Raises:
            DiskFullError: when there is no room; nothing depends on it.
        """
        while self.tally.behind:
            with self.connection.transaction():
                self.tally.fold()

    def counts(self) -> Counts:
        """Return how many rows there are."""
        actions = self.tally.total("1")
        return Counts(actions, self._count("thumbs", "1"), self._count("gaps", "1"))

    def touches(self, start: int, end: int) -> bool:
        """Tell whether any row could lie within ``start``..``end``."""
        first, last = self.connection.execute("SELECT first, last FROM extent")[0]
        return first is not None and first <= end and last >= start

    def matching(self, wanted: Selection) -> Counts:
        """Return how many rows ``delete`` would touch."""
        rows, blanks = self._rows(wanted), wanted.blanked().items()
        if wanted.timeless:  # a search by time alone has to look at the rows
            actions = self.tally.total(wanted.groups())
        else:
            actions = self._count("actions", rows.get("actions"))
        thumbs, gaps = (self._count(table, rows.get(table)) for table in _TABLES[1:])
        blanked = sum(self._count(table, where) for table, (_, where) in blanks)
        return Counts(actions, thumbs, gaps, blanked)

    def _rows(self, wanted: Selection) -> dict[str, str]:
        """Return the conditions of a selection, with the ids among which its gestures lie."""
        found = wanted.deleted()
        if "actions" in found:
            first, last = self.tally.span(wanted)
            found["actions"] += f" AND id BETWEEN {first:d} AND {last:d}"
        return found

    def _count(self, table: str, where: str | None) -> int:
        if where is None:
            return 0
        sql = f"SELECT count(*) FROM {table} WHERE {where}"  # noqa: S608 - all ours
        return int(self.connection.execute(sql)[0][0])

    def apps(self, wanted: Selection | None, most: int) -> list[int]:
        """Return the categories that most gestures of a selection are of, at most so many."""
        if wanted is None or wanted.timeless:
            found = self.tally.by("app", "1" if wanted is None else wanted.groups())
        else:
            where = self._rows(wanted).get("actions", "0")
            sql = f"SELECT app, count(*) FROM actions WHERE {where} GROUP BY app"  # noqa: S608
            found = {int(app): int(count) for app, count in self.connection.execute(sql)}
        return [app for app, _ in Counter(found).most_common(most)]

    def delete(self, wanted: Selection) -> Counts:
        """Delete the rows of a selection; no copy of them is left in any page.

        Raises:
            DiskFullError: when the journal cannot grow; then ``delete_sparingly`` can.
        """
        with self.connection.transaction():
            rows = self._rows(wanted)
            again = self.tally.forget(wanted)
            found = self._step(rows, wanted, None)
            self.tally.count_again(again)
            self.tally.renew()
            if found.thumbs or found.blanked:
                self.connection.execute("REINDEX thumbs_by_time")
        self.scrub()
        return found

    def delete_sparingly(self, wanted: Selection) -> Counts:
        """The same in small steps that reuse a short journal; a crash may leave it half done.

        Copies that moving rows left in other pages stay until there is room to ``scrub``.
        """
        with self.connection.transaction():
            self.tally.reset()
        found = Counts()
        while True:
            with self.connection.transaction():
                step = self._step(wanted.deleted(), wanted, _BATCH_ROWS)
            self.connection.empty_journal()
            found += step
            if step == Counts():
                self.scrub()
                return found

    def scrub(self) -> bool:
        """Write the file anew if copies of forgotten rows may be left in it, and there is room.

        The journal must be emptied afterwards.

        ``secure_delete`` overwrites a row where it lies, not where it lay before deleting others
        moved it. So it is known up to which id rows were ever moved.

        Returns:
            Whether it was written anew.
        """
        if not self.connection.execute("SELECT due FROM moved")[0][0]:
            return False
        with suppress(DiskFullError, BusyError):
            self.connection.execute("VACUUM")
            with self.connection.transaction():
                self.connection.execute(
                    "UPDATE moved SET actions = 0, thumbs = 0, gaps = 0, due = 0"
                )
            return True
        return False

    def _step(self, rows: Mapping[str, str], wanted: Selection, limit: int | None) -> Counts:
        actions, thumbs, gaps = (self._take(name, rows.get(name), limit) for name in _TABLES)
        blanks = wanted.blanked().items()
        blanked = sum(self._blank(name, where, to, limit) for name, (to, where) in blanks)
        return Counts(actions, thumbs, gaps, blanked)

    def _take(self, table: str, where: str | None, limit: int | None) -> int:
        """Overwrite rows, then delete them: what deleting moves about says nothing any more."""
        if where is None:
            return 0
        run, (empty, mark) = self.connection.execute, _EMPTY[table]
        some = _limited(table, where, limit)
        ids = [row[0] for row in run(f"UPDATE {table} SET {empty} WHERE {some} RETURNING id")]  # noqa: S608
        if ids:
            first, last = min(ids), max(ids)
            run(f"DELETE FROM {table} WHERE {mark} AND id BETWEEN {first:d} AND {last:d}")  # noqa: S608
            run(
                f"UPDATE moved SET due = due OR {first:d} <= {table}, {table} ="  # noqa: S608
                f" max({last:d}, {table}, coalesce((SELECT max(id) FROM {table}), 0))"
            )
        return len(ids)

    def _blank(self, table: str, where: str, change: str, limit: int | None) -> int:
        some = _limited(table, where, limit)
        self.connection.execute(f"UPDATE {table} SET {change} WHERE {some}")  # noqa: S608
        count = int(self.connection.execute("SELECT changes()")[0][0])
        if count:  # a row that grew may have moved others
            self.connection.execute("UPDATE moved SET due = 1")
        return count


def _limited(table: str, where: str, limit: int | None) -> str:
    if limit is None:
        return where
    return f"id IN (SELECT id FROM {table} WHERE {where} LIMIT {limit:d})"  # noqa: S608 - ours


def _values(row: StoredAction) -> tuple[int, ...]:
    where = (row.bucket, row.gap, row.stream, row.fx, row.fy)
    return (row.at, row.mono_s, row.token, row.app, *where, row.source)


class _NotWantedError(Exception):
    """Undoes a transaction whose rows must not be stored any more."""


def _insist(wanted: bool) -> None:  # noqa: FBT001 - the answer to one question
    if not wanted:
        raise _NotWantedError


_TABLES = ("actions", "thumbs", "gaps")
# What a row says before it is deleted, never longer than before, and how it is known again.
_EMPTY = {
    "actions": (
        "at = 0, mono = -1, token = 0, app = 0, bucket = 0, gap = 0, stream = 0, fx = 0, fy = 0",
        "mono = -1",
    ),
    "thumbs": ("at = 0, mono = -1, app = 0, pixels = zeroblob(1152), source = 0", "mono = -1"),
    "gaps": ("started = 0, ended = -1, cause = 0", "ended = -1"),
}
