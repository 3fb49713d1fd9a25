"""Listens to accessibility (AT-SPI over D-Bus): which kind of object has the keyboard.

Only roles are asked for. The one name ever looked at is that of a browser's own window where
nothing else tells whether it is private; it is judged in place and not kept. Accessibility is never
switched on from here; where it is off nothing is known, and whoever asks is told so.
"""

import contextlib
import os
import select
import threading
import time
from typing import Any

from jeepney import (
    DBusAddress,
    HeaderFields,
    Message,
    MessageType,
    Properties,
    message_bus,
    new_method_call,
)
from jeepney.io.blocking import open_dbus_connection

from deskbound_client.capture.attention import PASSWORD_TEXT, Attention, Field, Frame
from deskbound_client.capture.private_windows import private_by_name

_BUS = DBusAddress("/org/a11y/bus", "org.a11y.Bus", "org.a11y.Bus")
_REGISTRY = DBusAddress(
    "/org/a11y/atspi/registry", "org.a11y.atspi.Registry", "org.a11y.atspi.Registry"
)
_EVENTS = ("object:state-changed:focused", "window:activate", "window:deactivate")
_RULES = (
    "type='signal',interface='org.a11y.atspi.Event.Object',member='StateChanged'",
    "type='signal',interface='org.a11y.atspi.Event.Window'",
    "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged'",
)
_ANSWER_SECONDS = 0.5
_RETRY_SECONDS = 15.0


class Listener(threading.Thread):
    """Keeps an ``Attention`` true until ``stop``; connects anew when accessibility comes or goes.

    Args:
        attention: told of everything.
        bus: address of the session bus; None for this session's own.

    Attributes:
        asking: a question is under way, so what was seen until now is not judged yet.
        connected: somebody listens to accessibility.
    """

    def __init__(self, attention: Attention, bus: str | None = None) -> None:
        super().__init__(name="accessibility", daemon=True)
        self.asking = False
        self.connected = False
        self._attention = attention
        self._bus = bus or os.environ.get("DBUS_SESSION_BUS_ADDRESS", "")
        self._stopping = threading.Event()
        self._news, self._tell = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._woken, self._wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._named: frozenset[int] = frozenset()  # processes whose windows only a name tells
        self._pids: dict[str, int] = {}

    def fileno(self) -> int:
        """Return what becomes readable when there is news."""
        return self._news

    def heard(self) -> None:
        """Take note of the news."""
        _drain(self._news)

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()
        _poke(self._wake)

    def name_windows_of(self, pid: int) -> None:
        """Look at the name of this browser's active windows from now on."""
        if pid and pid not in self._named:
            self._named |= {pid}
            _poke(self._wake)

    def run(self) -> None:
        """Listen; whatever goes wrong, nothing is known until it works again."""
        while self._bus and not self._stopping.is_set():
            # Any error: a bus that is not there, a program that answers nonsense.
            with contextlib.suppress(Exception):
                self._listen()
            # Where it told of a password field and fell silent, the field may still be there.
            (self._attention.unsure if self.connected else self._attention.lost)()
            self.connected = self.asking = False
            _poke(self._tell)
            self._stopping.wait(_RETRY_SECONDS)

    def _listen(self) -> None:
        address = self._accessibility_bus()
        if not address:
            return
        with open_dbus_connection(address) as signals, open_dbus_connection(address) as questions:
            self._questions, self._pids = questions, {}
            for rule in _RULES:
                _ask(signals, new_method_call(message_bus, "AddMatch", "s", (rule,)))
            for event in _EVENTS:
                _ask(signals, new_method_call(_REGISTRY, "RegisterEvent", "s", (event,)))
            self._attention.unsure()
            self.connected = True
            while not self._stopping.is_set():
                self._take(signals)
                select.select([signals.sock, self._woken], [], [])
                _drain(self._woken)
                self._name_frames()

    def _accessibility_bus(self) -> str:
        with open_dbus_connection(self._bus) as session:
            owned = new_method_call(message_bus, "NameHasOwner", "s", (_BUS.bus_name,))
            if not _ask(session, owned)[0]:  # asking it would start it
                return ""
            return str(_ask(session, new_method_call(_BUS, "GetAddress"))[0])

    def _take(self, signals: Any) -> None:
        while True:
            try:
                message = signals.receive(timeout=0)
            except TimeoutError:
                return
            if message.header.message_type is MessageType.signal:
                self.asking = True
                try:
                    heard = self._hear(message)
                finally:
                    self.asking = False
                if heard:
                    _poke(self._tell)

    def _hear(self, message: Message) -> bool:
        """Tell what a signal means; return whether it means anything."""
        fields, now = message.header.fields, time.monotonic()
        sender, thing = str(fields[HeaderFields.sender]), str(fields[HeaderFields.path])
        match fields[HeaderFields.member], message.body[0], message.body[1]:
            case "NameOwnerChanged", name, _ if not message.body[2]:
                self._pids.pop(name, None)
                self._attention.gone(name, now)
            case "NameOwnerChanged", str(name), "" if name.startswith(":"):
                return self._joined(name)
            case "Activate", _, _:
                pid = self._pid(sender)
                private = self._private(sender, thing) if pid in self._named else None
                self._attention.activated(Frame(sender, thing, pid, private), now)
            case "Deactivate", _, _:
                self._attention.deactivated(sender, thing, now)
            case "StateChanged", "focused", 0:
                self._attention.unfocused(sender, thing, now)
            case "StateChanged", "focused", _:
                field = Field(sender, thing, self._pid(sender), self._role(sender, thing))
                self._attention.focused(field, now)
            case _:
                return False
        return True

    def _joined(self, sender: str) -> bool:
        pid = self._pid(sender)
        if pid in {0, os.getpid()}:  # gone already, or this very listener
            return False
        self._attention.joined(sender, pid)
        return True

    def _name_frames(self) -> None:
        """Look at the active window of a browser that was only now found to need it."""
        for pid in self._named:
            frame = self._attention.frame_of(pid)
            if frame is not None and frame.private is None:
                private = self._private(frame.sender, frame.thing)
                if private is not None and self._attention.frame_of(pid) is frame:
                    self._attention.named(frame, private=private)
                    _poke(self._tell)

    def _role(self, sender: str, thing: str) -> int:
        """Return the role of an object; one that does not say counts as a password field."""
        accessible = DBusAddress(thing, sender, "org.a11y.atspi.Accessible")
        with contextlib.suppress(Exception):
            return int(_ask(self._questions, new_method_call(accessible, "GetRole"))[0])
        return PASSWORD_TEXT

    def _private(self, sender: str, thing: str) -> bool | None:
        accessible = DBusAddress(thing, sender, "org.a11y.atspi.Accessible")
        with contextlib.suppress(Exception):
            return private_by_name(
                str(_ask(self._questions, Properties(accessible).get("Name"))[0][1])
            )
        return None

    def _pid(self, sender: str) -> int:
        if sender not in self._pids:
            question = new_method_call(message_bus, "GetConnectionUnixProcessID", "s", (sender,))
            with contextlib.suppress(Exception):
                self._pids[sender] = int(_ask(self._questions, question)[0])
        return self._pids.get(sender, 0)


def _ask(connection: Any, question: Message) -> Any:
    """Return the body of the answer.

    Raises:
        RuntimeError: the answer is an error; what it says is not repeated.
    """
    answer = connection.send_and_get_reply(question, timeout=_ANSWER_SECONDS)
    if answer.header.message_type is not MessageType.method_return:
        raise RuntimeError
    return answer.body


def _poke(descriptor: int) -> None:
    with contextlib.suppress(BlockingIOError):
        os.write(descriptor, b"\0")


def _drain(descriptor: int) -> None:
    with contextlib.suppress(BlockingIOError):
        while os.read(descriptor, 512):
            pass
