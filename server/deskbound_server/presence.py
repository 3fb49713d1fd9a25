"""How many laptops there are, and are there; how many, never which."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from deskbound_server.control import Control
from deskbound_server.database import Database
from deskbound_server.home import ServerHome
from deskbound_strategies.errors import DeskboundError, UnreachableError, UntrustedServerError

FEW = 5  # as in an auditor's report (docs/adr/0046-how-many-never-who.md)


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


@dataclass(frozen=True, slots=True)
class Shown:
    """What of it is fit for a page that many see, and for figures that are kept for years.

    Attributes:
        enrolled: laptops that may connect; None when that cannot be known now.
        connected: of them, connected now; None while there is no telling, or too few to tell.
        up: whether the SuperLink answers.
    """

    enrolled: int | None = None
    connected: int | None = None
    up: bool = False

    @property
    def too_few(self) -> bool:
        """Whether a count of those connected would tell who is at work."""
        return self.enrolled is not None and self.enrolled < FEW


def fit_to_show(laptops: Laptops) -> Shown:
    """Return what may be shown: who is connected of a handful of laptops is a person."""
    enrolled, online = laptops.enrolled, laptops.online
    many = enrolled is not None and enrolled >= FEW
    return Shown(enrolled, online if many else None, up=online is not None)


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
        self._last = Shown()

    def now(self) -> Shown:
        """Return how many there are now, or were a moment ago, as far as it may be shown."""
        with self._turn:
            if self._clock() >= self._until:
                try:
                    self._last = fit_to_show(self._count())
                except DeskboundError:
                    self._last = Shown()
                self._until = self._clock() + self._keep
            return self._last
