"""Private windows: by family, in every language, focused and merely visible, on a real display."""

import itertools
import time
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from Xlib import Xatom

from demo.desktop import Desktop
from deskbound_client.capture import signals
from deskbound_client.capture.categories import CATEGORY_OF
from deskbound_client.capture.gate import Reason, verdict
from deskbound_client.capture.private_windows import (
    MARKERS,
    Family,
    family_of,
    private_by_name,
    private_by_title,
)
from deskbound_client.capture.settings import CaptureConfig
from tests.helpers.display import ALL_STREAMS, capturing, desktop, eventually

__all__ = ["desktop"]

# WM_CLASS of each browser, and the name it puts at the end of its titles.
BROWSERS = {
    "firefox": (("Navigator", "firefox"), "Mozilla Firefox"),
    "firefox-esr": (("Navigator", "firefox-esr"), "Mozilla Firefox"),
    "firefox flatpak": (("org.mozilla.firefox", "org.mozilla.firefox"), "Mozilla Firefox"),
    "librewolf": (("Navigator", "librewolf"), "LibreWolf"),
    "chromium": (("chromium (/tmp/x)", "Chromium"), "Chromium"),
    "chrome": (("google-chrome", "Google-chrome"), "Google Chrome"),
    "edge": (("microsoft-edge", "Microsoft-edge"), "Microsoft\u200b Edge"),
    "brave": (("brave-browser", "Brave-browser"), "Brave"),
    "opera": (("opera", "Opera"), "Opera"),
    "vivaldi": (("vivaldi-stable", "Vivaldi-stable"), "Vivaldi"),
    "tor": (("Navigator", "Tor Browser"), "Tor Browser"),
}
FIREFOXES = ("firefox", "firefox-esr", "firefox flatpak", "librewolf")
LANGUAGES = sorted(MARKERS)
# Pages may be called like a browser, also like one with a profile: titles are anybody's to choose.
BRANDS = st.sampled_from([brand for _, brand in BROWSERS.values()])
PAGES = (
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=30)
    | BRANDS
    | BRANDS.map(str.upper)
    | st.builds("{} - {}".format, BRANDS, st.text(st.characters(categories=["L"]), max_size=9))
)


def family(browser: str) -> Family:
    return family_of(tuple(name.lower() for name in reversed(BROWSERS[browser][0])))


def private_titles(browser: str, language: str) -> Iterator[str]:
    """Yield titles as browsers make them: the word after the name, in brackets, or before it."""
    brand = BROWSERS[browser][1]
    for word in MARKERS[language]:
        yield f"Page — {brand} {word}"
        yield f"Page - {brand} ({word.strip('()').capitalize()})"
        yield f"Page — {word} {brand}"
        yield f"Page - [{word}] - {brand}"


def test_at_least_twenty_languages_are_known():
    assert len(LANGUAGES) >= 40


@pytest.mark.parametrize("browser", BROWSERS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_private_title_is_one_in_every_browser_and_language(browser, language):
    for title in private_titles(browser, language):
        assert private_by_title(family(browser), title) is True


@pytest.mark.parametrize("browser", BROWSERS)
def test_an_ordinary_title_opens_only_where_titles_tell(browser):
    found = private_by_title(family(browser), f"A page — {BROWSERS[browser][1]}")
    assert found is (False if browser in FIREFOXES else True if browser == "tor" else None)


@given(word=st.text(st.characters(categories=["L"]), min_size=1, max_size=20), page=PAGES)
@example(word="A", page="YANDEX BROWSER")
def test_a_language_that_nobody_listed_is_closed_too(word, page):
    for title in (f"{page} — Mozilla Firefox {word}", f"{page} — Mozilla Firefox ({word})"):
        assert private_by_title(Family.TITLED, title) is not False
    for brand in ("Chromium", "Google Chrome", "Opera", "A browser that nobody listed"):
        assert private_by_name(f"{page} - {brand} ({word})") is not False
    assert private_by_name(f"{page} - Chromium {word}") is not False


@given(page=PAGES)
def test_no_page_title_makes_a_private_window_ordinary(page):
    for family_ in (Family.TITLED, Family.NAMED, Family.UNTOLD):
        found = private_by_title(family_, f"{page} — Mozilla Firefox (Private Browsing)")
        assert found is True
    assert private_by_name(f"{page} - Chromium (Incognito)") is True


def test_what_accessibility_calls_a_window_of_chromium():
    assert private_by_name("Pay slip - Chromium") is False
    assert private_by_name("Pay slip - Google Chrome - Anna") is False
    assert private_by_name("Opera - Google Chrome - Anna") is False
    assert private_by_name("Opera - Google Chrome (no language's word)") is None
    assert private_by_name("Opera - Somebody's own build (no language's word)") is None
    assert private_by_name("Pay slip - Chromium (Incognito)") is True
    assert private_by_name("Pay slip - Google Chrome (Guest)") is True
    assert private_by_name("Pay slip") is None
    assert private_by_name("") is None


@pytest.mark.parametrize(
    "name", [n for n, category in CATEGORY_OF.items() if category == "browser"]
)
def test_every_browser_of_the_table_has_a_family(name):
    assert family_of((name,)) is not Family.NONE


@pytest.mark.parametrize("title", [None, ""])
def test_a_browser_without_a_title_is_closed(title):
    assert private_by_title(Family.TITLED, title) is None


# --- on a real display ------------------------------------------------------------------------


class Window:
    """A window that looks like a browser's, with a title that can be changed at once."""

    def __init__(self, desktop: Desktop, names: tuple[str, str], title: str | None) -> None:
        self._desktop = desktop
        display = desktop.connection
        screen = display.screen()
        self.window = screen.root.create_window(
            700, 400, 300, 200, 0, screen.root_depth, background_pixel=screen.white_pixel
        )
        self.window.set_wm_class(*names)
        self._net_name = display.intern_atom("_NET_WM_NAME")
        self._utf8 = display.intern_atom("UTF8_STRING")
        if title is not None:
            self.call(title)
        self.number = int(self.window.id)
        desktop.wait(self._managed, "the window")
        desktop.place(self.number, 700, 400, 300, 200)
        desktop.activate(self.number)

    def _managed(self) -> bool:
        """Show the window, again if the window manager was not there yet."""
        self.window.unmap()
        self.window.map()
        self._desktop.connection.sync()
        time.sleep(0.1)
        return self.number in self._desktop.windows()

    def call(self, title: str) -> None:
        """Change the title, as a browser does: both properties."""
        self.window.change_property(self._net_name, self._utf8, 8, title.encode())
        latin = title.encode("latin-1", "replace")
        self.window.change_property(Xatom.WM_NAME, Xatom.STRING, 8, latin)
        self._desktop.connection.sync()

    def close(self) -> None:
        self.window.destroy()
        self._desktop.connection.sync()
        self._desktop.wait(lambda: self.number not in self._desktop.windows(), "it to close")


@pytest.fixture
def browser(desktop) -> Iterator[object]:
    opened: list[Window] = []

    def open_(name: str, title: str | None) -> Window:
        opened.append(Window(desktop, BROWSERS[name][0], title))
        return opened[-1]

    yield open_
    for window in opened:
        window.close()
    desktop.close_all()


def reason(session, stream=signals.POINTER):
    return verdict(session.control.word(), ALL_STREAMS, stream, session.capture._board.current)


@pytest.mark.display
@pytest.mark.parametrize("name", BROWSERS)
def test_nothing_is_kept_of_a_private_window_in_any_language(desktop, browser, tmp_path, name):
    config = CaptureConfig(thumbnail_seconds=1)
    with capturing(tmp_path / "home", desktop, config=config) as session:
        window = browser(name, None)
        session.notices(window.number)
        titles = itertools.chain(*(private_titles(name, language) for language in LANGUAGES))
        for title in titles:
            window.call(title)
            desktop.type("s\n")
            desktop.click(800, 480)
        session.settled()
        assert session.actions() == []
        assert session.thumbs() == []


@pytest.mark.display
def test_a_window_that_turns_private_keeps_what_was_before_and_nothing_after(
    desktop, browser, tmp_path
):
    ordinary, private = "Page — Mozilla Firefox", "Page — Mozilla Firefox Private Browsing"
    with capturing(tmp_path / "home", desktop, streams=signals.POINTER) as session:
        window = browser("firefox", ordinary)
        session.notices(window.number)
        for _ in range(10):
            eventually(lambda: reason(session) is Reason.OPEN, "the ordinary page to open")
            desktop.click(720, 420, button=3)
            window.call(private)
            for _ in range(5):
                desktop.click(900, 550)
            window.call(ordinary)
        session.settled()
        names = session.names()
    assert not any(name.startswith(("click", "double-click")) for name in names)


@pytest.mark.display
def test_keys_in_a_browser_wait_for_a_verdict_about_password_fields(desktop, browser, tmp_path):
    with capturing(tmp_path / "home", desktop) as session:
        window = browser("firefox", "Page — Mozilla Firefox")
        session.notices(window.number)
        desktop.click(800, 480)
        desktop.type("hunter2\n")
        session.settled()
        assert reason(session, signals.KEYS) is Reason.UNKNOWN
        assert {row.stream for row in session.actions()} <= {signals.POINTER, signals.WINDOWS}


@pytest.mark.display
def test_no_picture_while_a_private_window_is_merely_visible(desktop, browser, tmp_path):
    terminal = desktop.open("xterm")
    desktop.place(terminal, 20, 40, 400, 200)
    private = browser("firefox", "Page — Mozilla Firefox Private Browsing")
    desktop.activate(terminal)
    config = CaptureConfig(thumbnail_seconds=1)
    with capturing(tmp_path / "home", desktop, streams=signals.SCREEN, config=config) as session:
        session.notices(terminal)
        eventually(lambda: reason(session, signals.SCREEN) is Reason.PRIVATE, "it to be noticed")
        session.settled()
        session.settled()
        assert session.thumbs() == []
        private.window.unmap()
        desktop.connection.sync()
        eventually(lambda: bool(session.thumbs()), "a picture once it is hidden")


@pytest.mark.display
def test_a_browser_of_which_nothing_is_known_beside_the_window_is_no_hindrance(
    desktop, browser, tmp_path
):
    browser("chromium", "Page - Chromium")
    terminal = desktop.open("xterm")
    desktop.place(terminal, 20, 40, 400, 200)
    config = CaptureConfig(thumbnail_seconds=1)
    with capturing(tmp_path / "home", desktop, streams=signals.SCREEN, config=config) as session:
        session.notices(terminal)
        eventually(lambda: bool(session.thumbs()), "a picture")
        desktop.place(terminal, 690, 390, 400, 250)
        eventually(lambda: reason(session, signals.SCREEN) is Reason.PRIVATE, "it to be noticed")
