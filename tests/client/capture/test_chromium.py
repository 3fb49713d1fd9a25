"""A real Chromium on a private desktop: private windows and password fields of pages."""

import shutil
from collections.abc import Iterator

import pytest

from deskbound_client.capture import signals
from deskbound_client.capture.gate import Reason, verdict
from tests.helpers.accessibility import accessible, missing
from tests.helpers.display import ALL_STREAMS, capturing, desktop, eventually

__all__ = ["desktop"]
pytestmark = [
    pytest.mark.display,
    pytest.mark.slow,
    pytest.mark.skipif(
        bool(missing()) or shutil.which("chromium") is None, reason="no Chromium or accessibility"
    ),
]
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-session-crashed-bubble",
)  # fmt: skip
PAGE = "data:text/html,<title>Pay slip</title><input id=a autofocus><input type=password>"


@pytest.fixture
def bus(desktop, monkeypatch) -> Iterator[object]:
    with accessible(desktop) as (able, address):
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
        yield able


def chromium(desktop, folder, *more):
    return desktop.open("chromium", *FLAGS, f"--user-data-dir={folder}", *more, PAGE)


def reason(session, stream):
    return verdict(session.control.word(), ALL_STREAMS, stream, session.capture._board.current)


def listening(session):
    eventually(lambda: session.capture._listener.connected, "somebody to listen")


def test_a_page_is_open_and_its_password_field_is_not(bus, tmp_path):
    with capturing(tmp_path / "home", bus) as session:
        listening(session)
        window = chromium(bus, tmp_path / "browser", "--force-renderer-accessibility")
        session.notices(window)
        eventually(lambda: reason(session, signals.KEYS) is Reason.OPEN, "the entry to open")
        bus.type("plainly")
        bus.press("Home")
        session.until("type:letters/4-7", "key:home")
        bus.press("Tab")
        eventually(lambda: reason(session, signals.KEYS) is Reason.PASSWORD, "it to close")
        before = len(session.actions())
        for _ in range(5):
            bus.type("hunter2")
            bus.press("F5")
        session.settled()
        assert "key:f5" not in session.names()
        keys = [row for row in session.actions()[before:] if row.stream == signals.KEYS]
        assert keys == []


def test_nothing_is_kept_of_an_incognito_window_though_its_title_says_nothing(bus, tmp_path):
    with capturing(tmp_path / "home", bus) as session:
        listening(session)
        flags = ("--incognito", "--force-renderer-accessibility")
        window = chromium(bus, tmp_path / "browser", *flags)
        session.notices(window)
        eventually(lambda: reason(session, signals.POINTER) is Reason.PRIVATE, "it to be told")
        for _ in range(5):
            bus.type("secret words\n")
            bus.click(300, 300)
        session.settled()
        assert session.actions() == []
        assert session.thumbs() == []


def test_without_accessibility_chromium_is_closed(desktop, tmp_path):
    with capturing(tmp_path / "home", desktop) as session:
        window = chromium(desktop, tmp_path / "browser")
        session.notices(window)
        for _ in range(5):
            desktop.type("secret words\n")
            desktop.click(300, 300)
        session.settled()
        assert reason(session, signals.POINTER) is Reason.UNKNOWN
        assert session.actions() == []
        desktop.close_all()
