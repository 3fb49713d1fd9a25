"""Desktop notices: that capture began, resumed, was paused or stopped, that a cap was reached.

They go to the desktop's own service over the session bus and say nothing of what was captured.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jeepney import DBusAddress, MessageType, new_method_call
from jeepney.io.blocking import open_dbus_connection

from deskbound_client.employee.pausing import stop_words
from deskbound_client.presence.desk import DeskState
from deskbound_strategies.errors import NotFoundError

REPLY_SECONDS = 3.0
_SHOWN_MS = 10_000
_SERVICE = DBusAddress(
    "/org/freedesktop/Notifications",
    bus_name="org.freedesktop.Notifications",
    interface="org.freedesktop.Notifications",
)


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice.

    Attributes:
        title: in a few words.
        text: one or two sentences.
    """

    title: str
    text: str


def news(before: DeskState, after: DeskState) -> tuple[Notice, ...]:
    """Return what an employee would want to be told of a change; often nothing.

    That capture is closed for a moment, for a lock or an excluded window, is not told: nothing is
    looked at then, and coming back from each would teach people to click notices away.
    """
    told = []
    if after.capturing and not before.capturing:
        told.append(_begun(before, after))
    if after.stopped_for is not None and before.stopped_for is None:
        words = f"{stop_words(after.stopped_for)} Only `deskbound resume` ends it."
        told.append(Notice("Deskbound was stopped", words))
    elif after.capture == "paused" and before.capture != "paused":
        told.append(Notice("Paused", "Nothing is captured until the pause is over."))
    if after.held and after.held != before.held:
        told.append(Notice("Deskbound holds back", f"{after.held} {after.mend}"))
    return tuple(told)


def _begun(before: DeskState, after: DeskState) -> Notice:
    how = "Pause at any time: `deskbound pause`."
    if before.capture != "paused":
        return Notice("Capture began", f"Deskbound captures what you agreed to. {how}")
    why = "Your pause is over." if after.by_timer else "You resumed it."
    return Notice("Capture resumed", f"{why} {how}")


def address(environ: Mapping[str, str]) -> str:
    """Return where the session bus listens.

    Raises:
        NotFoundError: when there is none.
    """
    given = environ.get("DBUS_SESSION_BUS_ADDRESS", "")
    if given:
        return given
    folder = environ.get("XDG_RUNTIME_DIR", "")
    if folder and (Path(folder) / "bus").is_socket():
        return f"unix:path={folder}/bus"
    raise _nobody()


def _nobody() -> NotFoundError:
    return NotFoundError(
        "Nothing on this desktop shows notices.",
        "Start a notification service, or set notifications = false in config.toml.",
    )


class Notices:
    """Hands notices to the desktop.

    Args:
        environ: the environment of this process.
    """

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._environ = environ
        self._bus: Any = None

    def check(self) -> None:
        """Check that there is somebody to hand notices to.

        Raises:
            NotFoundError: when there is not.
        """
        self._call("GetCapabilities", "", ())

    def show(self, notice: Notice) -> None:
        """Hand over one notice; it replaces none and asks for nothing.

        Raises:
            NotFoundError: when nobody took it.
        """
        # name, replaces, icon, title, text, actions, hints, milliseconds
        body: tuple[Any, ...] = ("Deskbound", 0, "", notice.title, notice.text, [], {}, _SHOWN_MS)
        self._call("Notify", "susssasa{sv}i", body)

    def close(self) -> None:
        """Close the connection to the bus."""
        if self._bus is not None:
            self._bus.close()
            self._bus = None

    def _call(self, method: str, signature: str, body: tuple[Any, ...]) -> None:
        where = address(self._environ)
        try:
            if self._bus is None:
                self._bus = open_dbus_connection(where)
            call = new_method_call(_SERVICE, method, signature or None, body)
            reply = self._bus.send_and_get_reply(call, timeout=REPLY_SECONDS)
        except Exception:  # noqa: BLE001 - the bus went away, or hangs: many kinds, one meaning
            self._drop()
            raise _nobody() from None
        if reply.header.message_type is not MessageType.method_return:
            raise _nobody()

    def _drop(self) -> None:
        bus, self._bus = self._bus, None
        if bus is not None:
            bus.close()
