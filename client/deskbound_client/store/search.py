"""Finding rows of a day file, newest first, by conditions on the columns of the tally.

The tally says in which hours the rows lie, how many to skip, and in which stretches of ids; only
those are read. Conditions are made of integers by ``employee/stored.py``.
"""

from collections.abc import Iterator

from deskbound_client.store.days import DayFile
from deskbound_client.store.rows import StoredAction, StoredThumb
from deskbound_client.store.tally import HOUR, SPOT_ROWS, SPOTS, Stretch

_ACTIONS = (
    f"SELECT a.id, token, app, gap, at, stream, bucket, fx, fy, mono, b.boot, source,"  # noqa: S608
    f" at / {HOUR} AS hour FROM actions AS a JOIN boots AS b ON b.number = a.boot"
)
_COUNT = f"SELECT count(*), at / {HOUR} AS hour FROM actions AS a"  # noqa: S608 - all ours
_THUMBS = (
    "SELECT a.id, pixels, app, at, mono, b.boot, source"
    " FROM thumbs AS a JOIN boots AS b ON b.number = a.boot"
)


def newest_actions(file: DayFile, where: str, skip: int) -> Iterator[tuple[int, StoredAction]]:
    """Yield gestures with their ids: the latest hour first, within it the newest first.

    Args:
        file: of one day.
        where: which groups of the tally.
        skip: how many of them to pass over.
    """
    for stretch in file.tally.stretches(where):
        if skip >= stretch.count:
            skip -= stretch.count
            continue
        yield from _of_hour(file, where, stretch, skip)
        skip = 0


def _of_hour(
    file: DayFile, where: str, stretch: Stretch, skip: int
) -> Iterator[tuple[int, StoredAction]]:
    start = stretch.hour * HOUR
    within = f"at BETWEEN {start:d} AND {start + HOUR - 1:d}"
    for spot in range(stretch.last // SPOT_ROWS, stretch.first // SPOT_ROWS - 1, -1):
        if not stretch.spots >> spot % SPOTS & 1:
            continue
        first = max(spot * SPOT_ROWS, stretch.first)
        last = min((spot + 1) * SPOT_ROWS - 1, stretch.last)
        fits = f"a.id BETWEEN {first:d} AND {last:d} AND {within} AND {where}"
        if skip:  # whole spots are passed over by counting: nothing is made of their rows
            count = file.connection.execute(f"{_COUNT} WHERE {fits}")[0][0]
            if skip >= count:
                skip -= count
                continue
        rows = file.connection.execute(f"{_ACTIONS} WHERE {fits} ORDER BY a.id DESC")
        for row in rows[skip:]:
            yield int(row[0]), StoredAction(*row[1:-1])
        skip = 0


def action_numbered(file: DayFile, number: int) -> StoredAction | None:
    """Return one gesture, if it is still there."""
    rows = file.connection.execute(f"{_ACTIONS} WHERE a.id = ?", (number,))
    return StoredAction(*rows[0][1:-1]) if rows else None


def newest_thumbs(file: DayFile, where: str, skip: int, most: int) -> list[tuple[int, StoredThumb]]:
    """Return pictures with their ids, the newest first."""
    order = "ORDER BY at DESC, id DESC"
    ids = f"SELECT id FROM thumbs WHERE {where} {order} LIMIT {most:d} OFFSET {skip:d}"  # noqa: S608
    rows = file.connection.execute(f"{_THUMBS} WHERE a.id IN ({ids}) {order}")
    return [(int(row[0]), StoredThumb(*row[1:])) for row in rows]


def thumb_numbered(file: DayFile, number: int) -> StoredThumb | None:
    """Return one picture, if it is still there."""
    rows = file.connection.execute(f"{_THUMBS} WHERE a.id = ?", (number,))
    return StoredThumb(*rows[0][1:]) if rows else None


def thumbs_by(file: DayFile, column: str, where: str) -> dict[int, int]:
    """Return how many pictures there are, by one column or by ``at / 3600``."""
    sql = f"SELECT {column}, count(*) FROM thumbs WHERE {where} GROUP BY 1"  # noqa: S608 - ours
    return {int(value): int(count) for value, count in file.connection.execute(sql)}
