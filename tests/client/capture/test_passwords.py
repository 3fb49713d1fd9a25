"""Password fields of real programs, told by a real accessibility bus on a private desktop."""

import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from deskbound_client.capture import signals
from deskbound_client.capture.attention import Attention
from deskbound_client.capture.gate import Reason, verdict
from deskbound_client.capture.passwords import Listener
from deskbound_strategies.vocabulary import APPS
from tests.helpers.accessibility import accessible, missing
from tests.helpers.display import ALL_STREAMS, capturing, desktop, eventually

__all__ = ["desktop"]
pytestmark = [
    pytest.mark.display,
    pytest.mark.skipif(bool(missing()), reason="accessibility is not installed"),
]


@pytest.fixture
def bus(desktop, monkeypatch) -> Iterator[object]:
    with accessible(desktop) as (able, address):
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
        yield able


@pytest.fixture
def session(bus, tmp_path):
    terminal = bus.open("xterm")
    with capturing(tmp_path / "home", bus) as found:
        eventually(lambda: found.capture._listener.connected, "somebody to listen")
        found.notices(terminal)
        yield found


def reason(session, stream=signals.KEYS):
    return verdict(session.control.word(), ALL_STREAMS, stream, session.capture._board.current)


def keys(session):
    session.settled()
    return [row for row in session.actions() if row.stream == signals.KEYS]


def says(holds, desktop, window, other):
    """Wait until a program says what has the keyboard.

    One that joined accessibility after its window got the keyboard says it only when it gets it
    again, so one looks away and back.
    """
    for _ in range(10):
        with suppress(AssertionError):
            return eventually(holds, "news", seconds=3.0)
        desktop.activate(other)
        desktop.activate(window)
    return eventually(holds, "what has the keyboard")


def test_an_entry_is_open_and_a_password_field_is_not(bus, session):
    terminal = bus.active()
    entry = bus.open("zenity", "--entry")
    says(lambda: session.capture._board.current.password is False, bus, entry, terminal)
    session.notices(entry)
    assert reason(session) is Reason.OPEN
    bus.type("ordinary words")
    session.until("type:letters/8-15")
    bus.close(entry)
    before = len(keys(session))

    dialog = bus.open("zenity", "--password")
    eventually(lambda: reason(session) is Reason.PASSWORD, "the password field to close")
    assert reason(session, signals.SCREEN) is Reason.PASSWORD
    assert reason(session, signals.POINTER) is Reason.OPEN
    for _ in range(5):
        bus.type("hunter2")
        time.sleep(0.1)
    assert len(keys(session)) == before
    bus.close(dialog)


def test_a_password_field_stays_closed_after_a_look_at_another_window(bus, session):
    terminal = bus.active()
    dialog = bus.open("zenity", "--password")
    eventually(lambda: reason(session) is Reason.PASSWORD, "the password field to close")
    bus.activate(terminal)
    eventually(lambda: reason(session) is Reason.OPEN, "the terminal to open after a moment")
    before = len(keys(session))
    bus.activate(dialog)
    bus.type("hunter2\t")
    eventually(lambda: reason(session) is Reason.PASSWORD, "the password field to close")
    assert len(keys(session)) == before


def test_keys_typed_the_moment_a_password_field_appears_are_not_kept(bus, session):
    before = len(keys(session))
    bus.start("zenity", "--password")
    dialog = set(bus.windows())
    while bus.windows() == dialog:
        bus.type("x")
    for _ in range(20):
        bus.type("hunter2")
        time.sleep(0.02)
    eventually(lambda: reason(session) is Reason.PASSWORD, "the password field to close")
    session.settled()
    rows = [row for row in session.actions() if row.stream == signals.KEYS][before:]
    assert {APPS[row.app] for row in rows} <= {"terminal"}


def test_where_accessibility_falls_silent_it_counts_as_a_password_field(desktop):
    attention = Attention()
    with accessible(desktop) as (able, address):
        listener = Listener(attention, address)
        listener.start()
        eventually(lambda: listener.connected, "somebody to listen")
        terminal = able.open("xterm")
        entry = able.open("zenity", "--entry")
        says(lambda: attention.password(0, time.monotonic()) is None, able, entry, terminal)
    eventually(lambda: not listener.connected, "the end of the bus to be noticed")
    assert attention.password(0, float("inf")) is True
    attention.moved(time.monotonic())
    assert attention.password(0, float("inf")) is None
    listener.stop()
    listener.join(20)
    assert not listener.is_alive()
