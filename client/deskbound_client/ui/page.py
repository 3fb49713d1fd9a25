"""What every page handler uses: the desk, and an answer made of a template."""

from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from deskbound_client.employee import words
from deskbound_client.ui.desk import Desk, Notice
from deskbound_strategies.pages.answers import environment, mark

# How stored values are said; each is a filter of the templates.
_WORDS = (
    "clock", "counted", "hour", "long_day", "moment", "sentence", "size", "sure", "until",
    "words_of",
)  # fmt: skip

_TEMPLATES = environment("deskbound_client.ui", {name: getattr(words, name) for name in _WORDS})


def desk_of(request: Request) -> Desk:
    """Return the open desk."""
    desk: Desk = request.app.state.desk
    return desk


def render(request: Request, template: str, *, status: int = 200, **values: Any) -> Response:
    """Answer with a template.

    It also gets ``path`` of the request, the ``menu``, ``csrf`` (a hidden field for forms) and
    ``desk``.
    """
    return HTMLResponse(to_html(request, template, **values), status)


def to_html(request: Request, template: str, **values: Any) -> str:
    """Return a rendered template."""
    desk = desk_of(request)
    return _TEMPLATES.get_template(template).render(
        path=request.url.path,
        menu=request.app.state.menu,
        csrf=mark(desk.keys.csrf),
        desk=desk,
        **values,
    )


def back(request: Request, path: str, notice: Notice | None = None) -> Response:
    """After a deed: go to a page, which says the notice first. Loading it anew repeats nothing."""
    if notice is not None:
        desk_of(request).say(notice)
    return RedirectResponse(path, 303)
