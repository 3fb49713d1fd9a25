"""What every page handler uses: the office, the session, and an answer made of a template."""

import hashlib
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from deskbound_server.ui import words
from deskbound_server.ui.office import Office
from deskbound_server.ui.sessions import Session
from deskbound_server.ui.tokens import Role
from deskbound_strategies.errors import PermissionsError
from deskbound_strategies.pages.answers import environment, mark

SESSION = "deskbound.session"  # where in a scope the entrance leaves who is in

_TEMPLATES = environment("deskbound_server.ui", words.FILTERS)


def office_of(request: Request) -> Office:
    """Return the office."""
    office: Office = request.app.state.office
    return office


def session_of(request: Request) -> Session | None:
    """Return the visitor's session; None on the page that asks for a token."""
    session: Session | None = request.scope.get(SESSION)
    return session


def need(request: Request, role: Role) -> Session:
    """Return the visitor's session if it has a role.

    Raises:
        PermissionsError: it has another.
    """
    session = session_of(request)
    if session is None or session.role is not role:
        raise PermissionsError(
            f"Only the role {role.value} may do this.",
            "Come in with a token of that role (`deskbound-server ui token --role operator`).",
        )
    return session


def render(request: Request, template: str, *, status: int = 200, **values: Any) -> Response:
    """Answer with a template.

    It also gets ``path`` of the request, the ``menu``, ``csrf`` (a hidden field for forms),
    ``role`` and the ``fleet``'s name.
    """
    return HTMLResponse(to_html(request, template, **values), status)


def to_html(request: Request, template: str, **values: Any) -> str:
    """Return a rendered template."""
    session = session_of(request)
    return _TEMPLATES.get_template(template).render(
        path=request.url.path,
        menu=request.app.state.menu,
        csrf="" if session is None else mark(session.csrf),
        role="" if session is None else session.role.value,
        fleet=request.app.state.fleet if session else "",
        **values,
    )


def part(request: Request, template: str, **values: Any) -> str:
    """Return a part that changes by itself; its template carries what it is known by, ``seen``."""
    return to_html(request, template, seen=_known_by(request, template, values), **values)


def part_if_new(request: Request, template: str, **values: Any) -> Response:
    """Answer a page that looks after itself: the part anew, or that nothing has changed."""
    seen = _known_by(request, template, values)
    if request.query_params.get("seen") == seen:
        return Response(status_code=204)
    return HTMLResponse(to_html(request, template, seen=seen, **values))


def _known_by(request: Request, template: str, values: dict[str, Any]) -> str:
    html = to_html(request, template, seen="", **values)
    return hashlib.sha256(html.encode()).hexdigest()[:16]
