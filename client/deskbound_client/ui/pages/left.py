"""What left: every byte that ever went to the server, and every request that was turned down."""

from collections import Counter
from datetime import date, datetime

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deskbound_client.employee.alarm import ALARMS, alarm_of
from deskbound_client.employee.sent import Sent, bytes_of, reasons, received, sent
from deskbound_client.privacy.ledger_store import LedgerStore
from deskbound_client.privacy.outbox import Outbox
from deskbound_client.ui.page import desk_of, render
from deskbound_strategies import dsse
from deskbound_strategies.pages import charts
from deskbound_strategies.refusal_words import REFUSED

PATH, TITLE = "/left", "What left"
LEDGER = "/left/ledger.jsonl"
DAYS_DRAWN = 14
PAGE = 25


def show(request: Request) -> Response:
    """Show the page."""
    desk = desk_of(request)
    with desk.vault() as vault:
        found = sent(vault)
        kept = Outbox(vault.database).kept()
        alarm = alarm_of(vault.database, LedgerStore(vault))
        device = dsse.fingerprint(vault.signing_key().public_key())
    uploads = found.uploads[::-1]
    start = _start(request, len(uploads))
    return render(
        request,
        "left.html",
        found=found,
        uploads=uploads[start : start + PAGE],
        start=start,
        page=PAGE,
        declined=[(code, count, REFUSED[code]) for code, count in reasons(found.declined)],
        received=received(desk.paths),
        chart=_chart(found),
        device=device,
        kept=kept,
        alarm=None if alarm is None else ALARMS[alarm],
    )


def download(request: Request) -> Response:
    """Hand the signed ledger over, for an auditor."""
    with desk_of(request).vault() as vault:
        content = LedgerStore(vault).exported()
    headers = {"content-disposition": 'attachment; filename="deskbound-ledger.jsonl"'}
    return Response(content, media_type="application/octet-stream", headers=headers)


def upload(request: Request) -> Response:
    """Hand over the very bytes of an upload."""
    with desk_of(request).vault() as vault:
        found, content = bytes_of(vault, request.path_params["sha256"])
    name = f"deskbound-upload-{found.sha256[:16]}.bin"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type="application/octet-stream", headers=headers)


def _start(request: Request, count: int) -> int:
    given = request.query_params.get("from", "0")
    wanted = int(given) if given.isascii() and given.isdecimal() and len(given) < 9 else 0
    return wanted // PAGE * PAGE if wanted < count else 0


def _chart(found: Sent) -> Markup | None:
    """Draw uploads and refusals by day; the last days on which there was either."""
    left = Counter(_day(upload.at) for upload in found.uploads)
    declined = Counter(_day(one.at) for one in found.declined)
    days = sorted(left.keys() | declined.keys())[-DAYS_DRAWN:]
    if not days:
        return None
    groups = [(f"{day:%-d %b}", (left[day], declined[day])) for day in days]
    return charts.columns(
        groups, ("uploads", "turned down"), "Uploads and requests turned down, by day"
    )


def _day(at: int) -> date:
    return datetime.fromtimestamp(at).astimezone().date()


routes = [Route(PATH, show), Route(LEDGER, download), Route("/left/bytes/{sha256}", upload)]
