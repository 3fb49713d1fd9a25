"""The person acts while the watch looks: between any two of its lines, on a real display.

Three steps of a script (something is hidden, keys are typed, it shows again) are put at lines of
the watch's own thread, chosen by a seed; the taps deliver the keys only afterwards, as a slow
machine would. Whatever the order, what was typed while something was hidden is never stored.
"""

import os
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from Xlib import X

from deskbound_client.capture import watch
from deskbound_client.capture.callbacks import KeyCallback
from deskbound_client.capture.gate import Reason
from deskbound_client.capture.watch import Watch
from deskbound_client.employee import excluding
from deskbound_client.paths import HomePaths
from tests.client.capture.test_private_windows import Window
from tests.client.capture.test_rules import reason
from tests.helpers.display import Session, capturing, desktop, eventually

__all__ = ["desktop"]

OFTEN, SEEDS = 20, 2  # schedules of each case in `make test-slow`
# The server's clock counts milliseconds: of two things in one of them nobody could tell which came
# first, so steps lie further apart. Nothing is waited for here.
APART_SECONDS = 0.002
MOST_LINES = 400  # of a beat
LOOKED_INTO = ("/watch.py", "/windows.py", "/surroundings.py", "/idle.py")
HIDDEN = "Salary of everybody"
Step = Callable[[], None]


class Schedule:
    """Runs steps in the watch's thread, just before lines that are counted from ``begin`` on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._steps: dict[int, list[Step]] = {}
        self._line: int | None = None
        self.taps = threading.Event()
        self.taps.set()
        run, call, look_anew = Watch.run, KeyCallback.__call__, Watch._look_anew

        def traced(watching: Watch) -> None:
            sys.settrace(lambda frame, *_: self._count if _is_ours(frame) else None)
            run(watching)

        def later(callback: KeyCallback, event: object) -> None:
            self.taps.wait()
            call(callback, event)

        def once(watching: Watch, *known: object) -> None:
            monkeypatch.setattr(watch, "_HELD_UP_MS", 3_000)
            look_anew(watching, *known)

        monkeypatch.setattr(Watch, "run", traced)
        monkeypatch.setattr(Watch, "_look_anew", once)
        monkeypatch.setattr(KeyCallback, "__call__", later)

    def _count(self, _frame: object, event: str, _: object) -> object:
        if event == "line" and self._line is not None:
            line, self._line = self._line, None  # what the steps themselves do is not counted
            for step in self._steps.pop(line, ()):
                step()
            self._line = line + 1
        return self._count

    def begin(self, steps: dict[int, list[Step]]) -> None:
        """Count lines from now on; keys are held back."""
        self.taps.clear()
        self._steps = steps
        self._line = 0

    def end(self) -> tuple[int, list[Step]]:
        """Let the keys go; return how many lines there were, and the steps not done."""
        eventually(lambda: self._line is not None, "the steps under way")
        lines, self._line = self._line or 0, None
        left, self._steps = self._steps, {}
        self.taps.set()
        return lines, [step for line in sorted(left) for step in left[line]]


def _is_ours(frame) -> bool:
    return frame.f_code.co_filename.endswith(LOOKED_INTO)


@pytest.fixture
def windows(desktop) -> Iterator[tuple[Window, Window]]:
    opened = [Window(desktop, ("mydoc", "MyDoc"), "Other"), Window(desktop, ("a", "A"), "Report")]
    yield opened[1], opened[0]
    for window in opened:
        window.close()


# --- what the person does ---------------------------------------------------------------------


def typed(desktop) -> Step:
    def step() -> None:
        time.sleep(APART_SECONDS)
        desktop.press("F5")
        desktop.type("letters\n")
        time.sleep(APART_SECONDS)

    return step


def other_titles(desktop, report, other) -> list[Step]:
    def both(title: str) -> None:
        other.call(title)
        report.call(title)

    return [lambda: both(HIDDEN), typed(desktop), lambda: both("Report")]


def another_window(desktop, report, other) -> list[Step]:
    def there() -> None:
        other.call(HIDDEN)
        desktop.activate(other.number)

    return [there, typed(desktop), lambda: desktop.activate(report.number)]


def called_otherwise_before_a_look(desktop, _report, other) -> list[Step]:
    def there() -> None:
        other.call(HIDDEN)
        desktop.activate(other.number)

    return [there, typed(desktop), lambda: other.call("Other")]


def called_so_after_a_look(desktop, _report, other) -> list[Step]:
    return [
        lambda: desktop.activate(other.number),
        lambda: other.call(HIDDEN),
        typed(desktop),
    ]


def a_lock_screen(desktop, _report, _other) -> list[Step]:
    screen = desktop.connection.screen()
    lock = screen.root.create_window(
        0, 0, 1280, 720, 0, screen.root_depth, override_redirect=True,
        background_pixel=screen.black_pixel, window_class=X.InputOutput,
    )  # fmt: skip

    def locks() -> None:
        lock.map()
        desktop.connection.sync()

    def unlocks() -> None:
        lock.destroy()
        desktop.connection.sync()

    return [locks, typed(desktop), unlocks]


# --- what the watch is doing meanwhile --------------------------------------------------------


def nothing(*_: object) -> None:
    pass


def a_title(_home, _desktop, report, _other) -> None:
    report.call(f"Report {time.monotonic_ns()}")


def rules_that_are_read_anew(home, *_: object) -> None:
    os.utime(HomePaths(home).config)


def a_hold_up(*_: object) -> None:
    watch._HELD_UP_MS = -1


def another_focus(_home, desktop, report, other) -> None:
    desktop.activate(other.number)
    desktop.activate(report.number)


SCRIPTS = (
    other_titles,
    another_window,
    called_otherwise_before_a_look,
    called_so_after_a_look,
    a_lock_screen,
)
CAUSES = (nothing, a_title, rules_that_are_read_anew, a_hold_up)
CASES = [(script, cause) for script in SCRIPTS for cause in CAUSES]
CASES += [(other_titles, another_focus), (a_lock_screen, another_focus)]


def at_home(session: Session, desktop, report, other) -> None:
    """Wait until the report is open and has been for longer than what hides reaches back."""
    other.call("Other")
    report.call("Report")
    desktop.activate(report.number)
    session.notices(report.number)
    board = session.capture._board
    confirmed = board.confirmed_ms + 300
    eventually(lambda: board.confirmed_ms > confirmed, "the watch to go on")
    eventually(lambda: reason(session) is Reason.OPEN, "the report to open")


def try_schedules(desktop, windows, home, monkeypatch, cases, seed) -> None:
    """Try one schedule of each case."""
    chance, lines, tried = random.Random(seed), 100, []
    schedule = Schedule(monkeypatch)
    with capturing(home, desktop) as session:
        session.notices(windows[0].number)
        excluding.exclude(HomePaths(home), "title", "*salary*")
        board = session.capture._board
        for script, cause in cases:
            at_home(session, desktop, *windows)
            points = sorted(chance.randrange(1, lines) for _ in range(3))
            steps: dict[int, list[Step]] = {0: [lambda: cause(home, desktop, *windows)]}  # noqa: B023
            for point, step in zip(points, script(desktop, *windows), strict=True):
                steps.setdefault(point, []).append(step)
            confirmed = board.confirmed_ms
            schedule.begin(steps)
            eventually(lambda: board.confirmed_ms > confirmed, "a beat")  # noqa: B023
            lines, left = schedule.end()
            lines = min(max(lines, 20), MOST_LINES)
            for step in left:
                step()
            tried.append((script.__name__, cause.__name__, points, len(left)))
        at_home(session, desktop, *windows)
        desktop.press("Home")
        names = session.until("key:home")
    assert not [n for n in names if n == "key:f5" or n.startswith("type")], tried
    assert any(not left for *_, left in tried)


@pytest.mark.display
def test_what_is_typed_while_something_is_hidden_is_never_kept(
    desktop, windows, tmp_path, monkeypatch
):
    try_schedules(desktop, windows, tmp_path / "home", monkeypatch, CASES, 1)


@pytest.mark.slow
@pytest.mark.display
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize(("script", "cause"), CASES)
def test_nor_on_many_schedules(desktop, windows, tmp_path, monkeypatch, script, cause, seed):
    cases = [(script, cause)] * OFTEN
    try_schedules(desktop, windows, tmp_path / "home", monkeypatch, cases, seed)
