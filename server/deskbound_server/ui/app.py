"""The application: which pages there are, and the guard before them.

How a page is added: as on the employee's side (``deskbound_client/ui/app.py``). A module in
``ui/pages/`` exports ``PATH``, ``TITLE`` and ``routes`` and goes into ``PAGES``; its template
extends ``base.html``. Handlers get counts only: none reads ``laptops``, ``anchors`` or
``heads_shown`` of the database, and ``tests/server/ui/test_nobody.py`` looks for who stands there.
"""

from types import ModuleType

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from deskbound_server.ui import door, page
from deskbound_server.ui.entrance import STATIC, Entrance
from deskbound_server.ui.office import Office
from deskbound_server.ui.pages import compare, fleet, metrics, models, run, runs, stop
from deskbound_strategies.pages import guard
from deskbound_strategies.pages.answers import error_pages

PAGES: tuple[ModuleType, ...] = (runs, run, models, compare, fleet, stop)
OPEN_TO_ALL = guard.static_files(STATIC, guard.STATIC) | {metrics.PATH}  # it asks by itself


def make_app(office: Office) -> Starlette:
    """Return the application on one server's folder."""
    routes: list[BaseRoute] = [
        Route("/enter", door.enter, methods=["POST"]),
        Route("/leave", door.leave, methods=["POST"]),
        *metrics.routes,
        Mount("/static", StaticFiles(directory=STATIC, packages=[(guard.__package__, "static")])),
    ]
    for module in PAGES:
        routes.extend(module.routes)
    app = Starlette(
        routes=routes,
        middleware=[
            Middleware(guard.Guard, house=Entrance(office), open_to_all=OPEN_TO_ALL),
        ],
        exception_handlers=error_pages(page.render),
    )
    app.router.redirect_slashes = False  # what is not here is not somewhere else
    app.state.office = office
    app.state.fleet = office.home.settings().fleet
    app.state.menu = [(module.PATH, module.TITLE) for module in PAGES]
    return app
