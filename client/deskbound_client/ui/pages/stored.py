"""What is stored: every day, every row; found by words or by sort, explained, and deletable."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deskbound_client.config import load_config
from deskbound_client.employee import stored
from deskbound_client.employee.explained import columns_of, signal_of
from deskbound_client.employee.stored import DayLine, Found, Hit, Query
from deskbound_client.employee.words import counted
from deskbound_client.store.rows import StoredThumb
from deskbound_client.ui import thumbnails
from deskbound_client.ui.page import desk_of, render
from deskbound_strategies.errors import ConfigError, NotFoundError
from deskbound_strategies.pages import charts

PATH, TITLE = "/stored", "What is stored"
PAGE = 50
WORDS_LENGTH = 100
_FILTERS = ("day", "hour", "kind", "app", "stream", "source", "q")


@dataclass(frozen=True, slots=True)
class Link:
    """Words that lead somewhere, and how many rows are there."""

    words: str
    address: str
    count: int = 0


def show(request: Request) -> Response:
    """Show the days, or what was found."""
    desk, query = desk_of(request), query_of(request)
    asked = any(request.query_params.get(name) for name in _FILTERS)
    with desk.vault() as vault:
        days = () if asked else stored.days(vault)
        found = stored.find(vault, query if asked else replace(query, limit=0))
    return render(
        request,
        "stored.html",
        days=days[::-1],
        sparks={line.day: _spark(line.hours, line.day) for line in days},
        totals=_totals(days),
        found=found,
        asked=asked,
        query=query,
        text=request.query_params.get("q", ""),
        chosen=_chosen(request),
        kept={name: request.query_params.get(name, "") for name in _FILTERS if name != "q"},
        facets=_facets(request, found, asked=asked),
        forget=_whole(request),
        pager=_pager(request, query, found),
        here=_address(request),
        keep_days=load_config(desk.paths.config).retention_days,
        link=row_address,
    )


def show_row(request: Request) -> Response:
    """Show one row: each column of it, why it is kept, and how to be rid of it."""
    sort, day, number = request.path_params["sort"], *_named(request)
    look = _lookers(sort)
    with desk_of(request).vault() as vault:
        hit = look(vault, day, number)
    return render(
        request,
        "stored_row.html",
        hit=hit,
        columns=columns_of(hit),
        signal=signal_of(hit),
        deletions=_deletions(hit),
        image=f"{row_address(hit)}.png" if hit.is_picture else "",
        back=_local(request.query_params.get("back", PATH)),
    )


def picture(request: Request) -> Response:
    """Hand one stored picture over, point for point."""
    day, number = _named(request)
    with desk_of(request).vault() as vault:
        row = stored.picture(vault, day, number).row
    pixels = row.pixels if isinstance(row, StoredThumb) else b""
    return Response(thumbnails.png_of(pixels), media_type="image/png")


def query_of(request: Request) -> Query:
    """Read a question from an address.

    Raises:
        ConfigError: when a part of it is not acceptable.
    """
    asked = request.query_params
    day = _day(asked["day"]) if asked.get("day") else None
    return Query(
        first=day,
        last=day,
        hour=_number(asked["hour"]) if asked.get("hour") else None,
        kind=asked.get("kind", ""),
        app=asked.get("app", ""),
        stream=asked.get("stream", ""),
        source=asked.get("source", ""),
        text=asked.get("q", "")[:WORDS_LENGTH],
        offset=_number(asked["from"]) if asked.get("from") else 0,
        limit=PAGE,
    )


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigError("That is not a day.", "Choose one from the list.") from None


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 15):
        raise ConfigError("That is not a number.", "Choose from the lists.")
    return int(text)


def _named(request: Request) -> tuple[date, int]:
    return _day(request.path_params["day"]), _number(request.path_params["number"])


def _lookers(sort: str) -> Callable[..., Hit]:
    found = {"action": stored.action, "picture": stored.picture}.get(sort)
    if found is None:
        raise NotFoundError("There is no such row.", "Search again.")
    return found


def row_address(hit: Hit) -> str:
    """Return where one row is explained."""
    sort = "picture" if hit.is_picture else "action"
    return f"{PATH}/{sort}/{hit.day.isoformat()}/{hit.id}"


def _address(request: Request, **changes: object) -> str:
    """Return the address of this question with some parts changed; None takes one out."""
    asked: dict[str, object] = {
        name: value for name, value in request.query_params.items() if name in _FILTERS and value
    }
    asked |= changes
    words = urlencode({name: value for name, value in asked.items() if value not in {None, ""}})
    return f"{PATH}?{words}" if words else PATH


def _chosen(request: Request) -> list[Link]:
    """Return what the question is narrowed to; each link takes one part out."""
    asked = request.query_params
    names = {name: asked[name] for name in _FILTERS if asked.get(name) and name != "q"}
    if "hour" in names:
        names["hour"] = f"{datetime.fromtimestamp(_number(names['hour'])).astimezone():%-H h}"
    if "day" in names:
        names["day"] = f"{_day(names['day']):%-d %B}"
    gone: dict[str, dict[str, object]] = {"day": {"day": None, "hour": None}}
    return [
        Link(words, _address(request, **gone.get(name, {name: None})))
        for name, words in names.items()
    ]


def _whole(request: Request) -> Link | None:
    """Return the way to be rid of all that was found, where one wish says just that."""
    asked = {name: request.query_params.get(name, "") for name in _FILTERS}
    given = {name for name, value in asked.items() if value}
    if given == {"day", "hour"}:
        return _hour(_number(asked["hour"]))
    for name, words in (("app", "All of"), ("stream", "All that was stored by"), ("day", "All of")):
        if given == {name}:
            return _way(f"{words} {asked[name]}", name, asked[name])
    return None


def _facets(request: Request, found: Found, *, asked: bool) -> list[tuple[str, list[Link]]]:
    """Return ways to narrow the question, each with how many rows it leaves."""
    facets = found.facets
    groups = (
        ("Days", "day", {day.isoformat(): count for day, count in facets.days.items()}),
        ("Kinds", "kind", facets.kinds),
        ("Applications", "app", facets.apps),
        ("Streams", "stream", facets.streams),
        ("Where from", "source", facets.sources),
    )
    given = request.query_params
    shown = [
        (title, [
            Link(_said(name, value), _address(request, **{name: value}), count)
            for value, count in counts.items() if value
        ])
        for title, name, counts in groups
        if not given.get(name) and len(counts) > (0 if name in {"app", "kind"} else 1)
        and (asked or name != "day")
    ]  # fmt: skip
    if given.get("day") and not given.get("hour"):
        shown.insert(0, ("Hours", _hours(request, facets.hours)))
    return [group for group in shown if group[1]]


def _said(name: str, value: str) -> str:
    return f"{_day(value):%a %-d %b}" if name == "day" else value


def _hours(request: Request, hours: dict[int, int]) -> list[Link]:
    return [
        Link(f"{datetime.fromtimestamp(at).astimezone():%-H h}", _address(request, hour=at), count)
        for at, count in hours.items()
    ]


def _pager(request: Request, query: Query, found: Found) -> dict[str, Any]:
    newer, older = query.offset - PAGE, query.offset + PAGE
    return {
        "newer": _address(request, **{"from": max(newer, 0) or None}) if query.offset else "",
        "older": _address(request, **{"from": older}) if older < found.total else "",
        "first": query.offset + 1,
        "last": query.offset + len(found.hits),
    }


def _spark(hours: dict[int, int], day: date) -> Markup:
    counts = [0] * 24
    for at, count in hours.items():
        counts[datetime.fromtimestamp(at).astimezone().hour] += count
    return charts.spark(counts, f"Actions by hour on {day:%-d %B}")


def _totals(days: Sequence[DayLine]) -> str:
    actions = counted(sum(line.actions for line in days), "action")
    pictures = counted(sum(line.thumbnails for line in days), "picture")
    return f"{actions} and {pictures} on {counted(len(days), 'day')}"


def _deletions(hit: Hit) -> list[Link]:
    """Return ways to be rid of a row and of its like; each first shows what would go."""
    letter, one = ("p", "picture") if hit.is_picture else ("a", "action")
    ways = [
        _way(f"Only this {one}", "rows", f"{hit.day.isoformat()}/{letter}{hit.id}"),
        _hour(hit.row.at),
        _way(f"All of {hit.day:%-d %B}", "day", hit.day.isoformat()),
        _way(f"All of {hit.app}", "app", hit.app),
    ]
    if hit.stream:
        ways.append(_way(f"All that the stream {hit.stream} stored", "stream", hit.stream))
    return ways


def _hour(at: int) -> Link:
    start = datetime.fromtimestamp(at).astimezone().replace(minute=0, second=0)
    end = start + timedelta(seconds=3599)
    return _way(
        f"The hour from {start:%-H:%M} to {end:%-H:%M}", "between",
        f"{start.isoformat()}/{end.isoformat()}",
    )  # fmt: skip


def _way(words: str, scope: str, what: str) -> Link:
    return Link(words, f"/forget?scope={scope}&what={quote(what, safe='')}&back={PATH}")


def _local(path: str) -> str:
    """Return an address of this page; a link must not lead anywhere else."""
    return path if path == PATH or path.startswith(f"{PATH}?") else PATH


routes = [
    Route(PATH, show),
    Route(PATH + "/picture/{day}/{number}.png", picture),
    Route(PATH + "/{sort}/{day}/{number}", show_row),
]
