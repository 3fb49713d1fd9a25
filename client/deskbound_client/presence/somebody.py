"""Is somebody using this laptop? Asked of the X server; the agent lets training wait meanwhile.

Yes, no, or nobody can tell:

    no display at all          nobody sits at this machine: no
    X11                        input within the last minutes: yes, otherwise no
    Wayland                    cannot be told: an X server beside it sees only some of the input
    the display went away      cannot be told
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from deskbound_client.capture import idle
from deskbound_client.capture.display import connect


class Somebody:
    """Looks whether somebody is there.

    Args:
        idle_seconds: without input, after which nobody is.
        environ: the environment of this process.
    """

    def __init__(self, idle_seconds: float, environ: Mapping[str, str] = os.environ) -> None:
        self._idle_ms = int(idle_seconds * 1000)
        self._environ = environ
        self._connection: Any = None

    def is_there(self) -> bool | None:
        """Return whether somebody is there, None where it cannot be told."""
        if self._environ.get("WAYLAND_DISPLAY") or (
            self._environ.get("XDG_SESSION_TYPE") == "wayland"
        ):
            return None
        name = self._environ.get("DISPLAY", "")
        if not name:
            return False
        try:
            return self._ask(name)
        except Exception:  # noqa: BLE001 - python-xlib raises many kinds, all of which mean this
            self.close()
            return None

    def close(self) -> None:
        """Close the connection to the display."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):
                connection.close()

    def _ask(self, name: str) -> bool | None:
        if self._connection is None:
            self._connection = connect(name)
        if not idle.can_tell(self._connection):
            return None
        return idle.ask(self._connection).idle_ms < self._idle_ms
