"""CPU of capture with its encrypted store, beside a bare pynput listener that drops every event.

    python benchmarks/capture_cpu.py

On a private X display, XTEST presses and releases keys at 1,000 events a second. Each side runs in
a process of its own and listens to keyboard and pointer; the rounds alternate, so both meet the
same machine. Prints the ratio of CPU seconds (user + system, of the whole process), what was lost,
memory, and how soon a pause holds.
"""

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from Xlib import X
from Xlib.ext import xtest

sys.path.insert(0, str(Path(__file__).parent.parent))

from demo.desktop import Desktop, private_desktop

RATE, SECONDS, ROUNDS = 1_000, 4.0, 2
PAUSES = 200
KEYS = ("Home", "End", "F1", "F2", "F3", "F4", "F5", "F6")  # each press is a row of its own


class MemoryKeystore:
    """Keeps the key in this process."""

    kind = "memory"

    def __init__(self) -> None:
        self.key = b""

    def load(self) -> bytes:
        """Return the key."""
        return self.key

    def replace(self, new: bytes) -> None:
        """Keep another key."""
        self.key = new


def drive(desktop: Desktop, rate: int, seconds: float) -> int:
    """Press keys at a steady rate; return how many presses there were."""
    connection = desktop.connection
    codes = [desktop._code(key)[0] for key in KEYS]
    start, presses = time.monotonic(), 0
    while (now := time.monotonic()) - start < seconds:
        due = int((now - start) * rate / 2)
        while presses < due:
            xtest.fake_input(connection, X.KeyPress, codes[presses % len(codes)])
            xtest.fake_input(connection, X.KeyRelease, codes[presses % len(codes)])
            presses += 1
        connection.sync()
        time.sleep(0.004)
    return presses


def usage() -> dict[str, float]:
    """CPU seconds and resident memory of this process."""
    times = os.times()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return {"cpu": times.user + times.system, "rss": pages * os.sysconf("SC_PAGE_SIZE") / 2**20}


def answer(count: int) -> None:
    """Tell the parent what was used and counted so far."""
    print(json.dumps({**usage(), "count": count}), flush=True)


def bare() -> None:
    """A pynput listener that does nothing with what it hears."""
    from pynput import keyboard, mouse  # noqa: PLC0415 - needs the display of this process

    heard = [0]

    def count(*_: object) -> None:
        heard[0] += 1

    keys = keyboard.Listener(on_press=count)
    clicks = mouse.Listener(on_click=lambda *_: None)
    keys.start()
    clicks.start()
    keys.wait()
    clicks.wait()
    answer(0)
    for _ in sys.stdin:
        answer(heard[0])
    os._exit(0)  # stopping a pynput listener takes seconds


def ours() -> None:
    """Capture into a vault, all streams of input; imported here so that the bare side is bare."""
    from deskbound_client import consent  # noqa: PLC0415
    from deskbound_client.capture.control import Control  # noqa: PLC0415
    from deskbound_client.capture.process import TICK_SECONDS, Capture  # noqa: PLC0415
    from deskbound_client.capture.settings import CaptureConfig  # noqa: PLC0415
    from deskbound_client.capture.signals import mask_of  # noqa: PLC0415
    from deskbound_client.store.vault import Vault  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        vault = Vault.create(home, MemoryKeystore(), today=datetime.now(tz=UTC).date())
        (home / "run").mkdir(mode=0o700)
        control = Control.create(home / "control")
        for name in (streams := ["keys", "pointer", "windows", "rhythm"]):
            consent.grant(vault, name)
        control.set_streams(mask_of(streams))
        capture = Capture(home, vault, CaptureConfig(), os.environ["DISPLAY"])
        capture.start()
        stopping = threading.Event()

        def look_after() -> None:
            while not stopping.wait(TICK_SECONDS):
                capture.tick()

        ticker = threading.Thread(target=look_after)
        ticker.start()
        time.sleep(1.5)
        answer(0)
        for line in sys.stdin:
            if line.strip() == "pause":
                pause_test(vault, control)
                continue
            time.sleep(1.5)  # what is still settling; it costs CPU, which is counted
            answer(stored(vault))
        stopping.set()
        ticker.join()
        capture.stop()
        vault.close()


def stored(vault: object) -> int:
    """Rows that came from a key press."""
    days = vault.days()  # type: ignore[attr-defined]
    rows = [row for day in days for row in vault.day(day).actions()]  # type: ignore[attr-defined]
    return sum(row.stream == 1 for row in rows)


def pause_test(vault: object, control: object) -> None:
    """Pause again and again under load; count rows that appear after a pause has returned."""
    waits, late = [], 0
    for _ in range(PAUSES):
        start = time.perf_counter()
        control.pause()  # type: ignore[attr-defined]
        waits.append(time.perf_counter() - start)
        before = stored(vault)
        time.sleep(0.01)
        late += stored(vault) - before
        control.resume()  # type: ignore[attr-defined]
    waits.sort()
    p99 = waits[int(0.99 * len(waits))] * 1000
    print(json.dumps({"p99_ms": p99, "late": late}), flush=True)


class Side:
    """One of the two listeners, in a process of its own."""

    def __init__(self, role: str, desktop: Desktop) -> None:
        self.process = subprocess.Popen(
            [sys.executable, __file__, role],
            env={**os.environ, **desktop.environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.last = self.hear()

    def hear(self) -> dict[str, float]:
        """Return the next answer."""
        assert self.process.stdout is not None
        return dict(json.loads(self.process.stdout.readline()))

    def ask(self, question: str = "usage") -> dict[str, float]:
        """Ask something and return the answer."""
        assert self.process.stdin is not None
        self.process.stdin.write(question + "\n")
        self.process.stdin.flush()
        return self.hear()

    def end(self) -> None:
        """Let the process end."""
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait(30)


def measure(role: str, desktop: Desktop) -> tuple[float, float, float, float]:
    """Return CPU per thousand events, share lost, memory in MB, and CPU share when idle."""
    side = Side(role, desktop)
    idle_start = side.ask()
    time.sleep(2)
    idle_end = side.ask()
    presses = drive(desktop, RATE, SECONDS)
    found = side.ask()
    side.end()
    counted = found["count"] - idle_end["count"]
    cpu = (found["cpu"] - idle_end["cpu"]) / (2 * presses) * 1000
    return cpu, 1 - counted / presses, found["rss"], (idle_end["cpu"] - idle_start["cpu"]) / 3.5


def main() -> None:
    """Measure and print."""
    with private_desktop() as desktop:
        desktop.open("xterm")
        found: dict[str, list[tuple[float, float, float, float]]] = {"bare": [], "ours": []}
        for _ in range(ROUNDS):
            for role, results in found.items():
                results.append(measure(role, desktop))
        medians = {
            role: [statistics.median(column) for column in zip(*results, strict=True)]
            for role, results in found.items()
        }
        print(f"{RATE} events a second for {SECONDS:g} s, {ROUNDS} rounds")
        for role, (cpu, lost, memory, idle) in medians.items():
            print(
                f"{role}: {cpu * 1000:.0f} us CPU an event, {lost:.2%} lost, {memory:.0f} MB,"
                f" {idle:.2%} of a core when idle"
            )
        print(f"ratio of CPU, ours to bare: {medians['ours'][0] / medians['bare'][0]:.2f}")
        side = Side("ours", desktop)
        load = threading.Thread(target=drive, args=(desktop, 200, 12.0), daemon=True)
        load.start()
        pauses = side.ask("pause")
        load.join()
        side.end()
        print(
            f"{PAUSES} pauses under load: p99 {pauses['p99_ms']:.1f} ms until pause has returned,"
            f" {pauses['late']:.0f} rows stored after"
        )


if __name__ == "__main__":
    {"bare": bare, "ours": ours}.get(sys.argv[1] if len(sys.argv) > 1 else "", main)()
