"""A private desktop: a virtual X display with a window manager and real programs, driven by XTEST.

For the demo and for tests. Nothing here touches the display of whoever runs it.
"""

import contextlib
import os
import random
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from Xlib import XK, X
from Xlib import display as xdisplay
from Xlib.ext import xtest

NEEDED = ("Xvfb", "openbox", "xterm", "xcalc", "xedit", "bitmap")
SIZE = (1280, 720)
_START_SECONDS = 20.0
# What of our own environment a program on the private display may see.
_PASSED = ("PATH", "LANG", "LC_ALL", "TMPDIR", "XDG_RUNTIME_DIR", "PYTHONPATH", "VIRTUAL_ENV")


class DesktopError(Exception):
    """A program of the private desktop is missing or did not start."""


def missing_programs() -> list[str]:
    """Return the names of programs that are not installed."""
    return [name for name in NEEDED if shutil.which(name) is None]


@dataclass
class Desktop:
    """A running private desktop; made by ``private_desktop``.

    Attributes:
        name: of the display, as in ``DISPLAY``.
        environment: for programs that should appear on it (no Wayland, no other display).
    """

    name: str
    environment: Mapping[str, str]
    folder: Path
    _connection: Any = None
    _programs: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def connection(self) -> Any:
        """A connection to the display, for one thread."""
        if self._connection is None:
            self._connection = xdisplay.Display(self.name)
        return self._connection

    # --- programs -------------------------------------------------------------------------

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Start a program on the display; it ends with the desktop."""
        program = subprocess.Popen(
            command,
            env=dict(self.environment),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._programs.append(program)
        return program

    def open(self, *command: str) -> int:
        """Start a program and wait until its window is active; return the window's number."""
        before = self.windows()
        self.start(*command)
        self.wait(lambda: bool(self.windows() - before), f"a window of {command[0]}")
        window = (self.windows() - before).pop()
        self.activate(window)
        return window

    def windows(self) -> set[int]:
        """Return the numbers of the windows that the window manager looks after."""
        return set(self._root_numbers("_NET_CLIENT_LIST"))

    def active(self) -> int:
        """Return the number of the active window, or 0."""
        return next(iter(self._root_numbers("_NET_ACTIVE_WINDOW")), 0)

    def _root_numbers(self, name: str) -> list[int]:
        atom = self.connection.intern_atom(name)
        found = self.connection.screen().root.get_full_property(atom, X.AnyPropertyType)
        return [int(number) for number in found.value] if found is not None else []

    def activate(self, window: int) -> None:
        """Make a window the active one, as a click in a task bar does, and wait for it."""
        from Xlib.protocol import event  # noqa: PLC0415 - needed here alone

        root = self.connection.screen().root
        resource = self.connection.create_resource_object("window", window)
        message = event.ClientMessage(
            window=resource,
            client_type=self.connection.intern_atom("_NET_ACTIVE_WINDOW"),
            data=(32, [2, X.CurrentTime, 0, 0, 0]),
        )

        def is_active() -> bool:
            root.send_event(
                message, event_mask=X.SubstructureRedirectMask | X.SubstructureNotifyMask
            )
            self.connection.sync()
            return self.active() == window

        self.wait(is_active, "a window to become active")

    def close(self, window: int) -> None:
        """Close a window by ending its program."""
        self.connection.create_resource_object("window", window).kill_client()
        self.connection.sync()
        self.wait(lambda: window not in self.windows(), "a window to close")

    def close_all(self) -> None:
        """Close every window."""
        for window in self.windows():
            self.close(window)

    def place(self, window: int, x: int, y: int, width: int, height: int) -> None:
        """Move a window and give it a size."""
        resource = self.connection.create_resource_object("window", window)
        resource.configure(x=x, y=y, width=width, height=height)
        self.connection.sync()

    # --- input ----------------------------------------------------------------------------

    def press(self, *keys: str) -> None:
        """Press keys together, as ``press("Control_L", "c")``; names are X key symbols."""
        codes = [self._code(key)[0] for key in keys]
        for code in codes:
            xtest.fake_input(self.connection, X.KeyPress, code)
        for code in reversed(codes):
            xtest.fake_input(self.connection, X.KeyRelease, code)
        self.connection.sync()

    def type(self, text: str, pause: float = 0.0) -> None:
        """Type a text key by key; characters that no key has are left out."""
        for character in text:
            code, shifted = self._code(_KEY_NAMES.get(character, character))
            if code:
                self._stroke(code, shifted=shifted)
            if pause:
                time.sleep(pause)
        self.connection.sync()

    def _stroke(self, code: int, *, shifted: bool) -> None:
        shift = self._code("Shift_L")[0]
        if shifted:
            xtest.fake_input(self.connection, X.KeyPress, shift)
        xtest.fake_input(self.connection, X.KeyPress, code)
        xtest.fake_input(self.connection, X.KeyRelease, code)
        if shifted:
            xtest.fake_input(self.connection, X.KeyRelease, shift)

    def _code(self, name: str) -> tuple[int, bool]:
        symbol = XK.string_to_keysym(name)
        found = self.connection.keysym_to_keycodes(symbol)
        plain = [code for code, index in found if index == 0]
        shifted = [code for code, index in found if index == 1]
        return (plain[0], False) if plain else (shifted[0], True) if shifted else (0, False)

    def move(self, x: int, y: int) -> None:
        """Put the pointer somewhere."""
        xtest.fake_input(self.connection, X.MotionNotify, x=x, y=y)
        self.connection.sync()

    def click(self, x: int, y: int, button: int = 1, times: int = 1) -> None:
        """Click at a position in pixels."""
        self.move(x, y)
        for _ in range(times):
            xtest.fake_input(self.connection, X.ButtonPress, button)
            xtest.fake_input(self.connection, X.ButtonRelease, button)
        self.connection.sync()

    def drag(self, start: tuple[int, int], end: tuple[int, int]) -> None:
        """Drag with the left button."""
        self.move(*start)
        xtest.fake_input(self.connection, X.ButtonPress, 1)
        self.move(*end)
        xtest.fake_input(self.connection, X.ButtonRelease, 1)
        self.connection.sync()

    def scroll(self, notches: int) -> None:
        """Turn the wheel: up when positive."""
        for _ in range(abs(notches)):
            self.click_button(4 if notches > 0 else 5)

    def click_button(self, button: int) -> None:
        """Press and release a button where the pointer is."""
        xtest.fake_input(self.connection, X.ButtonPress, button)
        xtest.fake_input(self.connection, X.ButtonRelease, button)
        self.connection.sync()

    # --- waiting and ending ---------------------------------------------------------------

    def wait(self, until: Callable[[], bool], what: str, seconds: float = _START_SECONDS) -> None:
        """Wait until something holds.

        Raises:
            DesktopError: it did not within ``seconds``.
        """
        deadline = time.monotonic() + seconds
        while not until():
            if time.monotonic() > deadline:
                raise DesktopError(f"Waited {seconds:g} s in vain for {what}.")
            time.sleep(0.02)

    def end(self) -> None:
        """End every program that was started here."""
        if self._connection is not None:
            with contextlib.suppress(Exception):
                self._connection.close()
        for program in reversed(self._programs):
            _end(program)


_KEY_NAMES = {
    " ": "space", "\n": "Return", "\t": "Tab", "-": "minus", "_": "underscore", ".": "period",
    ",": "comma", "/": "slash", ":": "colon", ";": "semicolon", "=": "equal", "+": "plus",
    "!": "exclam", "@": "at", "#": "numbersign", "$": "dollar", "%": "percent", "&": "ampersand",
    "*": "asterisk", "(": "parenleft", ")": "parenright", "'": "apostrophe", '"': "quotedbl",
}  # fmt: skip


def _end(program: subprocess.Popen[bytes]) -> None:
    if program.poll() is not None:
        return
    program.terminate()
    try:
        program.wait(3)
    except subprocess.TimeoutExpired:
        program.kill()
        program.wait()


@contextmanager
def private_desktop(size: tuple[int, int] = SIZE) -> Iterator[Desktop]:
    """Run a private desktop; everything on it ends with the block, also after Ctrl-C.

    Args:
        size: width and height of its screen in pixels.

    Raises:
        DesktopError: a program is missing or does not start.
    """
    if missing := missing_programs():
        raise DesktopError(f"Not installed: {', '.join(missing)}.")
    with TemporaryDirectory(prefix="deskbound-desktop-") as folder:
        server, name = _start_server(size)
        passed = {key: os.environ[key] for key in _PASSED if key in os.environ}
        home = Path(folder)
        # A shell whose terminal was killed would write its history while the folder is removed.
        environment = {**passed, "DISPLAY": name, "HOME": folder, "HISTFILE": ""}
        desktop = Desktop(name, environment, home)
        try:
            desktop.start("openbox", "--sm-disable")
            desktop.wait(lambda: desktop.active() != 0 or _managed(desktop), "the window manager")
            yield desktop
        finally:
            desktop.end()
            _end(server)


def _managed(desktop: Desktop) -> bool:
    return bool(desktop._root_numbers("_NET_SUPPORTING_WM_CHECK"))  # noqa: SLF001 - same module


def _start_server(size: tuple[int, int]) -> tuple[subprocess.Popen[bytes], str]:
    reading, writing = os.pipe()
    try:
        server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(writing), "-screen", "0", f"{size[0]}x{size[1]}x24",
             "-noreset", "-nolisten", "tcp"],
            pass_fds=(writing,),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for us; we end it in our own order
        )  # fmt: skip
    finally:
        os.close(writing)
    with os.fdopen(reading) as answer:
        number = answer.readline().strip()  # the server writes once it takes connections
    if not number:
        _end(server)
        raise DesktopError("The virtual display Xvfb did not start.")
    return server, f":{number}"


# --- varied work, for the demo ----------------------------------------------------------------

_AT_ONE_THING = 4  # people stay with a program for a while
_WORDS = ("report", "minutes", "draft", "total", "review", "budget", "answer", "plan")


def work(
    desktop: Desktop,
    seconds: float = 20.0,
    seed: int = 1,
    step: Callable[[str], None] = lambda _: None,
) -> int:
    """Drive real programs with real input for a while; return how many routines were done.

    Args:
        desktop: where.
        seconds: about how long.
        seed: of the choices.
        step: told what is being done, for people who watch.
    """
    choose = random.Random(seed)  # noqa: S311 - varied, not secret
    programs = _open_programs(desktop)
    routines = (_write, _calculate, _command, _look_around)
    deadline, done = time.monotonic() + seconds, 0
    while time.monotonic() < deadline:
        routine = choose.choice(routines)
        step((routine.__doc__ or "").rstrip("."))
        for _ in range(_AT_ONE_THING):
            routine(desktop, programs, choose)
            done += 1
    return done


def _open_programs(desktop: Desktop) -> dict[str, int]:
    places = {
        "xterm": (20, 40, 600, 300), "xedit": (660, 40, 580, 300),
        "xcalc": (20, 400, 300, 280), "bitmap": (660, 400, 560, 300),
    }  # fmt: skip
    windows = {}
    for program, place in places.items():
        windows[program] = desktop.open(program)
        desktop.place(windows[program], *place)
    return windows


def _write(desktop: Desktop, programs: dict[str, int], choose: random.Random) -> None:
    """Write a line in the editor."""
    desktop.activate(programs["xedit"])
    desktop.click(choose.randint(700, 1200), choose.randint(200, 300))
    desktop.type(" ".join(choose.choices(_WORDS, k=3)), pause=0.03)
    desktop.press("Return")
    desktop.press("Control_L", "a")
    desktop.press("Control_L", "c")


def _calculate(desktop: Desktop, programs: dict[str, int], choose: random.Random) -> None:
    """Add two numbers in the calculator."""
    desktop.activate(programs["xcalc"])
    desktop.type(f"{choose.randint(10, 999)}+{choose.randint(10, 999)}", pause=0.04)
    desktop.press("Return")
    desktop.click(choose.randint(60, 280), choose.randint(480, 640))


def _command(desktop: Desktop, programs: dict[str, int], choose: random.Random) -> None:
    """Run a command in the terminal."""
    desktop.activate(programs["xterm"])
    desktop.type(choose.choice(("ls -l", "date", "uptime", "pwd")), pause=0.04)
    desktop.press("Return")
    desktop.press("Up")
    desktop.press("Control_L", "u")


def _look_around(desktop: Desktop, programs: dict[str, int], choose: random.Random) -> None:
    """Scroll, and draw in the bitmap editor."""
    desktop.move(choose.randint(700, 1200), choose.randint(100, 300))
    desktop.scroll(choose.choice((-4, -3, 3)))
    desktop.activate(programs["bitmap"])
    desktop.drag((1000, 500), (choose.randint(1020, 1150), choose.randint(510, 640)))
    time.sleep(0.3)
