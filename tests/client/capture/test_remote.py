"""Is the display shown on another machine? Every sign alone is enough, and SSH is none."""

import pytest
from Xlib import display as xdisplay

from deskbound_client.capture.remote import ask_logind, is_remote
from tests.helpers.display import desktop

__all__ = ["desktop"]

LOCAL = {"display": ":0", "extensions": frozenset({"RECORD"}), "vendor": "The X.Org Foundation"}


def remote(environment=None, *, logind=None, **changed):
    return is_remote(environment or {}, **(LOCAL | changed), logind=logind)


@pytest.mark.parametrize("display", [":0", ":0.0", ":12.1", "unix:0"])
def test_a_display_of_this_machine_is_not_remote(display):
    assert remote(display=display) is False
    assert remote(display=display, logind=False) is False


@pytest.mark.parametrize(
    "signs",
    [
        {"display": "localhost:10.0"},
        {"display": "192.0.2.7:0"},
        {"environment": {"XRDP_SESSION": "1"}},
        {"environment": {"X2GO_SESSION": "u-50-1"}},
        {"extensions": frozenset({"RECORD", "VNC-EXTENSION"})},
        {"extensions": frozenset({"NX-EXTENSION"})},
        {"vendor": "The TigerVNC Project"},
        {"vendor": "NoMachine"},
        {"logind": True},
    ],
)
def test_every_sign_alone_is_enough(signs):
    assert remote(**signs) is True


def test_being_started_over_ssh_says_nothing_of_where_the_display_is_seen():
    assert remote({"SSH_CONNECTION": "192.0.2.1 1 192.0.2.2 22"}) is False


def test_a_machine_without_a_login_manager_is_not_told_remote(monkeypatch):
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent")
    assert ask_logind(":0") is None


@pytest.mark.display
def test_the_private_display_of_these_tests_is_local(desktop):
    connection = xdisplay.Display(desktop.name)
    extensions = frozenset(connection.list_extensions())
    vendor = connection.display.info.vendor
    connection.close()
    assert is_remote({}, desktop.name, extensions, str(vendor), logind=None) is False
    assert "RECORD" in extensions
