"""Ordering the fleet to stop, from a terminal or from a page: one way, and the same."""

from contextlib import suppress

from deskbound_server import pki, stop_orders
from deskbound_server.control import Control
from deskbound_server.database import Database
from deskbound_server.home import ServerHome
from deskbound_server.log import open_log
from deskbound_server.schema import RunRow
from deskbound_strategies.errors import DeskboundError
from deskbound_strategies.stop_order import StopReason


def order_stop(
    home: ServerHome, database: Database, reason: StopReason, now: float
) -> list[RunRow]:
    """Sign and log an order to every laptop to stop; return the runs that it ended.

    What runs beside ``up`` delivers it. Nothing calls it back.

    Args:
        home: of the server.
        database: that holds the log.
        reason: for laptops' owners to read.
        now: Unix seconds.
    """
    log, key = open_log(home, database), pki.contract_key(home)
    _, ended = stop_orders.issue(log, database, key, reason, now)
    return ended


def end_runs(control: Control, ended: list[RunRow]) -> None:
    """Let Flower drop what it still holds of these runs; whoever conducts them stops by itself."""
    for run in ended:
        with suppress(DeskboundError):
            if run.flower_run:
                control.stop_run(int(run.flower_run))
