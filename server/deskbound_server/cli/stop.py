"""``deskbound-server stop``: an order to every laptop to stop; only its owner starts it again."""

import math
import sys
import time
from typing import Annotated

import typer
from rich.live import Live
from rich.text import Text

from deskbound_server import stop_orders
from deskbound_server.cli.common import AsJson, console, home_of, open_database, print_json
from deskbound_server.control import Control
from deskbound_server.database import Database
from deskbound_server.delivery import FAREWELL_SECONDS
from deskbound_server.schema import RunRow
from deskbound_server.stop_orders import OpenOrder
from deskbound_server.stopping import end_runs, order_stop
from deskbound_server.words import codes
from deskbound_strategies.errors import UnreachableError, UntrustedServerError
from deskbound_strategies.stop_order import StopReason

PATIENCE_SECONDS = 90.0
_POLL_SECONDS = 0.5


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(stop)


def stop(
    context: typer.Context,
    reason: Annotated[
        StopReason, typer.Option(help="What laptops' owners read.")
    ] = StopReason.UNSPECIFIED,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Stop capture and learning on every laptop, for good: only each owner's own resume ends it.

    Runs end at once. The order is in the log for everybody to see, and cannot be called back; as
    long as 'up' runs, laptops that are not connected get it when they are. 'down' stops the server.

    Example: deskbound-server stop --reason security
    """
    home = home_of(context)
    home.check()
    if not yes and sys.stdin.isatty():
        words = "Stop every laptop? Nothing but each owner's own resume ends it"
        typer.confirm(words, abort=True)
    with open_database(home) as database:
        ended = order_stop(home, database, reason, time.time())
        try:
            with Control(home) as control:
                end_runs(control, ended)
                found, online = _watch(database, control, quiet=as_json)
        except (UnreachableError, UntrustedServerError):
            raise UnreachableError(
                "The order is signed and logged, but the server is not up: no laptop was reached.",
                "Start it with 'deskbound-server up'; it delivers the order.",
            ) from None
    if as_json:
        _print(found, online, ended)
    else:
        console.print(_summary(found, online))
        if ended:
            console.print(f"Runs stopped: {', '.join(one.id[:8] for one in ended)}.")


def _watch(database: Database, control: Control, *, quiet: bool) -> tuple[OpenOrder, int]:
    """Show how many were reached until all that are connected were; return the end of it."""
    until = time.monotonic() + PATIENCE_SECONDS
    seen: dict[int, float] = {}
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while True:
            now = time.monotonic()
            seen |= dict.fromkeys(control.online(), now)
            found = stop_orders.latest(database)
            assert found is not None  # noqa: S101 - this command wrote it
            # Who obeys signs off, and is known to be reached a moment later.
            there = sum(
                now < seen.get(node, -math.inf) + FAREWELL_SECONDS for node in found.waiting
            )
            if not quiet:
                live.update(Text(_counts(found, there)), refresh=True)
            if not there or time.monotonic() > until:
                return found, there
            time.sleep(_POLL_SECONDS)


def _counts(found: OpenOrder, online: int) -> str:
    away = len(found.waiting) - online
    parts = [f"{found.reached} of {found.laptops} laptops reached"]
    if online:
        parts.append(f"{online} connected and not reached yet")
    if away:
        parts.append(f"{away} not seen since the order")
    if found.refused:
        parts.append(f"refused: {codes(found.refused)}")
    return ", ".join(parts)


def _summary(found: OpenOrder, online: int) -> str:
    words = f"{_counts(found, online)}."
    if found.waiting:
        words += " They get it when they are next connected, as long as 'up' runs."
    return words


def _print(found: OpenOrder, online: int, ended: list[RunRow]) -> None:
    print_json(
        {
            "order": found.order.id,
            "reason": found.order.reason.value,
            "laptops": found.laptops,
            "reached": found.reached,
            "connected": online,
            "refused": found.refused,
            "runs_stopped": [one.id for one in ended],
        }
    )
