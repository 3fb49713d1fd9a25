"""What every page handler uses: the desk, and an answer made of a template."""

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from deskbound_client.employee import words
from deskbound_client.ui.desk import Desk, Notice
from deskbound_strategies.errors import DeskboundError
from deskbound_strategies.pages.answers import environment, mark, status_of

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


def explained(request: Request, error: Exception) -> Response:
    """Answer with what went wrong and what can be done, calmly."""
    if not isinstance(error, DeskboundError):
        raise error
    return render(
        request, "error.html", status=status_of(error), sentence=error.sentence, mend=error.mend
    )


def not_found(request: Request, error: Exception) -> Response:
    """Answer for an address or method that there is not."""
    status = error.status_code if isinstance(error, HTTPException) else 404
    return render(
        request, "error.html", status=status,
        sentence="There is no such page.", mend="Choose one from the menu.",
    )  # fmt: skip
