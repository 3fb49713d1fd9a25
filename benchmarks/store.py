"""What encryption and durable commits cost: the vault's day file against plain sqlite3.

Both take the same rows in the same order, in the same run, with ``synchronous=FULL`` and groups of
100; only the ratios mean anything on a shared machine. Also measures how long it takes to forget
the last hour of a full vault.

    python benchmarks/store.py [--rows 100000] [--forget-rows 1000000] [--json]
"""

import argparse
import json
import os
import sqlite3
import statistics
import tempfile
import time
from collections import deque
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from deskbound_client.store.cipher import open_database
from deskbound_client.store.days import DayFile
from deskbound_client.store.rows import StoredAction
from deskbound_client.store.vault import Vault, day_of

BATCH = 100
START = 1_795_089_600
ROUNDS = 5


class MemoryKeystore:
    """A keystore for one run."""

    kind = "memory"
    key = b""

    def load(self) -> bytes:
        """Return the key."""
        return self.key

    def replace(self, new: bytes) -> None:
        """Keep another key."""
        self.key = new


class Plain:
    """The same table without encryption, through the standard library."""

    def __init__(self, path: Path) -> None:
        self.raw = sqlite3.connect(path, isolation_level=None)
        self.raw.execute("PRAGMA journal_mode=WAL")
        self.raw.execute("PRAGMA synchronous=FULL")
        self.raw.execute("PRAGMA wal_autocheckpoint=128")
        names = ("at", "mono", "boot", "token", "app", "bucket", "gap", "stream", "fx", "fy")
        columns = ", ".join(f"{name} INTEGER NOT NULL" for name in (*names, "source"))
        self.raw.execute(f"CREATE TABLE actions (id INTEGER PRIMARY KEY, {columns}) STRICT")

    def append(self, rows: list[StoredAction]) -> None:
        """Store rows in one durable transaction."""
        self.raw.execute("BEGIN IMMEDIATE")
        self.raw.executemany(
            "INSERT INTO actions VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(r.at, r.mono_s, r.boot, r.token, r.app, *_rest(r)) for r in rows],
        )
        self.raw.execute("COMMIT")

    def actions(self) -> int:
        """Read all rows in order and count them."""
        return sum(
            StoredAction(*row) is not None
            for row in self.raw.execute(
                "SELECT token, app, gap, at, stream, bucket, fx, fy, mono, boot, source"
                " FROM actions ORDER BY id"
            )
        )


def _rest(row: StoredAction) -> tuple[int, ...]:
    return (row.bucket, row.gap, row.stream, row.fx, row.fy, row.source)


def rows_of(count: int) -> list[StoredAction]:
    return [StoredAction(i % 400, i % 40, i % 8, START + i // 10, 1) for i in range(count)]


def timed(act: Callable[[], object]) -> tuple[float, float]:
    """Return wall and CPU seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    act()
    return time.perf_counter() - wall, time.process_time() - cpu


def one_round(folder: Path, rows: list[StoredAction]) -> dict[str, float]:
    key = os.urandom(32)
    ours = DayFile(open_database(folder / "ours.db", key, create=True))
    plain = Plain(folder / "plain.db")
    batches = [rows[i : i + BATCH] for i in range(0, len(rows), BATCH)]
    ours_in, ours_cpu = timed(lambda: deque(map(ours.append, batches)))
    plain_in, plain_cpu = timed(lambda: deque(map(plain.append, batches)))
    ours_out, _ = timed(lambda: sum(1 for _ in ours.actions()))
    plain_out, _ = timed(plain.actions)
    ours.connection.close()
    plain.raw.close()
    sizes = [(folder / name).stat().st_size for name in ("ours.db", "plain.db")]
    return {
        "insert": ours_in / plain_in,
        "insert_cpu": ours_cpu / plain_cpu,
        "scan": ours_out / plain_out,
        "size": sizes[0] / sizes[1],
        "cpu_us_per_row": ours_cpu / len(rows) * 1e6,
        "rows_per_second": len(rows) / ours_in,
    }


def compare(count: int) -> dict[str, float]:
    rows, found = rows_of(count), []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            found.append(one_round(Path(folder), rows))
    return {name: statistics.median(each[name] for each in found) for name in found[0]}


def forgetting(count: int) -> dict[str, float]:
    """Fill seven days, then forget the last hour of the last and a whole day out of order."""
    with tempfile.TemporaryDirectory() as folder:
        last = day_of(START)
        vault = Vault.create(Path(folder) / "home", MemoryKeystore(), today=last)
        per_day = count // 7
        for back in range(6, -1, -1):
            start = START - 86_400 * back
            spread = 28_800 / per_day  # eight hours of work
            vault.append([StoredAction(1, 1, 1, start + int(i * spread)) for i in range(per_day)])
        end = START + 28_800
        hour, _ = timed(lambda: vault.forget_range(end - 3_600, end))
        day, _ = timed(lambda: vault.forget_day(last - timedelta(3)))
        vault.close()
    return {"rows": float(per_day * 7), "last_hour_seconds": hour, "one_day_seconds": day}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--forget-rows", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = {"against_sqlite3": compare(given.rows), "forget": forgetting(given.forget_rows)}
    if given.json:
        print(json.dumps(found))
        return
    for title, figures in found.items():
        print(title)
        for name, value in figures.items():
            print(f"  {name:20} {value:12.3f}")


if __name__ == "__main__":
    main()
