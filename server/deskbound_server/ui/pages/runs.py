"""Runs: every run, where it stands, how good its last model is, and what it cost."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deskbound_server.follow import look
from deskbound_server.ui.figures import Summary, summary_of
from deskbound_server.ui.page import office_of, part, part_if_new, render

PATH, TITLE = "/", "Runs"
PART = "/live/runs"


def show(request: Request) -> Response:
    """Show the page."""
    live = part(request, "runs_part.html", summaries=_summaries(request))
    return render(request, "runs.html", live=live)


def live(request: Request) -> Response:
    """Show the table anew, if it is not what the page shows already."""
    return part_if_new(request, "runs_part.html", summaries=_summaries(request))


def _summaries(request: Request) -> list[Summary]:
    """Return all runs, latest first."""
    office = office_of(request)
    with office.database() as database:
        sights = [look(office.home.run, database, run.id) for run in database.runs()]
    return [summary_of(sight) for sight in reversed(sights)]


routes = [Route(PATH, show), Route(PART, live)]
