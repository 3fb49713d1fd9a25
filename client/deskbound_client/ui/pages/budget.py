"""Budget: what learning has cost each day, all days together, and what happens when it is spent."""

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deskbound_client.employee.spending import Spending, bounds, spending, when_spent
from deskbound_client.ui import charts
from deskbound_client.ui.page import desk_of, render
from deskbound_strategies.policy import describe, load_floor

PATH, TITLE = "/budget", "Budget"


def show(request: Request) -> Response:
    """Show the page."""
    desk = desk_of(request)
    floor = load_floor(desk.paths.floor)
    with desk.vault() as vault:
        found = spending(vault, floor)
    return render(
        request,
        "budget.html",
        found=found,
        bars=_bars(found),
        bounds=bounds(floor),
        when_spent=when_spent(floor),
        guarantee=describe(floor).splitlines(),
    )


def _bars(found: Spending) -> list[Markup]:
    cap = found.floor.epsilon_day
    return [
        charts.bar(
            day.epsilon_guaranteed / cap,
            f"{day.epsilon_guaranteed:.2f} counted of {cap:g}; {day.epsilon:.2f} spent",
            mark=day.epsilon / cap if day.rounds else None,
        )
        for day in found.days
    ]


routes = [Route(PATH, show)]
