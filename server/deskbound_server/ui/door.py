"""The door: in with the terminal's code or a token, out by leaving."""

from starlette.requests import Request
from starlette.responses import Response

from deskbound_server.ui.office import Office, user_of
from deskbound_server.ui.page import office_of, render, session_of
from deskbound_server.ui.tokens import Role
from deskbound_strategies.pages.answers import form_of
from deskbound_strategies.pages.guard import COOKIE

_LONGEST = 200


def enter(request: Request) -> Response:
    """Take the code or a token, and give a cookie for it.

    The answer is a page that goes on by itself, not a redirect: a browser that was sent here from
    a file would not show a strict cookie to where it is redirected.
    """
    office, user = office_of(request), user_of(request.scope)
    if not office.tries.may(user):
        return render(request, "slow.html", status=429)
    secret = _admitted(office, form_of(request).get("code", "").strip()[:_LONGEST], user)
    if secret is None:
        office.tries.wrong(user)
        return render(request, "enter.html", status=401, tried=True)
    response = render(request, "entered.html")
    response.set_cookie(COOKIE, secret, httponly=True, samesite="strict", path="/")
    return response


def _admitted(office: Office, given: str, user: int | None) -> str | None:
    """Return a new session's secret; None for what opens no page."""
    token = office.tokens.find(given)
    if token is not None:
        if token.role is Role.METRICS:
            return None
        return office.sessions.begin(token.role, token, user)
    if "." in given:  # of the form of a token: no try of the code, which bears only a few
        return None
    # Whoever reads the code in the terminal holds the server's folder, so may do what it allows.
    return (
        None
        if office.keys.enter(given) is None
        else office.sessions.begin(Role.OPERATOR, None, user)
    )


def leave(request: Request) -> Response:
    """End the visitor's session."""
    session = session_of(request)
    if session is not None:
        office_of(request).sessions.end(session)
    return render(request, "left.html")
