"""The keyboard layout is switched while capture runs: the classes are those of the new layout."""

import pytest
from Xlib import X
from Xlib.ext import xtest

from deskbound_client.capture import signals
from tests.helpers.display import capturing, eventually
from tests.helpers.xserver import x_server

pytestmark = pytest.mark.display
Q, BRACKET, RIGHT_ALT, ENTER = 24, 34, 108, 36  # key codes: places on the keyboard


@pytest.fixture(scope="module")
def desktop():
    with x_server() as server:
        server.desktop.open("xterm")
        yield server.desktop


@pytest.fixture
def session(desktop, tmp_path):
    desktop.start("setxkbmap", "us").wait()
    with capturing(tmp_path / "home", desktop, streams=signals.KEYS) as made:
        made.notices(desktop.active())
        yield made


def strokes(desktop, *codes, held=0):
    """Press keys by their place, with another one held down, and end the burst with enter."""
    if held:
        xtest.fake_input(desktop.connection, X.KeyPress, held)
    for code in codes:
        xtest.fake_input(desktop.connection, X.KeyPress, code)
        xtest.fake_input(desktop.connection, X.KeyRelease, code)
    if held:
        xtest.fake_input(desktop.connection, X.KeyRelease, held)
    for kind in (X.KeyPress, X.KeyRelease):
        xtest.fake_input(desktop.connection, kind, ENTER)
    desktop.connection.sync()


def bursts(session, count):
    """Return the bursts once ``count`` lines have been ended."""
    eventually(lambda: session.names().count("key:enter") == count, f"{count} lines")
    return [name for name in session.names() if name.startswith("type")]


def layout(desktop, session, *words, classes):
    """Switch the layout and wait until the bracket key has its classes."""
    desktop.start("setxkbmap", *words).wait()
    keymap = session.capture._keys

    def is_there():
        return keymap._decoder.keymap.keys[BRACKET].levels[::2][: len(classes)] == classes

    eventually(is_there, "the new layout")


def test_a_key_is_what_the_layout_of_the_moment_makes_it(desktop, session):
    strokes(desktop, BRACKET, BRACKET, BRACKET)
    assert bursts(session, 1) == ["type:mixed/2-3"]  # [[[
    layout(desktop, session, "de", classes=("letter",))
    strokes(desktop, BRACKET, BRACKET, BRACKET)
    assert bursts(session, 2)[1:] == ["type:letters/2-3"]  # üüü
    layout(desktop, session, "us", classes=("symbol",))
    strokes(desktop, BRACKET, BRACKET, BRACKET)
    assert bursts(session, 3)[2:] == ["type:mixed/2-3"]


def test_the_third_level_is_a_symbol_and_no_shortcut(desktop, session):
    layout(desktop, session, "de", classes=("letter",))
    strokes(desktop, Q, Q, Q, held=RIGHT_ALT)  # @@@
    strokes(desktop, Q, Q, Q)
    assert bursts(session, 2) == ["type:mixed/2-3", "type:letters/2-3"]
    assert not [name for name in session.names() if name.startswith("shortcut")]


def test_two_groups_and_the_key_that_toggles_them(desktop, session):
    layout(desktop, session, "us,ru", "-option", "grp:toggle", classes=("symbol", "letter"))
    strokes(desktop, BRACKET, BRACKET, BRACKET)
    for kind in (X.KeyPress, X.KeyRelease):
        xtest.fake_input(desktop.connection, kind, RIGHT_ALT)
    strokes(desktop, BRACKET, BRACKET, BRACKET)  # letters of another alphabet
    for kind in (X.KeyPress, X.KeyRelease):
        xtest.fake_input(desktop.connection, kind, RIGHT_ALT)
    strokes(desktop, BRACKET, BRACKET, BRACKET)
    assert bursts(session, 3) == ["type:mixed/2-3", "type:letters/2-3", "type:mixed/2-3"]
    assert not [name for name in session.names() if name.startswith("shortcut")]
    desktop.start("setxkbmap", "us", "-option", "").wait()
