"""Today: what is being kept right now, how to stop it, and how the day went."""

import hashlib

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from deskbound_client.employee import agreeing, pausing
from deskbound_client.employee.status import SILENT, TROUBLE, Status, status_of
from deskbound_client.employee.timeline import timeline
from deskbound_client.employee.words import until
from deskbound_client.store.vault import day_of
from deskbound_client.ui import dayline
from deskbound_client.ui.desk import Notice
from deskbound_client.ui.page import back, desk_of, render, to_html
from deskbound_strategies.errors import VaultDamagedError
from deskbound_strategies.pages.answers import form_of

PATH, TITLE = "/", "Today"
_PAUSES = (
    ("5m", "5 minutes"),
    ("30m", "30 minutes"),
    ("1h", "1 hour"),
    ("today", "Until tomorrow"),
    ("forever", "Until I say so"),
)
_KEPT, _CLOSED, _TROUBLE = "on", "", "bad"


def show(request: Request) -> Response:
    """Show the page."""
    return render(request, "today.html", live=_live(request), day=_day(request), pauses=_PAUSES)


def live(request: Request) -> Response:
    """Show the state anew, if it is not what the page shows already."""
    html, digest = _live(request)
    if request.query_params.get("seen") == digest:
        return Response(status_code=204)
    return HTMLResponse(html)


def live_day(request: Request) -> Response:
    """Show how the day went, anew."""
    return render(request, "today_day.html", day=_day(request))


def pause(request: Request) -> Response:
    """Stop keeping anything, at once."""
    desk = desk_of(request)
    made = pausing.pause(desk.paths, form_of(request).get("how", "forever"))
    end = f"until {until(made.until, desk.now())}" if made.until else "until you resume"
    links = tuple(
        (f"Forget the {words}", f"/forget?scope=last&what={length}")
        for length, words in (("5m", "last 5 minutes"), ("30m", "last 30 minutes"))
    )
    return back(request, PATH, Notice(f"Paused {end}. Nothing is kept from now on.", links=links))


def resume(request: Request) -> Response:
    """End a pause."""
    pausing.resume(desk_of(request).paths)
    return back(request, PATH, Notice("Resumed."))


def _live(request: Request) -> tuple[str, str]:
    """Return the part that changes by itself, and what it is known by."""
    found = status_of(desk_of(request).paths)
    values = {
        "found": found,
        "headline": headline(found),
        "mark": _mark(found),
        "pauses": _PAUSES,
        "stopped": pausing.stop_words(found.stopped_for) if found.stopped_for else "",
    }
    digest = hashlib.sha256(to_html(request, "today_live.html", seen="", **values).encode())
    seen = digest.hexdigest()[:16]
    return to_html(request, "today_live.html", seen=seen, **values), seen


def headline(found: Status) -> str:
    """Return in one sentence what is so right now."""
    rows = sum(stream.rows_last_minute for stream in found.streams)
    if found.disk_full:
        return "The disk is full: nothing can be stored."
    if found.capture == "open":
        return "Capture is on." if rows else "Capture is on; nothing was stored in the last minute."
    if found.capture == "paused":
        return f"Paused {_until(found)}. Nothing is kept."
    return f"Capture is {found.words}."


def _until(found: Status) -> str:
    return found.words.removeprefix("paused ") if found.paused_until else "until you resume"


def _mark(found: Status) -> str:
    if found.disk_full or found.capture in (TROUBLE, SILENT):
        return _TROUBLE
    return _KEPT if found.capture == "open" else _CLOSED


def _day(request: Request) -> dict[str, object]:
    desk = desk_of(request)
    today = day_of(desk.now())
    with desk.vault() as vault:
        agreed = any(offer.on for offer in agreeing.offers(vault))
        try:
            line = timeline(vault, today)
        except VaultDamagedError as error:
            return {"trouble": error, "agreed": agreed, "today": today}
    shown = [
        (place, name, count)
        for place, (name, count) in enumerate(zip(dayline.NAMES, line.of_groups(), strict=True), 1)
        if count
    ]
    return {
        "trouble": None,
        "agreed": agreed,
        "today": today,
        "line": line,
        "drawing": dayline.draw(line, desk.now()),
        "legend": shown,
        "hours": line.by_hour(),
        "holes": [dayline.hole_words(hole) for hole in line.holes],
    }


routes = [
    Route(PATH, show),
    Route("/live/today", live),
    Route("/live/day", live_day),
    Route("/pause", pause, methods=["POST"]),
    Route("/resume", resume, methods=["POST"]),
]
