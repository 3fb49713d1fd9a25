"""The ML engineer's pages as they are met: a server's folder, a real web server on loopback."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

import httpx

from deskbound_server import pki
from deskbound_server.database import Database
from deskbound_server.home import ServerHome, Settings
from deskbound_server.model_store import ModelStore
from deskbound_server.ui.office import Office
from deskbound_server.ui.serve import HOST, letter_of, serve
from deskbound_server.ui.tokens import Role
from deskbound_strategies.pages.keys import DoorKeys
from deskbound_strategies.pages.letter import Letter
from deskbound_strategies.pages.serving import authority_of, listening
from tests.helpers.browser import PATIENCE, Clock
from tests.helpers.released import write_history

FLEET = "Research & Co"
# What this server knows its laptops by; none of it may stand on a page or among the metrics.
LAPTOPS = [
    (17_000_000_000_000_000_001 + number, f"{number:02x}fe" * 16, f"desk-{number}-seventeen",
     f"{number:02x}ac" * 16)
    for number in range(3)
]  # fmt: skip


def new_home(root) -> ServerHome:
    """A server that was set up and is not up, with laptops that were enrolled."""
    home = ServerHome(root)
    pki.init(home, Settings("127.0.0.1", 9, FLEET))
    with closing(Database.open(home.database)) as database:
        for laptop in LAPTOPS:
            database.add_laptop(*laptop)
    return home


def history(home: ServerHome) -> list[str]:
    """Write down a run of two rounds; return its models."""
    with closing(Database.open(home.database)) as database:
        return write_history(database, ModelStore(home.models))


@dataclass
class ServerPages:
    """The pages of one server's folder while they are served."""

    office: Office
    letter: Letter
    clock: Clock
    thread: threading.Thread
    visitors: list[httpx.Client] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"http://{self.office.authority}"

    def client(self) -> httpx.Client:
        """A visitor with a cookie jar and no browser."""
        self.visitors.append(httpx.Client(base_url=self.address, trust_env=False, timeout=PATIENCE))
        return self.visitors[-1]

    def token(self, role: Role | str) -> str:
        return self.office.tokens.add(Role(role), "", 1.0)[1]

    def entered(self, role: Role | str = Role.VIEWER) -> httpx.Client:
        """A visitor who came in with a token of a role."""
        visitor = self.client()
        answer = visitor.post("/enter", data={"code": self.token(role)})
        assert answer.status_code == 200, answer.status_code
        return visitor

    def csrf(self, visitor: httpx.Client) -> str:
        session = self.office.sessions.find(visitor.cookies["deskbound"])
        assert session is not None
        return session.csrf

    def post(self, visitor: httpx.Client, path: str, **form: str) -> httpx.Response:
        """Send a form of ours, as a browser would."""
        form = {"csrf": self.csrf(visitor)} | form
        return visitor.post(path, data=form, headers={"origin": self.address})

    def anew(self) -> None:
        """Show everybody out, forget wrong tries, and write a new letter."""
        for visitor in self.visitors:
            visitor.close()
        self.visitors.clear()
        self.clock.seconds += 120.0
        self.office.keys = DoorKeys()
        self.letter.burn()
        self.letter = letter_of(self.office)


@contextmanager
def served(home: ServerHome) -> Iterator[ServerPages]:
    """Serve the pages of a home in a thread."""
    clock = Clock()
    with listening(0, HOST) as listener:
        office = Office(home, authority_of(listener), clock=clock)
        letter = letter_of(office)
        thread = threading.Thread(target=serve, args=(office, listener, letter), daemon=True)
        pages = ServerPages(office, letter, clock, thread)
        thread.start()
        try:
            yield pages
        finally:
            pages.anew()
            pages.letter.burn()
            office.ended = True
            thread.join(PATIENCE)
            assert not thread.is_alive(), "the pages did not end"
            office.trials.wait()
