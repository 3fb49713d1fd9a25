"""Questions to the desktop's message bus (D-Bus), over its Unix socket; no answer means no."""

from contextlib import suppress
from typing import Any, Self

from jeepney import DBusAddress, MessageType, Properties, new_method_call
from jeepney.io.blocking import DBusConnection, open_dbus_connection

_SECONDS = 2.0
_DAEMON = DBusAddress(
    "/org/freedesktop/DBus", bus_name="org.freedesktop.DBus", interface="org.freedesktop.DBus"
)


class SessionBus:
    """One connection for a few questions; use it in a ``with`` statement."""

    def __init__(self) -> None:
        self._connection: DBusConnection | None = None

    def __enter__(self) -> Self:
        # Many things can be wrong with a bus, all of which mean that it is not there.
        with suppress(Exception):
            self._connection = open_dbus_connection("SESSION", auth_timeout=_SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        if self._connection is not None:
            self._connection.close()

    def has(self, name: str) -> bool:
        """Whether a service runs."""
        return self._ask(new_method_call(_DAEMON, "NameHasOwner", "s", (name,))) is True

    def could_have(self, name: str) -> bool:
        """Whether a service would be started when somebody needs it."""
        found = self._ask(new_method_call(_DAEMON, "ListActivatableNames"))
        return isinstance(found, list) and name in found

    def property_of(self, service: str, path: str, interface: str, name: str) -> Any:
        """Return a property of a service, None where it does not answer.

        A service that does not run is not started for the question's sake.
        """
        if not self.has(service):
            return None
        address = DBusAddress(path, bus_name=service, interface=interface)
        found = self._ask(Properties(address).get(name))
        return found[1] if isinstance(found, tuple) else None

    def _ask(self, message: Any) -> Any:
        if self._connection is None:
            return None
        with suppress(Exception):
            reply = self._connection.send_and_get_reply(message, timeout=_SECONDS)
            if reply.header.message_type is MessageType.method_return:
                return reply.body[0]
        return None
