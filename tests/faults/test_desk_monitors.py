"""Monitors come, go and change their size while capture runs."""

import time

import pytest
from Xlib import X
from Xlib.ext import xtest

from deskbound_client.capture import signals
from deskbound_client.capture.settings import CaptureConfig
from deskbound_strategies.vocabulary import TOKENS, Kind, cell_at
from tests.helpers.display import capturing, eventually
from tests.helpers.xserver import FULL, SMALL, x_server

pytestmark = pytest.mark.display
SPOT = (1200, 600)  # another cell on each size


def cell_of(spot, size):
    return cell_at(spot[0] / size[0], spot[1] / size[1])


@pytest.fixture(scope="module")
def server():
    with x_server() as made:
        made.xrandr(
            "--output", "screen", "--off", "--fb", "1920x1080"
        )  # the screen alone has a size now
        yield made


@pytest.fixture
def desktop(server):
    server.resize(FULL)
    window = server.desktop.open("xterm")
    server.desktop.place(window, 20, 40, 1240, 640)  # both sizes hold it
    yield server.desktop
    server.desktop.close_all()


def clicks(session, kind):
    rows = [row for row in session.actions() if row.stream == signals.POINTER]
    return [TOKENS[row.token].argument for row in rows if TOKENS[row.token].kind is kind]


def sees(session, size):
    eventually(lambda: session.capture._board.current.screen == size, "the watch to see the size")


def test_cells_follow_the_size_of_the_screen(server, desktop, tmp_path):
    assert cell_of(SPOT, FULL) != cell_of(SPOT, SMALL)
    with capturing(tmp_path / "home", desktop, streams=signals.POINTER) as session:
        sees(session, FULL)
        desktop.click(*SPOT)
        session.settled()
        server.resize(SMALL)
        sees(session, SMALL)
        session.settled()
        desktop.click(*SPOT)
        session.settled()
        server.resize(FULL)
        sees(session, FULL)
        session.settled()
        desktop.click(*SPOT)
        session.settled()
        found = clicks(session, Kind.CLICK)
        assert session.capture._watch.faults == 0
    assert found == [cell_of(SPOT, FULL), cell_of(SPOT, SMALL), cell_of(SPOT, FULL)]


def test_a_click_just_after_the_change_has_the_right_cell_or_none(server, desktop, tmp_path):
    # The buttons tell the sizes apart: each click follows its change at once.
    buttons = {FULL: 2, SMALL: 3}
    with capturing(tmp_path / "home", desktop, streams=signals.POINTER) as session:
        sees(session, FULL)
        for size in (SMALL, FULL) * 6:
            server.resize(size)
            xtest.fake_input(desktop.connection, X.MotionNotify, x=SPOT[0], y=SPOT[1])
            desktop.click_button(buttons[size])
            time.sleep(0.3)
        session.settled()
        desktop.click(*SPOT)  # the last size is known for sure
        session.settled()
        found = {
            size: clicks(session, kind)
            for size, kind in ((FULL, Kind.MIDDLE_CLICK), (SMALL, Kind.RIGHT_CLICK))
        }
        assert clicks(session, Kind.CLICK) == [cell_of(SPOT, FULL)]
    assert set(found[FULL]) <= {cell_of(SPOT, FULL)}
    assert set(found[SMALL]) <= {cell_of(SPOT, SMALL)}


def test_a_position_inside_a_window_stays_right(server, desktop, tmp_path):
    with capturing(tmp_path / "home", desktop, streams=signals.POINTER) as session:
        for size in (SMALL, FULL):
            server.resize(size)
            sees(session, size)
            session.settled()
            desktop.click(340, 200)
            session.settled()
        rows = [row for row in session.actions() if row.stream == signals.POINTER]
    assert len(rows) == 2
    assert all(abs(row.fx - 4) <= 1 for row in rows)  # the left quarter of the terminal
    assert rows[0].fx == rows[1].fx
    assert rows[0].fy == rows[1].fy


def test_pictures_go_on_when_monitors_come_and_go(server, desktop, tmp_path):
    config = CaptureConfig(thumbnail_seconds=1)
    server.xrandr("--setmonitor", "whole", "1920/508x1080/286+0+0", "none")
    with capturing(tmp_path / "home", desktop, streams=signals.SCREEN, config=config) as session:
        eventually(lambda: len(session.thumbs()) == 1, "a picture of one monitor")
        server.xrandr("--delmonitor", "whole")
        server.xrandr("--setmonitor", "left", "800/212x1080/286+0+0", "none")
        server.xrandr("--setmonitor", "right", "1120/296x1080/286+800+0", "none")
        desktop.place(desktop.active(), 840, 40, 900, 500)
        eventually(lambda: len(session.thumbs()) >= 2, "a picture of the right monitor")
        last = session.thumbs()[-1]
        server.xrandr("--delmonitor", "right")
        server.xrandr("--delmonitor", "left")
        server.xrandr("--setmonitor", "small", "1280/339x720/190+0+0", "none")
        server.resize(SMALL)
        sees(session, SMALL)
        desktop.place(desktop.active(), 100, 50, 500, 250)
        eventually(lambda: len(session.thumbs()) >= 3, "a picture of what is left")
        assert session.capture._watch.faults == 0
        server.xrandr("--delmonitor", "small")
    cells = [nibble for byte in last.pixels for nibble in (byte >> 4, byte & 15)]
    # The window begins 40 of 1120 pixels into its own monitor; on the whole screen it would be 28.
    assert min(at % 64 for at, cell in enumerate(cells) if cell) <= 5
