"""Finding and forgetting in a vault of five million actions.

Fills seven days with seeded, made-up activity in the proportions of the generator's personas, with
rare words among them, then measures searches that a person would make (first 50 hits and all
facets) and forgetting the last 60 minutes with its receipt.

    python -m benchmarks.find_and_forget [--rows 5000000] [--json]
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.store import MemoryKeystore
from deskbound_client.capture.control import Control
from deskbound_client.capture.signals import KEYS, POINTER, WINDOWS
from deskbound_client.employee import forgetting, stored
from deskbound_client.employee.forgetting import Wish
from deskbound_client.employee.stored import Query
from deskbound_client.paths import HomePaths
from deskbound_client.store.days import DayFile
from deskbound_client.store.vault import Vault
from deskbound_strategies.encoder import Encoder
from deskbound_strategies.generator import generate_day
from deskbound_strategies.personas import PERSONAS
from deskbound_strategies.vocabulary import APP_OTHER, APPS, FAMILY, TOKENS, Family

DAYS, HOURS = 7, 8
RARE = 0.002  # rows of any word in any application
SEED, ROUNDS = 1, 5
_STREAMS = {Family.KEY: KEYS, Family.CELL: POINTER, Family.NONE: POINTER, Family.APP: WINDOWS}
QUERIES = {
    "nothing in particular": Query(),
    "one word": Query(text="ctrl+c"),
    "two words": Query(text="browser clicked"),
    "an application": Query(app="mail"),
    "a rare word": Query(text="f11"),
    "rare in one application": Query(app="cad", kind="shortcut"),
    "far down": Query(kind="type", offset=400_000),
}


def pool() -> np.ndarray:
    """Return token, app and gap of a day of each persona, in order."""
    rows = []
    for persona in PERSONAS.values():
        encoder = Encoder(rhythm=True)
        for seen, at in generate_day(persona, date(2026, 11, 20), SEED):
            rows += [(a.token, a.app, a.gap) for a in encoder.feed(seen, at)]
    return np.array(rows)


def fill(
    file: DayFile, start: int, count: int, chances: np.random.Generator, some: np.ndarray
) -> None:
    """Store a day's rows with one statement, then count them as capture would have."""
    rows = some[(np.arange(count) + chances.integers(len(some))) % len(some)].copy()
    rare = chances.random(count) < RARE
    rows[rare, 0] = chances.integers(0, len(TOKENS), rare.sum())
    rows[rare, 1] = chances.integers(0, len(APPS), rare.sum())
    bucket = np.where(rows[:, 1] == APP_OTHER, chances.integers(1, 30, count), 0)
    at = start + np.arange(count) * HOURS * 3_600 // count
    streams = np.array([_STREAMS[FAMILY[token.kind]] for token in TOKENS])[rows[:, 0]]
    columns = (at, at, rows[:, 0], rows[:, 1], bucket, rows[:, 2], streams)
    run = file.connection
    run.execute("INSERT INTO boots VALUES (1, 1)")
    run.execute_many(
        "INSERT INTO actions (boot, at, mono, token, app, bucket, gap, stream, fx, fy, source)"
        " VALUES (1, ?, ?, ?, ?, ?, ?, ?, -1, -1, 1)",
        zip(*(column.tolist() for column in columns), strict=True),
    )
    run.execute("UPDATE extent SET first = ?, last = ?", (start, start + HOURS * 3_600 + 3_600))
    file.settle()


def timed(act: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds that passed, and those that this process worked."""
    begun, worked = time.perf_counter(), time.process_time()
    act()
    return time.perf_counter() - begun, time.process_time() - worked


def measure(count: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        paths = HomePaths(Path(folder) / "home")
        end = int(time.time())
        today = datetime.fromtimestamp(end).astimezone().date()
        vault = Vault.create(paths.home, MemoryKeystore(), today=today)
        Control.create(paths.control)
        chances, some = np.random.default_rng(SEED), pool()
        for back in range(DAYS - 1, -1, -1):
            day = vault.day(today - timedelta(back), create=True)
            fill(day, end - HOURS * 3_600 - 86_400 * back, count // DAYS, chances, some)
        found = {"rows": float(stored.find(vault, Query(limit=0)).total)}
        size = sum(vault.day_path(day).stat().st_size for day in vault.days())
        found["megabytes"] = size / 1e6
        for name, query in QUERIES.items():
            times = [timed(partial(stored.find, vault, query)) for _ in range(ROUNDS)]
            walls, works = zip(*times, strict=True)
            found[f"find {name}, ms"] = statistics.median(walls) * 1e3
            found[f"find {name}, ms of the processor"] = statistics.median(works) * 1e3
        walls, works = zip(*(timed(lambda: stored.days(vault)) for _ in range(ROUNDS)), strict=True)
        found["every day at a glance, ms"] = statistics.median(walls) * 1e3
        found["every day at a glance, ms of the processor"] = statistics.median(works) * 1e3
        wish = Wish.last("60m", end)
        found["look at the last hour, s"] = timed(lambda: forgetting.preview(vault, wish))[0]
        receipts: list[forgetting.Receipt] = []
        found["forget the last hour, s"] = timed(
            lambda: receipts.append(forgetting.forget(paths, vault, wish, now=end))
        )[0]
        found["forgotten"] = float(receipts[0].gone.counts.actions)
        found["forget an application, s"] = timed(
            lambda: forgetting.forget_app(paths, vault, "mail")
        )[0]
        vault.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = measure(given.rows)
    if given.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:52} {value:14,.3f}")


if __name__ == "__main__":
    main()
