"""How many rows of which sort each hour holds: so that a search need not read millions of rows.

    tally    hour, token, app, bucket, stream, source  ->  count, first id, last id, spots
    tallied  the last id that is counted there; no later row ever gets an id up to it

Every row is either counted in ``tally`` or has an id above ``tallied``: rows are counted in groups
of ``FOLD_ROWS``, in the transaction that stores the last of them, and the few others are read
themselves. ``spots`` has a bit for each stretch of ids that holds a row, to find a rare one without
reading its hour. What is forgotten is forgotten here in the same transaction (docs/adr/0019).
"""

import functools
import operator
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from deskbound_client.store.cipher import Connection
from deskbound_client.store.selection import Selection

HOUR = 3_600
FOLD_ROWS = 1_024
MOST_AT_ONCE = 16 * FOLD_ROWS
SPOT_ROWS, SPOTS = 2_048, 62  # ids of one spot; spots of a word, then they repeat

TALLY_SCHEMA: tuple[str, ...] = (
    """
    CREATE TABLE tally (
        hour INTEGER NOT NULL,
        token INTEGER NOT NULL,
        app INTEGER NOT NULL,
        bucket INTEGER NOT NULL,
        stream INTEGER NOT NULL,
        source INTEGER NOT NULL,
        count INTEGER NOT NULL CHECK (count > 0),
        first INTEGER NOT NULL,
        last INTEGER NOT NULL,
        spots INTEGER NOT NULL,
        PRIMARY KEY (hour, token, app, bucket, stream, source)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE TABLE tallied (id INTEGER NOT NULL) STRICT",
    "INSERT INTO tallied VALUES (0)",
    "CREATE INDEX thumbs_by_time ON thumbs (at, app, source)",
)

# A row as a group of its own.
_SINGLE = f"""
    SELECT at / {HOUR} AS hour, token, app, bucket, stream, source,
        1 AS count, id AS first, id AS last, 1 << (id / {SPOT_ROWS} % {SPOTS}) AS spots
    FROM actions
"""  # noqa: S608 - all ours
# Distinct powers of two add up to their bitwise or.
_ADD = """
    INSERT INTO tally
    SELECT hour, token, app, bucket, stream, source,
        count(*), min(first), max(last), sum(DISTINCT spots)
    FROM ({rows}) WHERE true GROUP BY 1, 2, 3, 4, 5, 6
    ON CONFLICT DO UPDATE SET count = count + excluded.count, first = min(first, excluded.first),
        last = max(last, excluded.last), spots = spots | excluded.spots
"""


def _groups(where: str) -> str:
    """Return the groups to select from: one statement, so that it sees one moment."""
    rest = f"{_SINGLE} WHERE id > (SELECT id FROM tallied)"  # noqa: S608 - all ours
    return (
        f"(SELECT * FROM tally WHERE {where}"  # noqa: S608 - all ours
        f" UNION ALL SELECT * FROM ({rest}) WHERE {where})"
    )


@dataclass(frozen=True, slots=True)
class Stretch:
    """Where the rows of one sort lie within one hour.

    Attributes:
        hour: number of the hour since 1970.
        count: how many there are.
        first, last: their first and last id.
        spots: a bit for each stretch of ids that holds one.
    """

    hour: int
    count: int
    first: int
    last: int
    spots: int


class Tally:
    """The tally of one day file.

    Args:
        connection: of the file.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._run = connection.execute

    def _ends(self) -> tuple[int, int]:
        """Return the last id there is, and the last one that is counted."""
        sql = "SELECT (SELECT max(id) FROM actions), (SELECT id FROM tallied)"
        last, counted = self._run(sql)[0]
        return int(last or 0), int(counted)

    @property
    def behind(self) -> bool:
        """Whether there are rows that are not counted yet."""
        last, counted = self._ends()
        return last > counted

    def next_id(self) -> int | None:
        """Return the id that the next row must be given, or None when the database may choose.

        An id that was counted once is never given again, or its row would not be counted.
        """
        last, counted = self._ends()
        return counted + 1 if last < counted else None

    def fold(self, *, least: int = 1) -> bool:
        """Count rows that are not counted yet, if there are so many; in a transaction.

        Returns:
            Whether it did.
        """
        last, counted = self._ends()
        if last - counted < max(least, 1):
            return False
        last = min(last, counted + MOST_AT_ONCE)
        self._count(f"id > {counted:d} AND id <= {last:d}")
        self._run("UPDATE tallied SET id = ?", (last,))
        return True

    def _count(self, where: str) -> None:
        self._run(_ADD.format(rows=f"{_SINGLE} WHERE {where}"))

    def reset(self) -> None:
        """Count nothing any more: all rows are read themselves until they are counted anew."""
        self._run("DELETE FROM tally")
        self._run("UPDATE tallied SET id = 0")

    def span(self, wanted: Selection) -> tuple[int, int]:
        """Return the first and last id that the gestures of a selection can have."""
        if wanted.scope == "rows":
            return min(wanted.actions, default=1), max(wanted.actions, default=0)
        groups = _groups(f"{wanted.groups()} AND {_hours(wanted)}")
        first, last = self._run(f"SELECT min(first), max(last) FROM {groups}")[0]  # noqa: S608
        return (1, 0) if first is None else (int(first), int(last))

    # --- forgetting -----------------------------------------------------------------------

    def forget(self, wanted: Selection) -> list[tuple[int, int, int]]:
        """Drop what a selection touches, before its rows go; in their transaction.

        Returns:
            The hours to count again once they are gone, with their first and last id.
        """
        while self.fold():
            pass
        again = self._again(wanted)
        hours = ",".join(f"{hour:d}" for hour, _, _ in again)
        self._run(f"DELETE FROM tally WHERE hour IN ({hours})")  # noqa: S608 - numbers
        self._run(f"DELETE FROM tally WHERE {wanted.groups()} AND {_hours(wanted)}")  # noqa: S608
        return again

    def _again(self, wanted: Selection) -> list[tuple[int, int, int]]:
        """Return the hours of which a part stays or changes, with their first and last id."""
        if wanted.scope == "rows":
            ids = ",".join(f"{each:d}" for each in wanted.actions)
            some = f"hour IN (SELECT at / {HOUR} FROM actions WHERE id IN ({ids}))"  # noqa: S608
        elif wanted.blank == "app":
            some = _hours(wanted)
        else:
            parts = [wanted.start] if wanted.start % HOUR else []
            parts += [wanted.end] if (wanted.end + 1) % HOUR else []
            some = f"hour IN ({','.join(f'{part // HOUR:d}' for part in parts)})"
        rows = self._run(
            f"SELECT hour, min(first), max(last) FROM tally WHERE {some} GROUP BY hour"  # noqa: S608
        )
        return [(int(hour), int(first), int(last)) for hour, first, last in rows]

    def count_again(self, hours: list[tuple[int, int, int]]) -> None:
        """Count the rows that stay of these hours."""
        for hour, first, last in hours:
            start = hour * HOUR
            within = f"at BETWEEN {start:d} AND {start + HOUR - 1:d}"
            self._count(f"id BETWEEN {first:d} AND {last:d} AND {within}")

    def renew(self) -> None:
        """Write the tally anew into empty pages: adding groups moves others and leaves copies."""
        rows = self._run("SELECT * FROM tally")
        self._run("DELETE FROM tally")  # all pages at once, overwritten
        self._connection.execute_many(
            "INSERT INTO tally VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows
        )

    # --- searching ------------------------------------------------------------------------

    def by(self, column: str, where: str) -> dict[int, int]:
        """Return how many rows of certain groups there are, by one column."""
        sql = f"SELECT {column}, sum(count) FROM {_groups(where)} GROUP BY 1"  # noqa: S608 - ours
        return {int(value): int(count) for value, count in self._run(sql)}

    def total(self, where: str) -> int:
        """Return how many rows of certain groups there are."""
        sql = f"SELECT coalesce(sum(count), 0) FROM {_groups(where)}"  # noqa: S608 - ours
        return int(self._run(sql)[0][0])

    def by_each(self, columns: Sequence[str], where: str) -> list[dict[int, int]]:
        """Return how many rows of certain groups there are, by each of some columns.

        The groups are read once: that is faster than once for each column, and of one moment.
        """
        sql = f"SELECT {', '.join(columns)}, count FROM {_groups(where)}"  # noqa: S608 - ours
        rows = self._run(sql)
        if not rows:
            return [{} for _ in columns]
        *values, counts = zip(*rows, strict=True)
        return [_summed(each, counts) for each in values]

    def stretches(self, where: str) -> Iterator[Stretch]:
        """Yield where the rows of certain groups lie, latest hour first."""
        for hour in sorted(self.by("hour", where), reverse=True):
            groups = _groups(f"hour = {hour:d} AND {where}")
            rows = self._run(f"SELECT count, first, last, spots FROM {groups}")  # noqa: S608
            if rows:  # unless they were forgotten meanwhile
                counts, firsts, lasts, bits = zip(*rows, strict=True)
                spots = functools.reduce(operator.or_, bits)
                yield Stretch(hour, sum(counts), min(firsts), max(lasts), spots)


def _summed(values: Sequence[int], counts: Sequence[int]) -> dict[int, int]:
    found = defaultdict[int, int](int)
    for value, count in zip(values, counts, strict=True):
        found[value] += count
    return dict(sorted(found.items()))


def _hours(wanted: Selection) -> str:
    return f"hour BETWEEN {wanted.start // HOUR:d} AND {wanted.end // HOUR:d}"
