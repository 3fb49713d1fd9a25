"""Compare: runs side by side, as ``runs compare`` tells it."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deskbound_server.compare import differing
from deskbound_server.compare_words import FACTS, NOTE
from deskbound_server.follow import look
from deskbound_server.ui.figures import summary_of
from deskbound_server.ui.page import office_of, render
from deskbound_strategies.errors import ConfigError

PATH, TITLE = "/compare", "Compare"
MOST = 8


def show(request: Request) -> Response:
    """Show the runs that were chosen side by side, and all to choose from."""
    office, chosen = office_of(request), request.query_params.getlist("run")
    if len(chosen) > MOST:
        raise ConfigError(f"At most {MOST} runs fit beside each other.", "Choose fewer.")
    with office.database() as database:
        names = list(dict.fromkeys(database.find_run(name).id for name in chosen))
        sights = [look(office.home.run, database, run.id) for run in database.runs()]
    summaries = {sight.run.id: summary_of(sight) for sight in sights}
    found = [summaries[name] for name in names]
    return render(
        request,
        "compare.html",
        choices=list(reversed(summaries.values())),
        chosen=names,
        settings=differing([one.plan for one in found]) if found else {},
        facts=[(name, [words(one.facts) for one in found]) for name, words in FACTS],
        note=NOTE,
    )


routes = [Route(PATH, show)]
