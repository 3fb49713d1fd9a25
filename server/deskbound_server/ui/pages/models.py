"""Models: what was released, where each comes from, and the command that exports it."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deskbound_server.lineage import find_released, lineage_of, released
from deskbound_server.model_store import Format
from deskbound_server.ui.page import office_of, render

PATH, TITLE = "/models", "Models"


def show(request: Request) -> Response:
    """Show all models, latest first."""
    with office_of(request).database() as database:
        rows = released(database)
    return render(request, "models.html", rows=rows[::-1])


def show_one(request: Request) -> Response:
    """Show where a model comes from."""
    office = office_of(request)
    with office.database() as database:
        rows = released(database)
        found = lineage_of(database, find_released(rows, request.path_params["model"]))
    parents = {row.model_out for row in rows}
    return render(request, "model.html", found=found, formats=list(Format), parents=parents)


routes = [Route(PATH, show), Route("/models/{model}", show_one)]
