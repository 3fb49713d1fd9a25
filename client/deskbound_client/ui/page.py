"""What every page handler uses: the desk, the form, and an answer made of a template."""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.datastructures import ImmutableMultiDict
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from deskbound_client.employee import words
from deskbound_client.ui.desk import Desk, Notice
from deskbound_strategies.errors import (
    BusyError,
    ConfigError,
    DeskboundError,
    DiskFullError,
    NotFoundError,
    PermissionsError,
)

Form = ImmutableMultiDict[str, str]
FORM = "deskbound.form"  # where the guard leaves the form it has read

_STATUS: dict[type[DeskboundError], int] = {
    NotFoundError: 404,
    ConfigError: 400,
    PermissionsError: 403,
    BusyError: 503,
    DiskFullError: 507,
}


# How stored values are said; each is a filter of the templates.
_WORDS = (
    "clock", "counted", "hour", "long_day", "moment", "sentence", "size", "sure", "until",
    "words_of",
)  # fmt: skip


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("deskbound_client.ui"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in _WORDS:
        environment.filters[name] = getattr(words, name)
    environment.filters["coded"] = coded
    return environment


def coded(text: str) -> Markup:
    """Return a sentence with what stands between backticks as code; all else escaped."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return escape(text)
    tagged = (
        Markup("<code>{}</code>").format(part) if place % 2 else escape(part)
        for place, part in enumerate(parts)
    )
    return Markup("").join(tagged)


_TEMPLATES = _environment()


def desk_of(request: Request) -> Desk:
    """Return the open desk."""
    desk: Desk = request.app.state.desk
    return desk


def form_of(request: Request) -> Form:
    """Return the form that came with a POST, read and checked by the guard; else an empty one."""
    form: Form = request.scope.get(FORM, ImmutableMultiDict())
    return form


def wants_part(request: Request) -> bool:
    """Return whether htmx asks for a part of a page, to be put into one that is shown."""
    return request.headers.get("hx-request") == "true"


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
        csrf=Markup('<input type="hidden" name="csrf" value="{}">').format(desk.keys.csrf),
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
    status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 500)
    return render(request, "error.html", status=status, sentence=error.sentence, mend=error.mend)


def not_found(request: Request, error: Exception) -> Response:
    """Answer for an address or method that there is not."""
    status = error.status_code if isinstance(error, HTTPException) else 404
    return render(
        request, "error.html", status=status,
        sentence="There is no such page.", mend="Choose one from the menu.",
    )  # fmt: skip
