"""The application: which pages there are, and the guard before them.

How a page is added:

1. ``ui/pages/NAME.py`` exports ``PATH`` ("/name"), ``TITLE`` (its word in the menu, empty for
   none) and ``routes`` (a list of Starlette ``Route``). Handlers are plain functions of a
   ``Request``: Starlette runs them in threads, and the guard has read and checked the form before
   they are called.
2. ``ui/templates/NAME.html`` extends ``base.html`` and fills ``{% block main %}``. Everything is
   escaped; a name that is not there is an error. No inline script, style or event handler: the
   content security policy refuses them. Forms carry ``{{ csrf }}``.
3. The module goes into ``PAGES`` below.

What a handler uses is in ``ui/page.py``: ``desk_of(request)``, ``render(request, template, ...)``,
``back(request, path, notice)``; and what both sides share in ``deskbound_strategies.pages``:
``form_of(request)``, pictures, the frame of a page, its style. Paths under ``/live/`` are for
what a page asks for by itself; they do not put off the lock.
"""

from types import ModuleType

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from deskbound_client.ui import door, page
from deskbound_client.ui.desk import Desk
from deskbound_client.ui.entrance import STATIC, Entrance
from deskbound_client.ui.pages import (
    budget,
    consent,
    doctor,
    forget,
    left,
    model,
    settings,
    stored,
    today,
)
from deskbound_strategies.pages import guard
from deskbound_strategies.pages.answers import error_pages

PAGES: tuple[ModuleType, ...] = (
    today, stored, left, budget, consent, model, settings, doctor, forget,
)  # fmt: skip
OPEN_TO_ALL = guard.static_files(STATIC, guard.STATIC)


def make_app(desk: Desk) -> Starlette:
    """Return the application on one open vault."""
    routes: list[BaseRoute] = [
        Route("/enter", door.enter, methods=["POST"]),
        Route("/lock", door.lock, methods=["POST"]),
        Route("/live/alive", door.alive),
        Mount("/static", StaticFiles(directory=STATIC, packages=[(guard.__package__, "static")])),
    ]
    for module in PAGES:
        routes.extend(module.routes)
    app = Starlette(
        routes=routes,
        middleware=[Middleware(guard.Guard, house=Entrance(desk), open_to_all=OPEN_TO_ALL)],
        exception_handlers=error_pages(page.render),
    )
    app.state.desk = desk
    app.state.menu = [(module.PATH, module.TITLE) for module in PAGES]
    return app
