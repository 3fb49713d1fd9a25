"""Notices: which changes are told, and that a real service on a real bus gets them."""

import pytest

from deskbound_client.presence.desk import DeskState
from deskbound_client.presence.notices import Notice, Notices, address, news
from deskbound_strategies.errors import NotFoundError
from deskbound_strategies.stop_order import StopReason
from tests.helpers.bus import notification_service, private_bus

ON, CLOSED, OFF, PAUSED = (DeskState(word) for word in ("on", "closed", "off", "paused"))


@pytest.fixture(scope="module")
def bus():
    with private_bus() as where:
        yield where


@pytest.mark.parametrize(
    ("before", "after", "title"),
    [
        (OFF, ON, "Capture began"),
        (OFF, CLOSED, "Capture began"),
        (PAUSED, ON, "Capture resumed"),
        (PAUSED, CLOSED, "Capture resumed"),
        (ON, PAUSED, "Paused"),
        (OFF, PAUSED, "Paused"),
    ],
)
def test_what_is_told(before, after, title):
    assert [notice.title for notice in news(before, after)] == [title]


@pytest.mark.parametrize(
    ("before", "after"), [(ON, CLOSED), (CLOSED, ON), (ON, OFF), (ON, ON), (PAUSED, PAUSED)]
)
def test_what_is_not_told(before, after):
    assert news(before, after) == ()


def test_who_ended_a_pause_is_said():
    assert "Your pause is over." in news(PAUSED, DeskState("on", by_timer=True))[0].text
    assert "You resumed it." in news(PAUSED, DeskState("on"))[0].text


@pytest.mark.parametrize("before", [ON, CLOSED, OFF, PAUSED])
def test_that_the_operator_stopped_the_fleet_is_told_once_with_its_reason(before):
    after = DeskState("paused", stopped_for=StopReason.PRIVACY)
    (told,) = news(before, after)
    assert told.title == "Deskbound was stopped"
    assert "the privacy team asked for it" in told.text
    assert "deskbound resume" in told.text
    assert news(after, after) == ()


def test_a_cap_is_told_once():
    held = DeskState("on", held="Too much.", mend="Do less.")
    assert [notice.text for notice in news(ON, held)] == ["Too much. Do less."]
    assert news(held, held) == ()


def test_a_real_service_gets_title_and_text_and_nothing_else(bus):
    with notification_service(bus) as service:
        notices = Notices({"DBUS_SESSION_BUS_ADDRESS": bus})
        notices.check()
        notices.show(Notice("Capture began", "Pause at any time."))
        notices.close()
    assert service.shown == [("Capture began", "Pause at any time.")]
    name, replaces, icon, _, _, actions, hints, _ = service.bodies[0]
    assert (name, replaces, icon, actions, hints) == ("Deskbound", 0, "", [], {})


def test_a_bus_without_a_service_is_told_and_a_later_service_is_found(bus):
    notices = Notices({"DBUS_SESSION_BUS_ADDRESS": bus})
    with pytest.raises(NotFoundError, match="shows notices"):
        notices.check()
    with notification_service(bus) as service:
        notices.show(Notice("a", "b"))
    notices.close()
    assert service.shown == [("a", "b")]


@pytest.mark.parametrize(
    "environ",
    [{}, {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere"}, {"DBUS_SESSION_BUS_ADDRESS": "x"}],
)
def test_no_bus_is_told(environ):
    with pytest.raises(NotFoundError, match="shows notices"):
        Notices(environ).check()


def test_the_bus_of_the_session_is_found_without_the_variable(bus, tmp_path):
    import socket

    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "bus"))
        assert address({"XDG_RUNTIME_DIR": str(tmp_path)}) == f"unix:path={tmp_path}/bus"
