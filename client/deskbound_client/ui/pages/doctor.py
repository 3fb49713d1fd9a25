"""Doctor: what could keep a promise from being kept, and the mend."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deskbound_client import doctor
from deskbound_client.doctor import Level
from deskbound_client.ui.page import desk_of, render

PATH, TITLE = "/doctor", "Doctor"
_WORST_FIRST = (Level.WRONG, Level.WARN, Level.NOTE, Level.OK)


def show(request: Request) -> Response:
    """Look at everything now; with ``?deep=1`` inside the vault too."""
    desk, deep = desk_of(request), "deep" in request.query_params
    if deep:
        with desk.vault() as vault:
            findings = doctor.examine(desk.paths, deep_vault=vault)
    else:
        findings = doctor.examine(desk.paths)
    groups = [(level, [one for one in findings if one.level is level]) for level in _WORST_FIRST]
    return render(request, "doctor.html", groups=groups, count=len(findings), deep=deep)


routes = [Route(PATH, show)]
