"""The pages as an employee meets them: a real vault, a real server on loopback, real Chromium."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from deskbound_client.capture.control import Control
from deskbound_client.paths import HomePaths
from deskbound_client.store.keystore import choose_keystore
from deskbound_client.store.vault import Vault
from deskbound_client.ui.desk import Desk
from deskbound_client.ui.serve import letter_of, serve
from deskbound_strategies.pages.keys import DoorKeys
from deskbound_strategies.pages.letter import Letter
from deskbound_strategies.pages.serving import authority_of, listening
from tests.helpers.cli import PASSPHRASE

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
WIDE, NARROW = (1280, 900), (360, 740)
PATIENCE = 60.0


class Clock:
    """Seconds that go on only when a test says so."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class Pages:
    """The pages of one vault while they are served."""

    desk: Desk
    letter: Letter
    clock: Clock
    thread: threading.Thread
    code: str
    visitors: list[httpx.Client] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"http://{self.desk.authority}"

    @property
    def paths(self) -> HomePaths:
        return self.desk.paths

    def client(self) -> httpx.Client:
        """A visitor with a cookie jar and no browser; ``enter`` lets it in."""
        self.visitors.append(httpx.Client(base_url=self.address, trust_env=False, timeout=PATIENCE))
        return self.visitors[-1]

    def anew(self) -> None:
        """Show everybody out and write a new letter, as if the command had been run again."""
        for visitor in self.visitors:
            visitor.close()
        self.visitors.clear()
        self.desk.keys = DoorKeys()
        self.code = self.desk.keys.code
        self.letter.burn()
        self.letter = letter_of(self.desk)
        self.desk.touch()

    def entered(self) -> httpx.Client:
        """A visitor who has come in."""
        visitor = self.client()
        answer = visitor.post("/enter", data={"code": self.code})
        assert answer.status_code == 200, answer.status_code
        return visitor

    def post(self, visitor: httpx.Client, path: str, **form: str) -> httpx.Response:
        """Send a form of ours, as a browser would."""
        form = {"csrf": self.desk.keys.csrf} | form
        origin = {"origin": self.address}
        return visitor.post(path, data=form, headers=origin, follow_redirects=True)

    def control(self) -> Control:
        return Control.open(self.paths.control)

    def ended(self) -> bool:
        self.thread.join(PATIENCE)
        return not self.thread.is_alive()


@contextmanager
def served(home: Path, vault: Vault, **more: Any) -> Iterator[Pages]:
    """Serve the pages of an open vault; they close it."""
    clock = Clock()
    with listening() as listener:
        desk = Desk(HomePaths(home), vault, authority_of(listener), clock=clock, **more)
        letter = letter_of(desk)
        thread = threading.Thread(target=serve, args=(desk, listener, letter), daemon=True)
        pages = Pages(desk, letter, clock, thread, desk.keys.code)
        thread.start()
        try:
            yield pages
        finally:
            pages.anew()  # closes what is still connected
            pages.letter.burn()
            clock.seconds += 10 * desk.idle_seconds
            thread.join(PATIENCE)
            assert not thread.is_alive(), "the pages did not end"


@contextmanager
def pages_of(home: Path, **more: Any) -> Iterator[Pages]:
    """Serve the pages of a home that ``deskbound init`` made; see ``tests/helpers/cli.py``."""
    vault = Vault.open(home, choose_keystore(home, lambda: PASSPHRASE))
    with served(home, vault, passphrase=PASSPHRASE, **more) as pages:
        yield pages


@dataclass
class Watched:
    """One page of a browser, and all that went wrong or out on it."""

    page: Page
    base: str
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def go(self, path: str) -> Page:
        self.page.goto(self.base + path)
        return self.page

    def strangers(self) -> list[str]:
        """Requests to anybody but our own server."""
        return [
            url for url in self.asked if not url.startswith((self.base + "/", "file:", "data:"))
        ]

    def too_wide(self) -> bool:
        """Whether one must scroll sideways."""
        return bool(
            self.page.evaluate(
                "document.documentElement.scrollWidth > document.documentElement.clientWidth"
            )
        )


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One Chromium for a module: while it lives, this thread has an event loop that runs."""
    if not Path(CHROMIUM).exists():
        pytest.skip("not installed: chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def visiting(
    browser: Browser,
    pages: Pages,
    *,
    size: tuple[int, int] = WIDE,
    dark: bool = False,
    **more: Any,
) -> Iterator[Watched]:
    """Come in through the letter, as the employee's browser does, and watch what happens."""
    context: BrowserContext = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if dark else "light",
        **more,
    )
    page = context.new_page()
    watched = Watched(page, pages.address)
    page.on("console", lambda message: watched.said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: watched.said.append(f"error: {error}"))
    page.on("request", lambda request: watched.asked.append(request.url))
    try:
        page.goto(pages.letter.path.as_uri())
        if not more.get("java_script_enabled", True):  # then the letter is sent by hand
            page.get_by_role("button", name="Open Deskbound").click()
        page.wait_for_url(pages.address + "/")
        yield watched
    finally:
        context.close()
