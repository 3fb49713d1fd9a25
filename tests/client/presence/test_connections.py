"""Nothing here asks for the display where another user of this machine could answer."""

import socket
from contextlib import suppress

import pytest

from deskbound_client.presence.hotkey import Hotkey
from deskbound_client.presence.keys import parse
from deskbound_client.presence.somebody import Somebody
from deskbound_client.presence.tray import has_tray
from deskbound_strategies.errors import NotFoundError


def take_hotkey(name):
    with suppress(NotFoundError):
        Hotkey(name, parse("ctrl+alt+p"), lambda: None).take()


def ask_for_somebody(name):
    assert Somebody(30, {"DISPLAY": name}).is_there() is None


def ask_for_tray(name):
    assert not has_tray(name)


@pytest.mark.parametrize("ask", [take_hotkey, ask_for_somebody, ask_for_tray])
def test_a_dead_display_is_not_sought_on_a_local_port(ask):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        number = listening.getsockname()[1] - 6_000  # where a TCP display of that number would be
        listening.settimeout(0.5)
        ask(f":{number}")
        with pytest.raises(TimeoutError):
            listening.accept()
