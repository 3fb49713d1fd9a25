"""A private session bus, and a notification service on it that takes what it is given."""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from jeepney import HeaderFields, MessageType, new_error, new_method_return
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import open_dbus_connection

NAME = "org.freedesktop.Notifications"


@contextmanager
def private_bus() -> Iterator[str]:
    """Run a session bus of one's own; yields its address."""
    bus = subprocess.Popen(
        ["dbus-daemon", "--session", "--nofork", "--print-address"], stdout=subprocess.PIPE
    )
    assert bus.stdout is not None
    try:
        yield bus.stdout.readline().decode().strip()
    finally:
        bus.terminate()
        bus.wait(10)
        bus.stdout.close()


@dataclass
class Service:
    """What a desktop's notification service was given."""

    shown: list[tuple[str, str]] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)


@contextmanager
def notification_service(address: str) -> Iterator[Service]:
    """Own the service's name on a bus and answer its calls."""
    found, connection = Service(), open_dbus_connection(address)
    connection.send_and_get_reply(message_bus.RequestName(NAME))
    stopping = threading.Event()

    def serve() -> None:
        while not stopping.is_set():
            try:
                call = connection.receive(timeout=0.1)
            except TimeoutError:
                continue
            if call.header.message_type is not MessageType.method_call:
                continue
            match call.header.fields.get(HeaderFields.member):
                case "Notify":
                    found.bodies.append(call.body)
                    found.shown.append((call.body[3], call.body[4]))
                    connection.send(new_method_return(call, "u", (len(found.shown),)))
                case "GetCapabilities":
                    connection.send(new_method_return(call, "as", (["body"],)))
                case _:
                    connection.send(new_error(call, "org.freedesktop.DBus.Error.UnknownMethod"))

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield found
    finally:
        stopping.set()
        thread.join()
        connection.close()
