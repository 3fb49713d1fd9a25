"""Orders to stop the fleet, as this server keeps them: signed, logged, open until all are reached.

An order, its leaf, the end of all runs and the list of whom it has to reach are one transaction, in
a turn of the log: after an order no contract of those runs is ever logged. A newer order takes the
place of an older one, so that nobody who resumed after the newer is stopped by the older.
"""

import json
import secrets
from dataclasses import dataclass

import sqlalchemy as sql
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deskbound_server import schema
from deskbound_server.database import Database
from deskbound_server.log import Log
from deskbound_server.schema import RoundState, RunRow, RunState
from deskbound_strategies import dsse
from deskbound_strategies.log_entries import stop_leaf
from deskbound_strategies.stop_order import ORDER_TYPE, StopOrder, StopReason

STOP_REASON = "stop-order"  # why a run ended


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """An order and whom it still has to reach.

    Attributes:
        order: itself.
        envelope: as it is sent.
        leaf: its index in the log.
        laptops: how many there were to reach.
        waiting: node ids of those that were not reached yet.
        refused: answers that refused it, by code.
    """

    order: StopOrder
    envelope: bytes
    leaf: int
    laptops: int
    waiting: frozenset[int]
    refused: dict[str, int]

    @property
    def reached(self) -> int:
        """How many laptops said that it came, or cannot come back because they were revoked."""
        return self.laptops - len(self.waiting)


def issue(
    log: Log, database: Database, key: Ed25519PrivateKey, reason: StopReason, now: float
) -> tuple[StopOrder, list[RunRow]]:
    """Sign and log an order and end all runs; return it, and the runs that it ended.

    Args:
        log: of the server.
        database: that holds it.
        key: the contract key.
        reason: for laptops' owners to read.
        now: Unix seconds.
    """
    order = StopOrder(id=secrets.token_hex(16), issued=int(now), reason=reason)
    envelope = order.signed(key)
    leaf = stop_leaf(envelope)
    with log.turn() as rules:
        index = rules.size
        ended = [one for one in database.runs() if one.state in (RunState.QUEUED, RunState.RUNNING)]
        nodes = [row.node for row in database.laptops() if not row.revoked]
        log.check([leaf])
        runs, rounds, waiting = schema.runs, schema.rounds, schema.stops_waiting
        names = [one.id for one in ended]
        database.carry_out(
            sql.update(runs)
            .where(runs.c.id.in_(names))
            .values(state=RunState.STOPPED, reason=STOP_REASON),
            sql.update(rounds)
            .where(rounds.c.run.in_(names), rounds.c.state == RoundState.OPEN)
            .values(state=RoundState.ABANDONED),
            sql.delete(waiting),
            sql.insert(schema.stops).values(
                id=order.id,
                envelope=envelope,
                leaf=index,
                issued=order.issued,
                laptops=len(nodes),
                refused="{}",
            ),
            *(sql.insert(waiting).values(stop=order.id, node=node) for node in nodes),
            leaves=[leaf],
        )
        log.checkpoint()
    return order, ended


def latest(database: Database) -> OpenOrder | None:
    """Return the latest order, the only one that can still be open, or None."""
    rows = database.look_up(sql.select(schema.stops).order_by(schema.stops.c.leaf.desc()).limit(1))
    if not rows:
        return None
    (row,) = rows
    envelope = bytes(row["envelope"])
    waiting = schema.stops_waiting
    nodes = database.look_up(sql.select(waiting.c.node).where(waiting.c.stop == row["id"]))
    return OpenOrder(
        order=StopOrder.from_bytes(dsse.payload_of(envelope, ORDER_TYPE)),
        envelope=envelope,
        leaf=int(row["leaf"]),
        laptops=int(row["laptops"]),
        waiting=frozenset(int(one["node"]) for one in nodes),
        refused=json.loads(row["refused"]),
    )


def reached(database: Database, order: StopOrder, node: int) -> None:
    """Record that a laptop was reached, by forgetting that it was not."""
    table = schema.stops_waiting
    database.carry_out(sql.delete(table).where(table.c.stop == order.id, table.c.node == str(node)))


def refused(database: Database, order: StopOrder, code: str) -> None:
    """Count an answer that refused an order; whose it was is not kept."""
    found = latest(database)
    if found is None or found.order.id != order.id:
        return
    counts = found.refused | {code: found.refused.get(code, 0) + 1}
    table = schema.stops
    change = sql.update(table).where(table.c.id == order.id)
    database.carry_out(change.values(refused=json.dumps(counts, sort_keys=True)))
