"""How many laptops there are, and are there; how many, never which."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from deskbound_server.control import Control
from deskbound_server.database import Database
from deskbound_server.home import ServerHome
from deskbound_strategies.errors import DeskboundError, UnreachableError, UntrustedServerError


@dataclass(frozen=True, slots=True)
class Laptops:
    """How many there are; None for what cannot be known now.

    Attributes:
        enrolled: may connect.
        online: are connected at this moment.
    """

    enrolled: int | None = None
    online: int | None = None


def count_laptops(home: ServerHome, database: Database) -> Laptops:
    """Return how many laptops are enrolled, and how many the running SuperLink has on the line."""
    enrolled = {int(row.node) for row in database.laptops() if not row.revoked}
    try:
        with Control(home) as control:
            return Laptops(len(enrolled), len(control.online() & enrolled))
    except (UnreachableError, UntrustedServerError):
        return Laptops(len(enrolled))


class Presence:
    """Remembers the last count for a moment, so that many who look ask the SuperLink once.

    Args:
        count: counts anew.
        clock: seconds that only go forward.
        keep_seconds: how long a count is good for.
    """

    def __init__(
        self,
        count: Callable[[], Laptops],
        clock: Callable[[], float],
        keep_seconds: float = 2.0,
    ) -> None:
        self._count, self._clock, self._keep = count, clock, keep_seconds
        self._turn = threading.Lock()
        self._until = clock()
        self._last = Laptops()

    def now(self) -> Laptops:
        """Return how many there are now, or were a moment ago."""
        with self._turn:
            if self._clock() >= self._until:
                try:
                    self._last = self._count()
                except DeskboundError:
                    self._last = Laptops()
                self._until = self._clock() + self._keep
            return self._last
