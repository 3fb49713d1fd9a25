"""The door: in with the code, out by locking, and whether anybody is still in."""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from deskbound_client.ui.page import desk_of, render
from deskbound_strategies.pages.answers import form_of
from deskbound_strategies.pages.guard import COOKIE


def enter(request: Request) -> Response:
    """Take the code, once, and give a cookie for it.

    The answer is a page that goes on by itself, not a redirect: a browser that was sent here from
    a file would not show a strict cookie to where it is redirected.
    """
    session = desk_of(request).keys.enter(form_of(request).get("code", ""))
    if session is None:
        return render(request, "enter.html", status=403, tried=True)
    desk_of(request).touch()
    response = render(request, "entered.html")
    response.set_cookie(COOKIE, session, httponly=True, samesite="strict", path="/")
    return response


def lock(request: Request) -> Response:
    """Close everything because the employee says so."""
    desk_of(request).lock()
    return render(request, "locked.html")


def alive(request: Request) -> Response:
    """Answer a page that wonders whether it may still show what it shows."""
    return PlainTextResponse(f"{max(0, desk_of(request).seconds_left):.0f}")
