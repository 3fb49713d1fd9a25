"""What an active day costs: Deskbound beside OpenAdapt-capture, on the same X input, in one run.

    python -m benchmarks.active_day [--minutes 10] [--alone]

A private display shows four real programs. A seeded routine types, clicks, drags, scrolls and
switches between them at a person's pace, with a person's pauses. Both recorders watch the same
display at the same time: Deskbound as its user starts it (agent, capture with all five streams,
vault), the peer as its documentation shows it, with still images and without video or sound.

The peer keeps both cores of a small machine busy, which makes everything beside it dearer; with
``--alone`` it stays away.

What a program costs that wakes a few times a second depends on the machine as much as on the
program: on some virtual ones the same work takes thirty times as long after a pause as without
one. So a yardstick runs along, which wakes four times a second for next to nothing; what it costs
is printed beside what its work costs without the pauses.

Prints, for the whole process tree of each: CPU as a share of one core, proportional memory at its
peak, disk per hour of activity, and whether a line that was typed can be read from its files.
"""

import argparse
import os
import random
import select
import shutil
import string
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psutil

from demo.desktop import Desktop, private_desktop, work

PEERS = Path(".venv-peers/bin/python")
SAMPLE_SECONDS = 2.0
PAUSE = (1.0, 6.0)  # seconds a person thinks between two things
STREAMS = ("keys", "pointer", "windows", "screen", "rhythm")
PEER_SECONDS = 120.0
YARDSTICK_WAKES = 4
_YARDSTICK = f"""
import json, sys, time
def work():
    return json.dumps({{str(number): number for number in range(300)}})
begun = time.process_time()
for _ in range(1000):
    work()
print(time.process_time() - begun, flush=True)
while True:
    time.sleep(1 / {YARDSTICK_WAKES})
    work()
"""
SECRET = "".join(random.Random(7).choices(string.ascii_lowercase, k=12))

_PEER = """
import sys
from openadapt_capture.recorder import Recorder
if __name__ == "__main__":
    with Recorder(sys.argv[1], task_description="day", capture_video=False, capture_audio=False,
                  capture_images=True, control_enabled=False) as recorder:
        recorder.wait_for_ready()
        print("ready", flush=True)
        sys.stdin.readline()
"""


@dataclass
class Side:
    """One recorder at work.

    Attributes:
        name: for the table.
        root: the process whose whole tree is measured.
        folder: where it keeps what it records.
    """

    name: str
    root: int
    folder: Path
    peak: float = 0.0
    began: dict[int, float] = field(default_factory=dict)
    cpu: dict[int, float] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    bytes_before: int = 0

    def begin(self) -> None:
        """Note where the counters stand."""
        self.sample()
        self.began = dict(self.cpu)
        self.bytes_before = size_of(self.folder)

    def sample(self) -> None:
        """Read CPU seconds and memory of every process of the tree."""
        memory = 0.0
        root = psutil.Process(self.root)
        for process in (root, *root.children(recursive=True)):
            try:
                self.names.setdefault(process.pid, role_of(process.cmdline()))
                times = process.cpu_times()
                self.cpu[process.pid] = times.user + times.system
                memory += process.memory_full_info().pss / 1e6
            except psutil.Error:
                continue
        self.peak = max(self.peak, memory)

    def cpu_seconds(self) -> float:
        """Return CPU seconds since ``begin``, of processes that have ended too."""
        return sum(seconds - self.began.get(pid, 0.0) for pid, seconds in self.cpu.items())

    def by_process(self) -> list[tuple[str, float]]:
        """Return CPU seconds since ``begin`` of each sort of process, the dearest first."""
        sums: defaultdict[str, float] = defaultdict(float)
        for pid, seconds in self.cpu.items():
            sums[self.names[pid]] += seconds - self.began.get(pid, 0.0)
        return sorted(sums.items(), key=lambda one: -one[1])


def role_of(command: list[str]) -> str:
    """Return what a process is, from its command line: ``worker capture``, ``agent``."""
    words = [word for word in command if not word.startswith(("-", "/"))]
    names = [word.rsplit(".", maxsplit=1)[-1] for word in words if not word.isdigit()]
    return " ".join(names[:2]) or "other"


def size_of(folder: Path) -> int:
    """Return the bytes of all files of a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@contextmanager
def deskbound(desktop: Desktop, folder: Path) -> Iterator[Side]:
    """Run Deskbound as its user does."""
    home = folder / "home"
    passphrase = folder / "passphrase"
    passphrase.write_text("four unrelated plain words\n", encoding="utf-8")
    passphrase.chmod(0o600)

    def command(*words: str) -> str:
        program = [str(Path(sys.executable).with_name("deskbound")), "--home", str(home), *words]
        environment = {**os.environ, **desktop.environment}
        return subprocess.run(
            program, env=environment, check=True, capture_output=True, text=True
        ).stdout

    command("init", "--passphrase-file", str(passphrase))
    command("consent", "grant", *STREAMS)
    command("start")
    try:
        pid = int((home / "run" / "agent.lock").read_text(encoding="ascii"))
        yield Side("Deskbound", pid, home / "days")
    finally:
        command("stop")


@contextmanager
def yardstick(folder: Path) -> Iterator[Side]:
    """Run a program that wakes a few times a second and does the same little work each time."""
    process = subprocess.Popen(
        [sys.executable, "-c", _YARDSTICK], stdout=subprocess.PIPE, text=True
    )
    try:
        due = float(process.stdout.readline()) / 1000 * YARDSTICK_WAKES if process.stdout else 0.0
        yield Side(f"yardstick, due {due:.2%}", process.pid, folder)
    finally:
        process.kill()
        process.communicate()


@contextmanager
def openadapt(desktop: Desktop, folder: Path) -> Iterator[Side]:
    """Run OpenAdapt-capture in an environment of its own."""
    program = folder / "peer.py"
    program.write_text(_PEER, encoding="utf-8")
    found = folder / "recording"
    with (folder / "peer.log").open("wb") as log:
        process = subprocess.Popen(
            [str(PEERS.absolute()), str(program), str(found)],
            env={**os.environ, **desktop.environment},
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    if process.stdout is None or not said_ready(process.stdout):
        end(process)
        raise SystemExit("OpenAdapt-capture did not start. Try again.")
    try:
        yield Side("OpenAdapt-capture", process.pid, found)
    finally:
        end(process)


def said_ready(output: IO[str]) -> bool:
    """Return whether the peer says so in time: now and then its parts hang at the start."""
    heard, _, _ = select.select([output], [], [], PEER_SECONDS)
    return bool(heard) and output.readline().strip() == "ready"


def end(process: "subprocess.Popen[str]") -> None:
    """End the peer and all that it started, also where it hangs at its own end."""
    started = psutil.Process(process.pid).children(recursive=True)
    try:
        process.communicate("\n", timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for child in started:
        with suppress(psutil.NoSuchProcess):
            child.kill()


def live(desktop: Desktop, seconds: float) -> None:
    """Do an active person's work, the line with the secret first."""
    choose = random.Random(11)
    terminal = desktop.open("xterm")
    desktop.type(f"echo {SECRET}\n", pause=0.05)
    desktop.close(terminal)
    work(desktop, seconds, seed=3, step=lambda _: time.sleep(choose.uniform(*PAUSE)))


def measure(sides: list[Side], act: Callable[[], None]) -> float:
    """Sample all sides while something happens; return how many seconds it took."""
    done = threading.Event()

    def look() -> None:
        while not done.wait(SAMPLE_SECONDS):
            for side in sides:
                side.sample()

    for side in sides:
        side.begin()
    sampler = threading.Thread(target=look)
    start = time.monotonic()
    sampler.start()
    act()
    took = time.monotonic() - start
    done.set()
    sampler.join()
    for side in sides:
        side.sample()
    return took


def readable(folder: Path) -> bool:
    """Tell whether the typed line can be read from the files, key by key or as a whole.

    A recorder that keeps single keys keeps them in rows, in order: of SQLite files every text
    column is joined.
    """
    import sqlite3  # noqa: PLC0415 - the peer's file is a plain database; ours is not one

    for path in folder.rglob("*"):
        if not path.is_file():
            continue
        if SECRET.encode() in path.read_bytes():
            return True
        try:
            with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
                database.text_factory = lambda raw: raw.decode("utf-8", "replace")
                texts = list(_texts(database))
        except sqlite3.DatabaseError:
            continue
        if any(SECRET in text for text in texts):
            return True
    return False


def _texts(database: "object") -> Iterator[str]:
    run = database.execute  # type: ignore[attr-defined]
    for (table,) in run("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
        columns = [row[1] for row in run(f'PRAGMA table_info("{table}")')]
        for column in columns:
            rows = run(f'SELECT "{column}" FROM "{table}"').fetchall()
            singles = [value for (value,) in rows if isinstance(value, str) and len(value) == 1]
            yield "".join(singles)
            yield "".join(singles[::2])  # a press and a release for each key


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--alone", action="store_true", help="without the peer")
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as where,
        private_desktop() as desktop,
        ExitStack() as recorders,
    ):
        sides = []
        waking = recorders.enter_context(yardstick(Path(where)))
        for record in (deskbound,) if given.alone else (deskbound, openadapt):
            folder = Path(where) / record.__name__
            folder.mkdir(mode=0o700)
            sides.append(recorders.enter_context(record(desktop, folder)))
        time.sleep(15)  # what starting costs is not what a day costs
        seconds = measure([*sides, waking], lambda: live(desktop, given.minutes * 60))
        time.sleep(2)
        recorders.close()
        print(f"{seconds / 60:.1f} minutes of activity, all streams")
        print(f"{waking.name} of one core: {waking.cpu_seconds() / seconds:.2%}")
        for side in sides:
            grown = max(size_of(side.folder) - side.bytes_before, 0) / 1e6 / seconds * 3600
            words = "can be read" if readable(side.folder) else "cannot be read"
            print(
                f"{side.name}: {side.cpu_seconds() / seconds:.2%} of one core,"
                f" {side.peak:.0f} MB at its peak, {grown:.2f} MB an hour;"
                f" what was typed {words} from its files"
            )
            for name, spent in side.by_process():
                print(f"    {name}: {spent / seconds:.2%}")
        if not given.alone:
            ratio = sides[-1].cpu_seconds() / max(sides[0].cpu_seconds(), 1e-9)
            print(f"CPU of the peer against ours: {ratio:.0f} to 1")
    shutil.rmtree(where, ignore_errors=True)


if __name__ == "__main__":
    main()
