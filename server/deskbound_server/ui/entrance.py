"""Who may see the pages of one office, as the guard asks for it."""

from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Scope

from deskbound_server.ui.office import Office, user_of
from deskbound_server.ui.page import SESSION, render
from deskbound_server.ui.sessions import Session
from deskbound_strategies.pages.guard import LIVE
from deskbound_strategies.pages.peers import can_tell

STATIC = Path(__file__).parent / "static"  # what these pages have beside the shared files


@dataclass(frozen=True, slots=True)
class Entrance:
    """Everybody with a session that still holds."""

    office: Office

    @property
    def authority(self) -> str:
        """The office's address and port."""
        return self.office.authority

    def knows(self, scope: Scope, cookie: str) -> bool:
        """Return whether a cookie is that of a session, its token holds, and its user shows it."""
        session = self.office.sessions.find(cookie) if cookie else None
        if session is None:
            return False
        if can_tell() and (session.user is None or user_of(scope) != session.user):
            return False
        if session.token is not None and not self.office.tokens.holds(session.token):
            self.office.sessions.end(session)
            return False
        scope[SESSION] = session
        return True

    def is_ours(self, scope: Scope, csrf: str) -> bool:
        """Return whether a form carries the mark of this visitor's session."""
        session: Session | None = scope.get(SESSION)
        return session is not None and session.is_ours(csrf)

    def touch(self) -> None:
        """Do nothing: a session lasts its hours, however much is asked in it."""

    def ask(self, scope: Scope) -> Response:
        """Ask for a token, and say nothing else."""
        if scope["path"].startswith(LIVE):
            return PlainTextResponse("not in\n", 401)
        return render(Request(scope), "enter.html", status=401, tried=False)
