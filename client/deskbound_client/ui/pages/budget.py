"""Budget: what learning has cost each day, all days together, and what happens when it is spent."""

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deskbound_client.employee import policy
from deskbound_client.employee.bounds import bounds, difference_words
from deskbound_client.employee.spending import Spending, spending, when_spent
from deskbound_client.ui.desk import Notice
from deskbound_client.ui.page import back, desk_of, render
from deskbound_strategies.pages import charts
from deskbound_strategies.pages.answers import form_of
from deskbound_strategies.policy import describe

PATH, TITLE = "/budget", "Budget"


def show(request: Request) -> Response:
    """Show the page."""
    desk = desk_of(request)
    with desk.vault() as vault:
        policy_now = policy.state(desk.paths, vault)
        floor = policy_now.held.floor
        found = spending(vault, floor)
    return render(
        request,
        "budget.html",
        found=found,
        bars=_bars(found),
        bounds=bounds(floor),
        when_spent=when_spent(floor),
        guarantee=describe(floor).splitlines(),
        policy=policy_now,
        why=policy.why_words(policy_now.held),
        differences=[difference_words(one) for one in policy_now.differences],
        proposed=describe(policy_now.waiting).splitlines() if policy_now.waiting else [],
    )


def accept(request: Request) -> Response:
    """Accept the looser floor that was shown; another one that took its place is not accepted."""
    desk, form = desk_of(request), form_of(request)
    with desk.vault() as vault:
        policy.accept(desk.paths, vault, form.get("digest", ""))
    lines = ("It is signed and in the ledger; it holds from now on.",)
    return back(request, PATH, Notice("The policy floor is accepted.", lines))


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


routes = [Route(PATH, show), Route("/budget/accept", accept, methods=["POST"])]
