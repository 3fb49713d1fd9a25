"""Is somebody there, and is the screen covered? Asked of the X server's own screen saver."""

from dataclasses import dataclass
from typing import Any

from Xlib.ext import screensaver


@dataclass(frozen=True, slots=True)
class Presence:
    """What the X server knows of the person in front of it.

    Attributes:
        idle_ms: milliseconds since keyboard or pointer were last touched.
        saver_on: the screen saver covers the screen.
    """

    idle_ms: int
    saver_on: bool


def can_tell(connection: Any) -> bool:
    """Whether this X server answers questions about idleness."""
    return bool(connection.has_extension("MIT-SCREEN-SAVER"))


def ask(connection: Any) -> Presence:
    """Ask the X server; one round trip, which also delivers every event before it."""
    found = connection.screen().root.screensaver_query_info()
    return Presence(int(found.idle), found.state == screensaver.StateOn)
