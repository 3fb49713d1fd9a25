"""Forget: first what would go, then gone, with a receipt. In no menu: other pages lead here."""

import re
from collections.abc import Callable
from datetime import date, datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deskbound_client.employee import forgetting
from deskbound_client.employee.receipts import Receipt
from deskbound_client.employee.wishes import Wish, parse_day
from deskbound_client.employee.words import counted
from deskbound_client.ui.desk import Notice
from deskbound_client.ui.page import back, desk_of, render
from deskbound_strategies.errors import ConfigError
from deskbound_strategies.pages.answers import form_of

PATH, TITLE = "/forget", ""
_ROW = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})/([ap])([0-9]{1,15})")

_SCOPES = {
    "range": "a stretch of time",
    "app": "an application",
    "stream": "a stream",
    "rows": "single rows",
    "day": "a whole day",
    "all": "everything",
}


def show(request: Request) -> Response:
    """Show what would go, and all receipts."""
    desk, asked = desk_of(request), request.query_params
    scope, what = asked.get("scope", ""), asked.get("what", "")
    with desk.vault() as vault:
        wish = wish_of(scope, what, desk.now()) if scope else None
        preview = forgetting.preview(vault, wish) if wish else None
        receipts = forgetting.receipts(vault)[::-1]
    scope, what = _fixed(wish, what) if wish else ("", "")
    return render(
        request,
        "forget.html",
        scope=scope,
        what=what,
        preview=preview,
        receipts=receipts,
        scopes=_SCOPES,
        back_to=_local(asked.get("back", "/")),
    )


def forget(request: Request) -> Response:
    """Forget, and show the receipt."""
    desk, form = desk_of(request), form_of(request)
    with desk.vault() as vault:
        wish = wish_of(form.get("scope", ""), form.get("what", ""), desk.now())
        receipt = forgetting.forget(desk.paths, vault, wish)
    return back(
        request, _local(form.get("back", "/")), told(receipt, forgetting.copies_words(desk.paths))
    )


def wish_of(scope: str, what: str, now: float) -> Wish:
    """Return the wish that a link or a form names.

    Args:
        scope: ``last``, ``between``, ``day``, ``app``, ``stream``, ``rows`` or ``all``.
        what: its length, moments, date or name; of a row ``2026-11-20/a7``, of a picture ``/p7``.
        now: Unix time.

    Raises:
        ConfigError: there is no such wish.
    """
    ways: dict[str, Callable[[], Wish]] = {
        "last": lambda: Wish.last(what, now),
        "between": lambda: _between(what, now),
        "day": lambda: Wish.of_day(parse_day(what, now)),
        "app": lambda: Wish.of_app(what),
        "stream": lambda: Wish.of_stream(what),
        "rows": lambda: _of_rows(what),
        "all": Wish.everything,
    }
    if scope not in ways:
        raise ConfigError("There is nothing of that sort to forget.", "Choose again from a page.")
    return ways[scope]()


def _between(what: str, now: float) -> Wish:
    start, _, end = what.partition("/")
    return Wish.between(start, end, now)


def _of_rows(what: str) -> Wish:
    match = _ROW.fullmatch(what)
    if match is None:
        raise ConfigError("That is not a row.", "Choose it on the page What is stored.")
    number = (int(match[3]),)
    actions, pictures = (number, ()) if match[2] == "a" else ((), number)
    return Wish.of_rows(parse_day(match[1], 0.0), actions, pictures)


def told(receipt: Receipt, copies: str) -> Notice:
    """Return the notice that says what is gone, and what that means for copies made before."""
    if receipt.empty:
        return Notice("There was nothing to forget.")
    gone = receipt.gone
    lines = [f"Of {_days(gone.days)}."] if gone.days else []
    if gone.keys_destroyed:
        keys = counted(gone.keys_destroyed, "key")
        lines.append(f"{keys} destroyed: {copies}.")
    lines += [
        f"{counted(one.rounds, 'round')} learned from {one.day:%-d %B} before, which cannot be"
        f" called back: ε {one.epsilon:.2f} about any one session at most."
        for one in receipt.learned
    ]
    lines += [
        f"{day:%-d %B} is damaged and could not be searched; forget the whole day."
        for day in gone.damaged
    ]
    lines.append("A signed receipt is kept.")
    counts = gone.counts
    rows = f"{counted(counts.actions, 'action')} and {counted(counts.thumbs, 'picture')}"
    return Notice(f"Forgotten: {rows}.", tuple(lines), (("All receipts", PATH),))


def _days(days: tuple[date, ...]) -> str:
    names = [f"{day:%-d %B %Y}" for day in days]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _fixed(wish: Wish, what: str) -> tuple[str, str]:
    """Return what the confirmation carries: what was shown goes, whatever the clock says then."""
    if wish.scope == "range" and wish.rows is not None:
        start, end = (
            datetime.fromtimestamp(at).astimezone().isoformat()
            for at in (wish.rows.start, wish.rows.end)
        )
        return "between", f"{start}/{end}"
    return wish.scope, wish.day.isoformat() if wish.day else what


def _local(path: str) -> str:
    """Return a path of ours; a form must not lead anywhere else."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) else "/"


routes = [Route(PATH, show), Route(PATH, forget, methods=["POST"])]
