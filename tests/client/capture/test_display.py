import socket

import pytest

from deskbound_client.capture.display import find_display
from deskbound_strategies.errors import NoDisplayError, WaylandError
from tests.helpers.display import desktop

__all__ = ["desktop"]


@pytest.mark.parametrize(
    "environ",
    [
        {"XDG_SESSION_TYPE": "wayland", "DISPLAY": ":0"},
        {"WAYLAND_DISPLAY": "wayland-0", "DISPLAY": ":0"},
    ],
)
def test_wayland_is_said_plainly_even_when_it_offers_an_x_display(environ):
    with pytest.raises(WaylandError) as caught:
        find_display(environ)
    assert "Wayland" in caught.value.sentence
    assert caught.value.mend


@pytest.mark.parametrize("environ", [{}, {"DISPLAY": ""}, {"DISPLAY": ":9871"}])
def test_a_missing_display_is_one_sentence_and_a_mend(environ):
    with pytest.raises(NoDisplayError) as caught:
        find_display(environ)
    assert caught.value.mend


@pytest.mark.parametrize("name", ["localhost:10.0", "10.0.0.5:0", "host:1"])
def test_a_display_across_the_network_is_refused(name):
    with pytest.raises(NoDisplayError, match="network"):
        find_display({"DISPLAY": name})


@pytest.mark.display
def test_a_display_that_answers_is_found(desktop):
    assert find_display(desktop.environment) == desktop.name


def test_a_dead_display_is_not_sought_on_a_local_port():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        number = listening.getsockname()[1] - 6_000  # where a TCP display of that number would be
        listening.settimeout(0.5)
        with pytest.raises(NoDisplayError):
            find_display({"DISPLAY": f":{number}"})
        with pytest.raises(TimeoutError):
            listening.accept()


@pytest.mark.display
def test_a_display_of_somebody_else_is_refused(desktop, monkeypatch):
    monkeypatch.setattr("deskbound_client.capture.display.os.geteuid", lambda: 4_711)
    monkeypatch.setattr("deskbound_client.capture.display._SYSTEM", 4_712)
    with pytest.raises(NoDisplayError) as caught:
        find_display(desktop.environment)
    assert "another user" in caught.value.sentence
