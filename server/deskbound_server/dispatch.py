"""Starts the delivery of a stop order whenever a laptop that it waits for is connected.

``up`` asks this every few seconds. Who delivers holds a lock, so that there is one delivery, and so
that the next is started when one died.
"""

from deskbound_server import stop_orders
from deskbound_server.control import Control
from deskbound_server.database import Database
from deskbound_server.delivery import LOCK, RUN
from deskbound_server.home import ServerHome
from deskbound_server.lock import FileLock
from deskbound_strategies.errors import DeskboundError

LOOK_SECONDS = 2.0
START_SECONDS = 30.0  # what a ServerApp may take until it holds the lock
AGAIN_SECONDS = 10.0  # after something failed


class Dispatcher:
    """Looks after the latest order.

    Args:
        home: of the server.
    """

    def __init__(self, home: ServerHome) -> None:
        self._home = home
        self._database: Database | None = None
        self._not_before = 0.0

    def tend(self, now: float) -> None:
        """Do what is due; it does not raise.

        Args:
            now: monotonic seconds.
        """
        if now < self._not_before:
            return
        try:
            started = self._start_if_needed()
        except DeskboundError:
            self._not_before = now + AGAIN_SECONDS
        else:
            self._not_before = now + (START_SECONDS if started else LOOK_SECONDS)

    def _start_if_needed(self) -> bool:
        self._database = self._database or Database.open(self._home.database)
        found = stop_orders.latest(self._database)
        if found is None or not found.waiting:
            return False
        with FileLock(self._home.run / LOCK) as lock:
            if not lock.held:
                return False
        with Control(self._home) as control:
            if not found.waiting & control.online():
                return False
            control.start_run(RUN)
        return True
