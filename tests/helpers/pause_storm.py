"""Thousands of random pauses against a capture at work, and what was stored after each.

Capture runs in a process of its own and writes down when each of its commits ended and which keys
were in it; at the end its account is compared with the vault. The storm types about a thousand
events a second, one key while open (another after each pause, so that every row tells which open
stretch it was born in) and one key while paused, which must never be stored. Many pauses come
while events are still on their way, and some after long enough for commits to be under way.
"""

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from Xlib import X
from Xlib.ext import xtest

from demo.desktop import Desktop
from deskbound_client import consent
from deskbound_client.capture.control import Control
from deskbound_client.capture.process import run_capture
from deskbound_client.capture.settings import CaptureConfig
from deskbound_client.capture.signals import KEYS
from deskbound_client.capture.status import read_status
from deskbound_client.employee import pausing
from deskbound_client.paths import HomePaths
from deskbound_client.store.rows import Stored, StoredAction
from deskbound_client.store.vault import Vault
from deskbound_strategies.vocabulary import Kind, key_argument, token_of
from tests.helpers.store import FileKeystore

# A pair for each open stretch: one key alone, again and again, would be kept as one.
OPEN_KEYS = tuple((f"F{i}", f"F{i + 1}") for i in range(1, 12, 2))
PAUSED_KEYS = ("Insert", "End")
EVENTS_A_SECOND = 1_000
SHORT_SECONDS = (0.0, 0.03)  # how long a stretch is open: queues fill, nothing settles
LONG_SECONDS = (0.8, 2.5)  # long enough for rows to be committed all the time
PATIENCE = 30.0


def token(key: str) -> int:
    """Return the token of a key that the storm types."""
    return token_of(Kind.KEY, key_argument(key.lower()))


@dataclass(frozen=True)
class Pause:
    """One pause.

    Attributes:
        keys: what was typed while it was open before.
        said: when the employee's deed began, monotonic seconds.
        done: when it returned.
        resumed: when the next stretch was opened.
    """

    keys: tuple[int, ...]
    said: float
    done: float
    resumed: float


@dataclass(frozen=True)
class Commit:
    """One commit of the capture process: when it ended, and its rows by token."""

    ended: float
    rows: Counter[int]


@dataclass(frozen=True)
class Outcome:
    """What a storm came to.

    Attributes:
        last_row: of each pause the seconds from the deed to the last row that was still stored.
        call: of each pause the seconds until it returned.
        after: rows stored while paused, that is after a pause had returned.
        stale: rows stored in one open stretch that were born in another.
        forbidden: rows of what was typed while paused.
        stored: all rows.
        busy: ``last_row`` of the pauses that were said within half a second of a commit.
        honest: the account of the capture process equals the vault.
    """

    last_row: list[float]
    call: list[float]
    after: int
    stale: int
    forbidden: int
    stored: int
    busy: list[float]
    honest: bool


def storm(folder: Path, desktop: Desktop, count: int, *, seed: int, long_one_in: int) -> Outcome:
    """Pause ``count`` times at random moments under load; return what was stored when.

    Args:
        folder: an empty one.
        desktop: a private display.
        count: how many pauses.
        seed: of their moments.
        long_one_in: one open stretch in so many is long.
    """
    paths = HomePaths(folder / "home")
    keystore = FileKeystore(folder / "key")
    with Vault.create(paths.home, keystore, today=date.today()) as vault:  # noqa: DTZ011
        consent.grant(vault, "keys")
    paths.prepare()
    Control.create(paths.control).set_streams(KEYS)
    desktop.open("xterm")
    with _capture(paths, desktop, folder / "commits.json"):
        _type_until_stored(paths, desktop)
        pausing.pause(paths)
        begun = time.monotonic()
        pauses = list(_pauses(paths, desktop, count, random.Random(seed), long_one_in))
    commits = [
        Commit(ended, Counter({int(name): rows for name, rows in found.items()}))
        for ended, found in json.loads((folder / "commits.json").read_text())
    ]
    with Vault.open(paths.home, keystore) as vault:
        stored = Counter(row.token for day in vault.days() for row in vault.day(day).actions())
    honest = sum((one.rows for one in commits), Counter[int]()) == stored
    return _judge(pauses, [one for one in commits if one.ended > begun], honest=honest)


def _pauses(
    paths: HomePaths, desktop: Desktop, count: int, chance: random.Random, long_one_in: int
) -> Iterator[Pause]:
    for number in range(count):
        keys = OPEN_KEYS[number % len(OPEN_KEYS)]
        pausing.resume(paths)
        length = LONG_SECONDS if chance.randrange(long_one_in) == 0 else SHORT_SECONDS
        _drive(desktop, keys, chance.uniform(*length))
        if chance.random() < 0.5:
            desktop.connection.sync()  # otherwise they are still on their way
        said = time.monotonic()
        pausing.pause(paths)
        done = time.monotonic()
        _drive(desktop, PAUSED_KEYS, chance.uniform(0.0, 0.006), least=2)
        desktop.connection.sync()  # the server has dated them before the gate opens again
        yield Pause(tuple(map(token, keys)), said, done, time.monotonic())


def _drive(desktop: Desktop, keys: tuple[str, str], seconds: float, least: int = 4) -> None:
    """Press two keys in turn, at a steady rate of events."""
    codes = [desktop._code(key)[0] for key in keys]
    start, pressed = time.monotonic(), 0
    while True:
        passed = time.monotonic() - start
        due = max(least, int(min(passed, seconds) * EVENTS_A_SECOND / 2))
        for number in range(pressed, due):
            code = codes[number % 2]
            xtest.fake_input(desktop.connection, X.KeyPress, code)
            xtest.fake_input(desktop.connection, X.KeyRelease, code)
        desktop.connection.flush()
        pressed = max(due, pressed)
        if passed >= seconds:
            return
        time.sleep(0.002)


def _judge(pauses: list[Pause], commits: list[Commit], *, honest: bool) -> Outcome:
    last_row: list[float] = []
    busy: list[float] = []
    after = stale = at = 0
    ends = [pause.resumed for pause in pauses]
    for pause, end in zip(pauses, ends, strict=True):
        mine = []
        while at < len(commits) and commits[at].ended <= end:
            mine.append(commits[at])
            at += 1
        last = max((one.ended for one in mine), default=0.0)
        last_row.append(max(0.0, last - pause.said))
        busy += last_row[-1:] if pause.said - 0.5 < last else []
        after += sum(one.rows.total() for one in mine if one.ended > pause.done)
        born = sum(one.rows[key] for one in mine for key in pause.keys)
        stale += sum(one.rows.total() for one in mine) - born
    after += sum(one.rows.total() for one in commits[at:])
    return Outcome(
        last_row=last_row,
        call=[pause.done - pause.said for pause in pauses],
        after=after,
        stale=stale,
        forbidden=sum(one.rows[token(key)] for one in commits for key in PAUSED_KEYS),
        stored=sum(one.rows.total() for one in commits),
        busy=busy,
        honest=honest,
    )


def _type_until_stored(paths: HomePaths, desktop: Desktop) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        _drive(desktop, ("Home", "Delete"), 0.2)
        told = read_status(paths.run / "capture.json")
        if told is not None and told.rows_last_minute.get("keys"):
            return
        if time.monotonic() > deadline:
            raise AssertionError(f"nothing was stored: {told and told.now}")


@contextmanager
def _capture(paths: HomePaths, desktop: Desktop, account: Path) -> Iterator[None]:
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.helpers.pause_storm", str(paths.home), str(account)],
        env={**os.environ, **desktop.environment, "PYTHONPATH": os.pathsep.join(sys.path)},
        cwd=Path(__file__).parents[2],
    )
    try:
        yield
    finally:
        child.terminate()
        child.wait(PATIENCE)


class Accounted:
    """A vault that writes down what was committed and when."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self.commits: list[tuple[float, Counter[int]]] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._vault, name)

    def append(self, rows: list[Stored], **more: object) -> int:
        """Store rows; counted once they are on the disk."""
        stored = self._vault.append(rows, **more)  # type: ignore[arg-type]
        if stored:
            tokens = Counter(row.token for row in rows if isinstance(row, StoredAction))
            self.commits.append((time.monotonic(), tokens))
        return stored


def main() -> None:
    """Capture until SIGTERM, then write the account."""
    home, account = Path(sys.argv[1]), Path(sys.argv[2])
    with Vault.open(home, FileKeystore(home.parent / "key")) as vault:
        accounted = Accounted(vault)
        run_capture(home, accounted, CaptureConfig(gap_seconds=3600.0))  # type: ignore[arg-type]
        account.write_text(json.dumps(accounted.commits))


if __name__ == "__main__":
    main()
