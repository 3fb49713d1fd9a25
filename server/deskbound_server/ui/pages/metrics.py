"""Figures for Prometheus, for whoever shows a token of the role metrics, and nothing else."""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from deskbound_server.follow import look
from deskbound_server.ui.metrics import CONTENT_TYPE, exposition
from deskbound_server.ui.office import user_of
from deskbound_server.ui.page import office_of
from deskbound_server.ui.tokens import Role

PATH = "/metrics"
_SCHEME = "Bearer "


def show(request: Request) -> Response:
    """Answer a scrape."""
    office, user = office_of(request), user_of(request.scope)
    if not office.tries.may(user):
        return PlainTextResponse("Later.\n", 429, {"retry-after": "60"})
    given = request.headers.get("authorization", "")
    token = office.tokens.find(given.removeprefix(_SCHEME)) if given.startswith(_SCHEME) else None
    if token is None or token.role is not Role.METRICS:
        office.tries.wrong(user)
        return PlainTextResponse("Unauthorized\n", 401, {"www-authenticate": "Bearer"})
    with office.database() as database:
        sights = [look(office.home.run, database, run.id) for run in database.runs()]
    return Response(exposition(sights, office.presence.now()), media_type=CONTENT_TYPE)


routes = [Route(PATH, show)]
