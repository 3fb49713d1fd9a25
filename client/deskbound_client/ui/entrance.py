"""Who may see the pages of one desk, as the guard asks for it."""

from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Scope

from deskbound_client.ui.desk import Desk
from deskbound_client.ui.page import render
from deskbound_strategies.pages.guard import LIVE

STATIC = Path(__file__).parent / "static"  # what these pages have beside the shared files


@dataclass(frozen=True, slots=True)
class Entrance:
    """The one employee whose desk it is."""

    desk: Desk

    @property
    def authority(self) -> str:
        """The desk's address and port."""
        return self.desk.authority

    def knows(self, scope: Scope, cookie: str) -> bool:  # noqa: ARG002 - there is one visit
        """Return whether a cookie is that of the visit under way."""
        return self.desk.keys.knows(cookie)

    def is_ours(self, scope: Scope, csrf: str) -> bool:  # noqa: ARG002 - there is one visit
        """Return whether a form carries our mark."""
        return self.desk.keys.is_ours(csrf)

    def touch(self) -> None:
        """Put off the lock."""
        self.desk.touch()

    def ask(self, scope: Scope) -> Response:
        """Ask for the code; a page that looks after itself is told that it is locked."""
        if scope["path"].startswith(LIVE):
            return PlainTextResponse("locked\n", 403)
        return render(Request(scope), "enter.html", status=403, tried=False)
