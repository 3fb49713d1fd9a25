"""Consent: each stream alone, what it keeps and what it never does, and every receipt."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deskbound_client import consent
from deskbound_client.capture.signals import STREAMS
from deskbound_client.employee import agreeing
from deskbound_client.paths import HomePaths
from deskbound_client.privacy.floor_keeper import floor_in_force, floor_to_show
from deskbound_client.store.vault import Vault
from deskbound_client.ui.desk import Notice
from deskbound_client.ui.page import back, desk_of, render
from deskbound_strategies import dsse
from deskbound_strategies.errors import DeskboundError
from deskbound_strategies.pages.answers import form_of
from deskbound_strategies.policy import PolicyFloor, describe

PATH, TITLE = "/consent", "Consent"
_RECEIPTS = 50


def show(request: Request) -> Response:
    """Show the page."""
    with desk_of(request).vault() as vault:
        offers = agreeing.offers(vault)
        floor = _floor(desk_of(request).paths, vault)
        receipts = consent.receipts(vault)[::-1]
        device = dsse.fingerprint(vault.signing_key().public_key())
    return render(
        request,
        "consent.html",
        offers=offers,
        guarantee=describe(floor).splitlines(),
        receipts=receipts[:_RECEIPTS],
        more=max(0, len(receipts) - _RECEIPTS),
        device=device,
    )


def _floor(paths: HomePaths, vault: Vault) -> PolicyFloor:
    """Return the floor that a consent to updates would name; damage keeps nobody from revoking."""
    try:
        return floor_in_force(paths, vault)
    except DeskboundError:
        return floor_to_show(vault)


def grant(request: Request) -> Response:
    """Agree to the streams of the form, as they are declared today."""
    desk, names = desk_of(request), form_of(request).getlist("stream")
    with desk.vault() as vault:
        agreeing.grant(desk.paths, vault, names)
    lines = ("A signed receipt of what you were shown is kept below.",)
    return back(request, PATH, Notice(f"On: {', '.join(names)}.", lines))


def revoke(request: Request) -> Response:
    """Take consent back: capture stops first, then the receipt is written."""
    desk, names = desk_of(request), form_of(request).getlist("stream")
    agreeing.stop(desk.paths, names)
    with desk.vault() as vault:
        agreeing.revoke(desk.paths, vault, names)
    stored = [stream.name for stream in STREAMS if stream.name in names]
    links = tuple(
        (f"Forget what {name} stored", f"/forget?scope=stream&what={name}") for name in stored
    )
    lines = ("What was stored stays until you forget it or its day retires.",) if stored else ()
    return back(request, PATH, Notice(f"Off: {', '.join(names)}.", lines, links))


routes = [
    Route(PATH, show),
    Route("/consent/grant", grant, methods=["POST"]),
    Route("/consent/revoke", revoke, methods=["POST"]),
]
