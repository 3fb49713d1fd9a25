"""``deskbound import``: days from an archive, from ActivityWatch, or from a research set."""

import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from deskbound_client.archive import ImportReceipt, import_archive
from deskbound_client.archive.activitywatch import import_activitywatch
from deskbound_client.archive.reading import needs_passphrase
from deskbound_client.archive.set_readers import READERS
from deskbound_client.archive.sets import import_set
from deskbound_client.cli.export import progress_bar
from deskbound_client.cli.session import (
    AsJson,
    console,
    open_vault,
    paths_of,
    print_json,
)
from deskbound_client.employee.wishes import parse_day
from deskbound_client.employee.words import counted
from deskbound_client.store.passphrase import passphrase_from_file, passphrase_from_prompt
from deskbound_strategies.errors import ConfigError

_WHY = {
    "identical": "stored already, row for row",
    "differs": "not touched: other rows are stored for it",
    "forgotten": "not brought back: some of it was forgotten here",
    "old": "older than this vault keeps, or its key is destroyed",
    "future": "has not come yet",
    "today": "not complete yet",
}

_NAMED = 3  # so many days are named when a sentence speaks of several


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("import")(import_)


def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="What `deskbound export` wrote.")],
    activitywatch: Annotated[
        bool, typer.Option("--activitywatch", help="It is what ActivityWatch exported as JSON.")
    ] = False,
    published: Annotated[
        str | None,
        typer.Option("--set", metavar="NAME", help=f"It is a published set: {', '.join(READERS)}."),
    ] = None,
    person: Annotated[
        int, typer.Option(min=1, help="Which person of a published set, counted from 1.")
    ] = 1,
    day: Annotated[
        list[str] | None, typer.Option(help="Only this day; may be given several times.")
    ] = None,
    passphrase_file: Annotated[
        Path | None, typer.Option(help="Read an archive's passphrase from a file of mode 0600.")
    ] = None,
    mine: Annotated[
        bool, typer.Option("--mine", help="It is of an earlier vault of mine: keep it as it was.")
    ] = False,
    even_forgotten: Annotated[
        bool, typer.Option("--even-forgotten", help="Bring back days I forgot something of.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Take days into this vault, each wholly or not at all.

    The file is checked to the last byte first; one changed byte and nothing is stored. Days that
    hold other rows are not touched. Days of another vault are marked as imported, and rounds never
    learn from them. Decisions, ledger and budget of an archive stay in it, as proof.

    Of ActivityWatch come kinds of programs, pauses and how much was typed; titles and addresses are
    dropped unread. Published sets come into research vaults only.

    Example: deskbound import me.zip.age
    """
    days = [parse_day(text, time.time()) for text in day] if day else None
    plain = activitywatch or published is not None
    secret = None if plain else _passphrase(file, passphrase_file)
    take: Callable[..., ImportReceipt]
    if published is not None:
        _only(activitywatch, mine, even_forgotten, days, with_="--set")
        take = partial(import_set, name=published, source=file, person=person)
    elif activitywatch:
        _only(mine, with_="--activitywatch")
        take = partial(import_activitywatch, source=file, days=days, even_forgotten=even_forgotten)
    else:
        take = partial(
            import_archive,
            source=file,
            passphrase=secret,
            days=days,
            mine=mine,
            even_forgotten=even_forgotten,
        )
    with open_vault(context) as vault, progress_bar("Checking and storing") as progress:
        receipt = take(paths_of(context), vault, progress=progress)
    print_json(_as_dict(receipt)) if json else _print(receipt)
    _insist(receipt)


def _only(*others: object, with_: str) -> None:
    if any(others):
        raise ConfigError(
            f"One of these options does not go with {with_}.",
            "`deskbound import --help` says more.",
        )


def _passphrase(file: Path, given: Path | None) -> str | None:
    if not needs_passphrase(file):
        return None
    if given is not None:
        return passphrase_from_file(given)()
    return passphrase_from_prompt(of="the archive")() if sys.stdin.isatty() else None


def _as_dict(receipt: ImportReceipt) -> dict[str, Any]:
    return {
        "device": receipt.device,
        "own": receipt.own,
        "actions": receipt.counts.actions,
        "thumbnails": receipt.counts.thumbs,
        "gaps": receipt.counts.gaps,
        "days": [
            {"day": day.day.isoformat(), "outcome": day.outcome, "actions": day.counts.actions}
            for day in receipt.days
        ],
        "dropped": dict(receipt.dropped),
    }


def _print(receipt: ImportReceipt) -> None:
    stored = sum(day.outcome == "imported" for day in receipt.days)
    counts = receipt.counts
    console.print(
        f"[bold]Imported:[/] {counted(stored, 'day')} with {counted(counts.actions, 'action')}, "
        f"{counted(counts.thumbs, 'picture')}, {counted(counts.gaps, 'hole')}."
    )
    for outcome, why in _WHY.items():
        days = [day.day.isoformat() for day in receipt.days if day.outcome == outcome]
        if days:
            more = f" and {len(days) - _NAMED} more" if len(days) > _NAMED else ""
            console.print(f"{', '.join(days[-_NAMED:])}{more}: {why}.")
    for sort, count in receipt.dropped:
        console.print(f"Left out, having no word here: {count:,} {sort}.", markup=False)
    if stored and not receipt.own:
        console.print("Rounds do not learn from imported days.")


def _insist(receipt: ImportReceipt) -> None:
    """End with an error when a day was turned away that the person could let in."""
    turned = {
        outcome: [day.day.isoformat() for day in receipt.days if day.outcome == outcome]
        for outcome in ("differs", "forgotten")
    }
    if turned["differs"]:
        raise ConfigError(
            f"Other rows are stored for {', '.join(turned['differs'])}.",
            "Forget such a day first with `deskbound forget --day`, or choose others with --day.",
        )
    if turned["forgotten"]:
        raise ConfigError(
            f"You forgot something of {', '.join(turned['forgotten'])}.",
            "Add --even-forgotten if you want it back.",
        )
