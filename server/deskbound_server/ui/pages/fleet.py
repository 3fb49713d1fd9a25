"""Fleet: how many laptops there are, and how far an order to stop came. Counts, and no names."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deskbound_server import stop_orders
from deskbound_server.ui.page import office_of, part, part_if_new, render

PATH, TITLE = "/fleet", "Fleet"
PART = "/live/fleet"


def show(request: Request) -> Response:
    """Show the page."""
    stopped = request.query_params.get("stopped")
    said = stopped if stopped in {"sent", "later"} else ""
    return render(
        request, "fleet.html", live=part(request, "fleet_part.html", **_counts(request)), said=said
    )


def live(request: Request) -> Response:
    """Show the counts anew, if they are not what the page shows already."""
    return part_if_new(request, "fleet_part.html", **_counts(request))


def _counts(request: Request) -> dict[str, Any]:
    office = office_of(request)
    with office.database() as database:
        order = stop_orders.latest(database)
    told = None
    if order is not None:
        told = {
            "issued": order.order.issued,
            "reason": order.order.reason.value,
            "laptops": order.laptops,
            "reached": order.reached,
            "refused": order.refused,
        }
    return {"laptops": office.presence.now(), "order": told}


routes = [Route(PATH, show), Route(PART, live)]
