"""What the pages get: the server's folder to read, who is in, and what was worked out so far."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import cast

from starlette.types import Scope

from deskbound_server.database import Database
from deskbound_server.home import ServerHome
from deskbound_server.model_store import ModelStore
from deskbound_server.presence import Laptops, Presence, count_laptops
from deskbound_server.ui.log_index import LogIndex
from deskbound_server.ui.sessions import Sessions, Tries
from deskbound_server.ui.tokens import TokenBook
from deskbound_server.ui.trials import Trials
from deskbound_strategies.pages.keys import DoorKeys
from deskbound_strategies.pages.peers import Address, owner_of


class Office:
    """One ``deskbound-server ui`` while it runs.

    Args:
        home: of the server; read only, but for an order to stop.
        authority: ``host:port`` that the pages are reached at, and no other.
        now: Unix time, for what is shown.
        clock: seconds that only go forward.

    Attributes:
        keys: the code of the terminal that started it, good once.
        tokens, sessions, tries: who may come in, who is in, who tried too often.
        trials: how often released models are right.
        presence: how many laptops there are.
        log_index: where the log has a leaf.
        ended: whether the pages are to end.
    """

    def __init__(
        self,
        home: ServerHome,
        authority: str,
        *,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.home, self.authority = home, authority
        self.now, self.clock = now, clock
        self.keys = DoorKeys()
        self.tokens = TokenBook(home)
        self.sessions, self.tries = Sessions(clock), Tries(clock)
        self.trials = Trials(ModelStore(home.models))
        self.presence = Presence(self._count, clock)
        self.log_index = LogIndex()
        self.ended = False

    @contextmanager
    def database(self) -> Iterator[Database]:
        """Open the server's database to read."""
        database = Database.open_to_read(self.home.database)
        try:
            yield database
        finally:
            database.close()

    @contextmanager
    def database_to_write(self) -> Iterator[Database]:
        """Open the server's database for an order to stop, the one thing that is ever written."""
        database = Database.open(self.home.database)
        try:
            yield database
        finally:
            database.close()

    def _count(self) -> Laptops:
        with self.database() as database:
            return count_laptops(self.home, database)


def user_of(scope: Scope) -> int | None:
    """Return the number of the system user at the far end of a request's connection."""
    peer, here = cast("Address", tuple(scope["client"])), cast("Address", tuple(scope["server"]))
    return owner_of(peer, here)
