"""Stop: the order to every laptop, for the role operator; nothing here starts anything again."""

import hmac

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from deskbound_server.control import Control
from deskbound_server.stopping import end_runs, order_stop
from deskbound_server.ui.page import need, office_of, render
from deskbound_server.ui.tokens import Role
from deskbound_strategies.errors import ConfigError, UnreachableError, UntrustedServerError
from deskbound_strategies.pages.answers import form_of
from deskbound_strategies.stop_order import StopReason

PATH, TITLE = "/stop", ""


def ask(request: Request) -> Response:
    """Show what the order does, and ask for the word that confirms it."""
    need(request, Role.OPERATOR)
    laptops = office_of(request).presence.now().enrolled
    return render(request, "stop.html", here="/fleet", reasons=list(StopReason), laptops=laptops)


def order(request: Request) -> Response:
    """Order every laptop to stop, if the form confirms it.

    Raises:
        PermissionsError: the visitor is no operator.
        ConfigError: it is not confirmed, or names no reason of the list.
    """
    need(request, Role.OPERATOR)
    office, form = office_of(request), form_of(request)
    if not _confirmed(form.get("confirm", ""), office.home.settings().fleet):
        raise ConfigError("Nothing was stopped.", "Type the fleet's name to confirm the order.")
    try:
        reason = StopReason(form.get("reason", ""))
    except ValueError:
        raise ConfigError("Nothing was stopped.", "Choose one of the reasons.") from None
    with office.database_to_write() as database:
        ended = order_stop(office.home, database, reason, office.now())
    try:
        with Control(office.home) as control:
            end_runs(control, ended)
            control.online()
    except (UnreachableError, UntrustedServerError):
        return RedirectResponse("/fleet?stopped=later", 303)
    return RedirectResponse("/fleet?stopped=sent", 303)


def _confirmed(typed: str, fleet: str) -> bool:
    return hmac.compare_digest(typed.strip().encode(), fleet.strip().encode())


routes = [Route(PATH, ask), Route(PATH, order, methods=["POST"])]
