"""What every page handler uses: the templates' environment, the form, the page of an error."""

from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.datastructures import ImmutableMultiDict
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from deskbound_strategies.errors import (
    BusyError,
    ConfigError,
    DeskboundError,
    DiskFullError,
    NotFoundError,
    PermissionsError,
)
from deskbound_strategies.pages.guard import FORM

Form = ImmutableMultiDict[str, str]

_STATUS: dict[type[DeskboundError], int] = {
    NotFoundError: 404,
    ConfigError: 400,
    PermissionsError: 403,
    BusyError: 503,
    DiskFullError: 507,
}


def environment(package: str, filters: Mapping[str, Callable[..., Any]]) -> Environment:
    """Return an environment that reads a package's templates, and the shared ones behind them.

    Everything is escaped; a name that is not there is an error.

    Args:
        package: with a folder ``templates``.
        filters: by name; ``coded`` comes on top.
    """
    made = Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader("deskbound_strategies.pages")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(filters)
    made.filters["coded"] = coded
    return made


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


def mark(csrf: str) -> Markup:
    """Return the hidden field that every form of ours carries."""
    return Markup('<input type="hidden" name="csrf" value="{}">').format(csrf)


def form_of(request: Request) -> Form:
    """Return the form that came with a POST, read and checked by the guard; else an empty one."""
    form: Form = request.scope.get(FORM, ImmutableMultiDict())
    return form


def wants_part(request: Request) -> bool:
    """Return whether htmx asks for a part of a page, to be put into one that is shown."""
    return request.headers.get("hx-request") == "true"


def status_of(error: DeskboundError) -> int:
    """Return the HTTP status of an error."""
    return next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 500)


def error_pages(
    render: Callable[..., Response],
) -> dict[Any, Callable[[Request, Exception], Response]]:
    """Return Starlette's handlers of our errors, and of addresses and methods that there are not.

    Args:
        render: answers a request with a template, a ``status`` and named values.
    """

    def explained(request: Request, error: Exception) -> Response:
        if not isinstance(error, DeskboundError):
            raise error
        told = {"sentence": error.sentence, "mend": error.mend}
        return render(request, "error.html", status=status_of(error), **told)

    def not_found(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 404
        told = {"sentence": "There is no such page.", "mend": "Choose one from the menu."}
        return render(request, "error.html", status=status, **told)

    return {DeskboundError: explained, 404: not_found, 405: not_found}
