"""``deskbound show``: what is stored, in plain words."""

import itertools
import time
from datetime import date, datetime
from typing import Annotated, Any

import typer
from rich.table import Table

from deskbound_client.cli.session import AsJson, console, open_vault, print_json
from deskbound_client.employee.stored import PICTURE, DayLine, Found, Hit, Query, days, find
from deskbound_client.employee.wishes import parse_day
from deskbound_client.employee.words import clock, counted
from deskbound_client.store.rows import StoredThumb
from deskbound_client.store.vault import Vault
from deskbound_strategies.errors import NotFoundError, VaultDamagedError
from deskbound_strategies.vocabulary import APPS

_SHADES = " .:-=+*#%@"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(show)


def show(
    context: typer.Context,
    day: Annotated[
        str | None, typer.Argument(help="A day such as 2026-11-20, 'today' or 'yesterday'.")
    ] = None,
    last: Annotated[int, typer.Option(min=1, help="How many of its last actions.")] = 20,
    thumbnails: Annotated[int, typer.Option(min=0, help="How many of its last pictures.")] = 0,
    text: Annotated[
        str, typer.Option("--find", help="Plain words such as ctrl+c, 'mail click' or browser.")
    ] = "",
    json: AsJson = False,
) -> None:
    """Show what is stored, in plain words.

    Without a day: one line per day. With a day: its last actions, exactly as they are kept. With
    --find: what fits, on that day or on all, the newest last.
    There is nothing else: no characters, no titles, no pictures larger than 64 x 36 points.

    Example: deskbound show today --last 50
    """
    with open_vault(context) as vault:
        if text:
            _show_found(vault, parse_day(day, time.time()) if day else None, text, last, json=json)
            return
        if day is None:
            _show_days(vault, json=json)
            return
        found = _contents(vault, parse_day(day, time.time()), last, thumbnails)
    print_json(found) if json else _print_contents(found)


def _show_found(vault: Vault, day: date | None, text: str, most: int, *, json: bool) -> None:
    found = find(vault, Query(first=day, last=day, text=text, limit=most))
    print_json(_found(found)) if json else _print_found(found)
    if found.unreadable:
        raise _damaged(found.unreadable[0])


def _found(found: Found) -> dict[str, Any]:
    hits = [{"day": hit.day.isoformat(), "id": hit.id, **_action(hit)} for hit in found.hits[::-1]]
    return {
        "total": found.total,
        "apps": found.facets.apps,
        "kinds": found.facets.kinds,
        "hits": hits,
    }


def _print_found(found: Found) -> None:
    table = Table("when", "what", "in", "where from", box=None, pad_edge=False)
    for hit in found.hits[::-1]:
        when = f"{datetime.fromtimestamp(hit.row.at).astimezone():%Y-%m-%d %H:%M:%S}"
        table.add_row(when, hit.words, hit.app, hit.source)
    shown = f"; the last {len(found.hits)}:" if len(found.hits) < found.total else "."
    console.print(f"{counted(found.total, 'action')} found{shown}")
    if found.hits:
        console.print(table)


def _show_days(vault: Vault, *, json: bool) -> None:
    """Print a line for each day; a damaged one hides no other, and is told at the end."""
    lines = days(vault)
    overview = [_overview(line) for line in lines if line.readable]
    print_json({"days": overview}) if json else _print_days(overview)
    for line in lines:
        if not line.readable:
            raise _damaged(line.day)


def _damaged(day: date) -> VaultDamagedError:
    return VaultDamagedError(
        f"The file of {day.isoformat()} is damaged.",
        f"The other days are not affected; `deskbound forget --day {day.isoformat()}` removes it.",
    )


def _overview(line: DayLine) -> dict[str, Any]:
    return {
        "day": line.day.isoformat(),
        "actions": line.actions,
        "thumbnails": line.thumbnails,
        "gaps": line.gaps,
        "sources": line.sources,
        "bytes": line.bytes,
    }


def _contents(vault: Vault, day: date, last: int, thumbnails: int) -> dict[str, Any]:
    lines = {line.day: line for line in days(vault)}
    if day not in lines:
        raise NotFoundError(
            f"Nothing is stored for {day.isoformat()}.", "`deskbound show` lists the days."
        )
    if not lines[day].readable:
        raise _damaged(day)
    actions = find(vault, Query(first=day, last=day, limit=last)).hits[::-1]
    pictures = find(vault, Query(first=day, last=day, kind=PICTURE, limit=thumbnails)).hits[::-1]
    return {
        **_overview(lines[day]),
        "last": [_action(hit) for hit in actions],
        "holes": [
            {"from": gap.started, "to": gap.ended, "cause": gap.cause}
            for gap in vault.day(day).gaps()
        ],
        "pictures": [_picture(hit.row) for hit in pictures if isinstance(hit.row, StoredThumb)],
    }


def _action(hit: Hit) -> dict[str, Any]:
    return {
        "at": hit.row.at,
        "kind": hit.kind,
        "words": hit.words,
        "app": hit.app,
        "pause": hit.pause,
        "source": hit.source,
    }


def _picture(thumb: StoredThumb) -> dict[str, Any]:
    points = list(itertools.chain.from_iterable((byte >> 4, byte & 15) for byte in thumb.pixels))
    rows = [points[start : start + 64] for start in range(0, len(points), 64)]
    return {"at": thumb.at, "app": APPS[thumb.app], "rows": rows}


def _print_days(days: list[dict[str, Any]]) -> None:
    if not days:
        console.print("Nothing is stored.")
        return
    table = Table("day", "actions", "pictures", "holes", "where from", box=None, pad_edge=False)
    for day in days:
        origin = ", ".join(f"{count:,} {name}" for name, count in sorted(day["sources"].items()))
        table.add_row(
            day["day"], f"{day['actions']:,}", str(day["thumbnails"]), str(day["gaps"]), origin
        )
    console.print(table)
    console.print("[dim]`deskbound show DAY` shows what is in one.[/]")


def _print_contents(found: dict[str, Any]) -> None:
    table = Table("time", "what", "in", "pause before", "where from", box=None, pad_edge=False)
    for action in found["last"]:
        table.add_row(
            clock(action["at"]), action["words"], action["app"], action["pause"], action["source"]
        )
    console.print(
        f"[bold]{found['day']}[/]: {counted(found['actions'], 'action')}; the last of them:"
    )
    console.print(table)
    for hole in found["holes"]:
        console.print(f"[dim]{clock(hole['from'])}-{clock(hole['to'])} nothing: {hole['cause']}[/]")
    for picture in found["pictures"]:
        console.print(f"\n{clock(picture['at'])} in {picture['app']}, all 64 x 36 points:")
        for row in picture["rows"]:
            shades = "".join(_SHADES[point * len(_SHADES) // 16] for point in row)
            console.print(shades, markup=False)
