"""``deskbound show``: what is stored, in plain words."""

import itertools
from collections import Counter, deque
from datetime import date
from typing import Annotated, Any

import typer
from rich.table import Table

from deskbound_client.cli.session import AsJson, console, open_vault, parse_day, print_json
from deskbound_client.employee.words import clock, counted, words_of
from deskbound_client.store.rows import GENERATED, IMPORTED, StoredAction, StoredThumb
from deskbound_client.store.vault import Vault
from deskbound_strategies.errors import NotFoundError, VaultDamagedError
from deskbound_strategies.vocabulary import APPS, GAP_UNKNOWN, TOKENS

_ORIGIN = {GENERATED: "generated", IMPORTED: "imported"}
_GAPS = ("< ¼ s", "¼-½ s", "½-1 s", "1-2 s", "2-5 s", "5-15 s", "15-60 s", "> 1 min")
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
    json: AsJson = False,
) -> None:
    """Show what is stored, in plain words.

    Without a day: one line per day. With a day: its last actions, exactly as they are kept.
    There is nothing else: no characters, no titles, no pictures larger than 64 x 36 points.

    Example: deskbound show today --last 50
    """
    with open_vault(context) as vault:
        if day is None:
            _show_days(vault, json=json)
            return
        wanted = parse_day(day)
        found = _contents(vault, wanted, last, thumbnails)
    print_json(found) if json else _print_contents(found)


def _show_days(vault: Vault, *, json: bool) -> None:
    """Print a line for each day; a damaged one hides no other, and is told at the end."""
    overview, damaged = [], None
    for day in vault.days():
        try:
            overview.append(_overview(vault, day))
        except VaultDamagedError as error:
            damaged = damaged or error
    print_json({"days": overview}) if json else _print_days(overview)
    if damaged is not None:
        raise damaged


def _overview(vault: Vault, day: date) -> dict[str, Any]:
    file = vault.day(day)
    counts = file.counts()
    sources = Counter(_ORIGIN.get(action.source, "captured") for action in file.actions())
    return {
        "day": day.isoformat(),
        "actions": counts.actions,
        "thumbnails": counts.thumbs,
        "gaps": counts.gaps,
        "sources": dict(sources),
        "bytes": vault.day_path(day).stat().st_size,
    }


def _contents(vault: Vault, day: date, last: int, thumbnails: int) -> dict[str, Any]:
    if day not in vault.days():
        raise NotFoundError(
            f"Nothing is stored for {day.isoformat()}.", "`deskbound show` lists the days."
        )
    file = vault.day(day)
    actions = deque(file.actions(), maxlen=last)
    thumbs = deque(file.thumbs(), maxlen=thumbnails) if thumbnails else ()
    return {
        **_overview(vault, day),
        "last": [_action(action) for action in actions],
        "holes": [
            {"from": gap.started, "to": gap.ended, "cause": gap.cause} for gap in file.gaps()
        ],
        "pictures": [_picture(thumb) for thumb in thumbs],
    }


def _action(action: StoredAction) -> dict[str, Any]:
    return {
        "at": action.at,
        "kind": TOKENS[action.token].kind.name.lower().replace("_", " "),
        "words": words_of(action.token),
        "app": APPS[action.app] + (f" #{action.bucket}" if action.bucket else ""),
        "pause": "" if action.gap == GAP_UNKNOWN else _GAPS[action.gap],
        "source": _ORIGIN.get(action.source, "captured"),
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
