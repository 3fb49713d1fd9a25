"""The X server is gone and comes back: capture says so, marks the hole, and goes on by itself."""

import pytest

from deskbound_client.capture.settings import CaptureConfig
from deskbound_client.capture.status import read_status
from tests.helpers.display import capturing, eventually
from tests.helpers.xserver import x_server

pytestmark = pytest.mark.display
ANY_HOLE = CaptureConfig(gap_seconds=0, thumbnail_seconds=1)


@pytest.fixture
def server():
    with x_server() as made:
        yield made


def state(session):
    told = read_status(session.home / "run" / "capture.json")
    return "" if told is None else told.state


def comes_back(server, session):
    """Start the server anew, with a terminal, and wait until the watch knows it."""
    desktop = server.start()
    terminal = desktop.open("xterm")
    desktop.place(terminal, 500, 300, 700, 400)
    session.notices(terminal)
    for keeper in session.capture._taps._keepers.values():
        eventually(lambda one=keeper: one.running and one._listener.ready.is_set(), "the taps")
    return desktop


def test_what_was_stored_stays_and_nothing_is_invented(server, tmp_path):
    server.desktop.open("xterm")
    with capturing(tmp_path / "home", server.desktop, config=ANY_HOLE) as session:
        session.notices(server.desktop.active())
        server.desktop.press("F2")
        session.until("key:f2")
        session.settled()
        before = session.actions()
        server.kill()
        eventually(lambda: state(session) == "display-lost", "the status to say so")
        assert session.actions() == before
        desktop = comes_back(server, session)
        desktop.press("F3")
        session.until("key:f3")
        eventually(lambda: state(session) == "open", "the status to say so")
        eventually(lambda: "display-lost" in {gap.cause for gap in session.gaps()}, "the hole")
        after = session.actions()
        assert after[: len(before)] == before
        assert [name for name in session.names() if name.startswith("key")] == ["key:f2", "key:f3"]
        eventually(lambda: len(session.thumbs()) >= 2, "pictures of the new server")


def test_a_pause_stays_a_pause(server, tmp_path):
    server.desktop.open("xterm")
    with capturing(tmp_path / "home", server.desktop, config=ANY_HOLE) as session:
        session.control.pause()
        server.kill()
        desktop = server.start()
        terminal = desktop.open("xterm")
        desktop.press("F4")
        assert session.control.paused
        eventually(lambda: state(session) == "paused", "the status to say so")
        assert session.actions() == []
        assert session.gaps() == []  # who paused misses nothing
        session.control.resume()
        session.notices(terminal)
        for keeper in session.capture._taps._keepers.values():
            eventually(lambda one=keeper: one.running and one._listener.ready.is_set(), "the taps")
        desktop.press("F5")
        session.until("key:f5")
        assert "key:f4" not in session.names()


def test_a_gesture_under_way_when_the_server_dies_is_kept_or_lost_never_mixed(server, tmp_path):
    server.desktop.open("xterm")
    with capturing(tmp_path / "home", server.desktop, config=ANY_HOLE) as session:
        session.notices(server.desktop.active())
        server.desktop.type("abcdef")  # a burst that is still open
        server.kill()
        desktop = comes_back(server, session)
        desktop.type("12")
        desktop.press("Return")
        names = session.until("key:enter")
    typed = [name for name in names if name.startswith("type")]
    assert typed[-1] == "type:digits/2-3"
    assert set(typed[:-1]) <= {"type:letters/4-7", "type:letters/2-3", "type:letters/1"}
