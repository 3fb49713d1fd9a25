"""Today: what is being kept right now, and how to stop it."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deskbound_client.ui.page import render

PATH, TITLE = "/", "Today"


def show(request: Request) -> Response:
    """Show the page."""
    return render(request, "today.html")


routes = [Route(PATH, show)]
