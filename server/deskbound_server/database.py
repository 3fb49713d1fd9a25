"""Runs, rounds and enrolled laptops in one SQLite file: WAL, and FULL before anything is promised.

What is kept of a round are counts and public terms, nothing per laptop.
"""

import difflib
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import sqlalchemy as sql
from sqlalchemy import event
from sqlalchemy.exc import DatabaseError

from deskbound_server import schema
from deskbound_server.publication import Cause, Check
from deskbound_server.schema import LaptopRow, RoundRow, RoundState, RunRow, RunState
from deskbound_strategies.contract import RoundContract
from deskbound_strategies.dp_fedavg import Outcome, Progress
from deskbound_strategies.errors import (
    BusyError,
    DeskboundError,
    DiskFullError,
    NotFoundError,
    VaultDamagedError,
)


class Database:
    """The server's database. Every method is one transaction."""

    def __init__(self, engine: sql.Engine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the database, making it when it is missing; 0600.

        Raises:
            VaultDamagedError: the file is no such database.
            DiskFullError: there is no room.
        """
        path.touch(mode=0o600, exist_ok=True)
        engine = sql.create_engine(
            sql.URL.create("sqlite", database=str(path)), connect_args={"timeout": 30}
        )
        event.listen(engine, "connect", _pragmas)
        with _translated():
            schema.metadata.create_all(engine)
        return cls(engine)

    @classmethod
    def open_to_read(cls, path: Path) -> Self:
        """Open a database that is there, so that nothing can be written through it.

        Raises:
            VaultDamagedError: on reading, when the file is gone or no such database.
        """

        def connect() -> sqlite3.Connection:
            address = f"file:{quote(str(path))}?mode=ro"
            return sqlite3.connect(address, uri=True, timeout=30, check_same_thread=False)

        return cls(sql.create_engine("sqlite://", creator=connect, poolclass=sql.NullPool))

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()

    def add_run(self, run: str, plan: bytes, created: int) -> None:
        """Record a new run, queued."""
        row = {"id": run, "state": RunState.QUEUED, "reason": "", "plan": plan}
        self._write(sql.insert(schema.runs).values(**row, created=created, flower_run=""))

    def set_run(self, run: str, state: RunState, reason: str = "") -> None:
        """Record where a run stands."""
        change = (
            sql.update(schema.runs)
            .where(schema.runs.c.id == run)
            .values(state=state, reason=reason)
        )
        self._write(change)

    def advance_run(self, run: str, state: RunState, reason: str = "") -> bool:
        """Record how far a run came, unless it was stopped; return whether it was not."""
        table = schema.runs
        change = sql.update(table).where(table.c.id == run, table.c.state != RunState.STOPPED)
        return self._write(change.values(state=state, reason=reason)) > 0

    def set_flower_run(self, run: str, flower_run: int) -> None:
        """Record Flower's number of a run's latest submission."""
        change = sql.update(schema.runs).where(schema.runs.c.id == run)
        self._write(change.values(flower_run=str(flower_run)))

    def find_run(self, name: str) -> RunRow:
        """Return the run with this id, or the only one whose id begins so.

        Raises:
            NotFoundError: there is none, or more than one.
        """
        runs = self.runs()
        found = [row for row in runs if row.id.startswith(name.lower())]
        if len(found) != 1 or not name:
            which = "more than one run" if found and name else "no run"
            near = "" if found else _nearest(name.lower(), [row.id for row in runs])
            raise NotFoundError(
                f"There is {which} of that name{near}.",
                "List them with 'deskbound-server runs'.",
            )
        return found[0]

    def runs(self) -> list[RunRow]:
        """Return all runs, oldest first."""
        rows = self._read(sql.select(schema.runs).order_by(schema.runs.c.created, schema.runs.c.id))
        return [RunRow(**(row | {"state": RunState(row["state"])})) for row in rows]

    def open_round(self, contract: RoundContract, envelope: bytes, leaf: bytes) -> int:
        """Record and log a contract *before* it is sent; returns the attempt's number, from 1."""
        with _translated(), self._engine.begin() as connection:
            append_leaves(connection, [leaf])
            done = sql.select(sql.func.count()).where(
                schema.rounds.c.run == contract.run, schema.rounds.c.number == contract.round
            )
            attempt = int(connection.execute(done).scalar_one()) + 1
            connection.execute(
                sql.insert(schema.rounds).values(
                    run=contract.run, number=contract.round, attempt=attempt, state=RoundState.OPEN,
                    digest=contract.digest(), envelope=envelope, issued=contract.issued, closed=0,
                    cohort=0, admitted=0, missing=0,
                    refused="{}", rejected="{}", model_in=contract.model_hash, model_out="",
                    optimizer_state="",
                )
            )  # fmt: skip
        return attempt

    def close_round(
        self,
        digest: str,
        outcome: Outcome,
        closed: int,
        *,
        model_out: str = "",
        optimizer_state: str = "",
        check: Check | None = None,
        leaves: Sequence[bytes] = (),
    ) -> None:
        """Record what came of a round and log it.

        With a model it is released; with a cause in ``check`` it is held back; else it failed.
        """
        state = RoundState.RELEASED if model_out else RoundState.FAILED
        if check is not None and check.cause is not None:
            state = RoundState.HELD_BACK
        change = sql.update(schema.rounds).where(schema.rounds.c.digest == digest).values(
            state=state, closed=closed, cohort=outcome.cohort, admitted=outcome.admitted,
            missing=outcome.missing, refused=json.dumps(outcome.refused, sort_keys=True),
            rejected=json.dumps(outcome.rejected, sort_keys=True), model_out=model_out,
            optimizer_state=optimizer_state,
        )  # fmt: skip
        progress = schema.progress
        with _translated(), self._engine.begin() as connection:
            append_leaves(connection, leaves)
            connection.execute(change)
            connection.execute(sql.delete(progress).where(progress.c.digest == digest))
            if check is not None:
                row = {"cause": check.cause, "loss": check.loss, "before": check.before}
                connection.execute(sql.insert(schema.checks).values(digest=digest, **row))

    def note_progress(self, digest: str, found: Progress) -> None:
        """Write down how far an open round is, over what was written before."""
        insert = sql.insert(schema.progress).prefix_with("OR REPLACE")
        self._write(insert.values(digest=digest, **asdict(found)))

    def progress(self, digest: str) -> Progress | None:
        """Return how far an open round is, None before anybody was asked and after it closed."""
        table = schema.progress
        counts = sql.select(*(table.c[name] for name in Progress.__slots__))
        rows = self._read(counts.where(table.c.digest == digest))
        return Progress(**rows[0]) if rows else None

    def abandon_open_rounds(self, run: str) -> int:
        """Mark rounds a dead process left open; their contracts are never used again."""
        rounds, progress = schema.rounds, schema.progress
        left_open = (rounds.c.run == run) & (rounds.c.state == RoundState.OPEN)
        digests = sql.select(rounds.c.digest).where(left_open)
        self._write(sql.delete(progress).where(progress.c.digest.in_(digests)))
        return self._write(sql.update(rounds).where(left_open).values(state=RoundState.ABANDONED))

    def rounds(self, run: str) -> list[RoundRow]:
        """Return all attempts of a run's rounds, in order."""
        table, checks = schema.rounds, schema.checks
        query = (
            sql.select(table, checks.c.cause, checks.c.loss, checks.c.before)
            .outerjoin(checks, checks.c.digest == table.c.digest)
            .where(table.c.run == run)
        )
        rows = self._read(query.order_by(schema.rounds.c.number, schema.rounds.c.attempt))
        return [_round_row(row) for row in rows]

    def last_released(self, run: str) -> RoundRow | None:
        """Return the latest round of a run that has a model."""
        released = [row for row in self.rounds(run) if row.state is RoundState.RELEASED]
        return released[-1] if released else None

    def add_laptop(self, node: int, fingerprint: str, label: str, anchor: str) -> None:
        """Record an enrolled laptop, and the anchor (hex) it signs receipts with."""
        row = {"node": str(node), "fingerprint": fingerprint, "label": label, "revoked": False}
        with _translated(), self._engine.begin() as connection:
            connection.execute(sql.insert(schema.laptops).values(**row))
            connection.execute(sql.insert(schema.anchors).values(node=str(node), anchor=anchor))

    def anchors(self) -> dict[int, str]:
        """Return the anchor of each laptop by its node id."""
        rows = self._read(sql.select(schema.anchors))
        return {int(row["node"]): row["anchor"] for row in rows}

    def revoke_laptop(self, node: int) -> None:
        """Record that a laptop may no longer connect."""
        change = sql.update(schema.laptops).where(schema.laptops.c.node == str(node))
        waiting = schema.stops_waiting
        self.carry_out(
            change.values(revoked=True),
            sql.delete(waiting).where(waiting.c.node == str(node)),  # it cannot be reached any more
        )

    def laptops(self) -> list[LaptopRow]:
        """Return all laptops that were ever enrolled."""
        return [LaptopRow(**row) for row in self._read(sql.select(schema.laptops))]

    def leaves(self, begin: int = 0, limit: int = -1, most_bytes: int | None = None) -> list[bytes]:
        """Return the log's leaves from an index on.

        Args:
            begin: index of the first.
            limit: at most so many of them.
            most_bytes: and at most so many bytes of them, but always the first.
        """
        table = schema.log_leaves
        query = sql.select(table.c.data).where(table.c.index >= begin).order_by(table.c.index)
        found, size = list[bytes](), 0
        with _translated(), self._engine.connect() as connection:
            for (data,) in connection.execute(query.limit(limit)):
                size += len(data)
                if found and most_bytes is not None and size > most_bytes:
                    break
                found.append(bytes(data))
        return found

    def leaf_index(self, data: bytes) -> int | None:
        """Return the index of the leaf with exactly these bytes, or None."""
        table = schema.log_leaves
        rows = self._read(sql.select(table.c.index).where(table.c.data == data).limit(1))
        return int(rows[0]["index"]) if rows else None

    def add_leaves(self, leaves: Sequence[bytes]) -> None:
        """Append leaves to the log; they are on the disk when this returns."""
        with _translated(), self._engine.begin() as connection:
            append_leaves(connection, leaves)

    def named_releases(self) -> list[str]:
        """Return the names of the signed manifests that contracts name from now on."""
        return sorted(row["manifest"] for row in self._read(sql.select(schema.named_releases)))

    def name_release(self, manifest: str, leaves: Sequence[bytes]) -> None:
        """Let contracts name a manifest, and log it if its leaf is given."""
        row = sql.insert(schema.named_releases).prefix_with("OR IGNORE").values(manifest=manifest)
        with _translated(), self._engine.begin() as connection:
            append_leaves(connection, leaves)
            connection.execute(row)

    def withdraw_release(self, manifest: str) -> None:
        """Let no further contract name a manifest; its leaf stays."""
        table = schema.named_releases
        self._write(sql.delete(table).where(table.c.manifest == manifest))

    def checkpoint(self, size: int | None = None) -> bytes | None:
        """Return the signed head of a size, or the largest there is."""
        table = schema.checkpoints
        query = sql.select(table.c.note).order_by(table.c.size.desc()).limit(1)
        rows = self._read(query if size is None else query.where(table.c.size == size))
        return bytes(rows[0]["note"]) if rows else None

    def keep_checkpoint(self, size: int, note: bytes) -> None:
        """Record a signed head, or the cosignatures that came to it."""
        table = schema.checkpoints
        with _translated(), self._engine.begin() as connection:
            connection.execute(sql.delete(table).where(table.c.size == size))
            connection.execute(sql.insert(table).values(size=size, note=note))

    def heads_shown(self, anchor: str) -> list[int]:
        """Return the sizes of the heads that the laptop of an anchor may know, smallest first."""
        table = schema.heads_shown
        rows = self._read(sql.select(table.c.size).where(table.c.anchor == anchor))
        return sorted(int(row["size"]) for row in rows)

    def show_head(self, anchor: str, size: int) -> None:
        """Record that a head is shown to a laptop, before it is."""
        row = {"anchor": anchor, "size": size}
        self._write(sql.insert(schema.heads_shown).prefix_with("OR IGNORE").values(**row))

    def head_known(self, anchor: str, size: int) -> None:
        """Record that a laptop signed a receipt under a head: it knows no smaller one any more."""
        table = schema.heads_shown
        self._write(sql.delete(table).where(table.c.anchor == anchor, table.c.size < size))

    def carry_out(self, *changes: sql.Executable, leaves: Sequence[bytes] = ()) -> None:
        """Append leaves to the log and carry out changes, all in one transaction."""
        with _translated(), self._engine.begin() as connection:
            append_leaves(connection, leaves)
            for change in changes:
                connection.execute(change)

    def look_up(self, query: sql.Executable) -> list[dict[str, Any]]:
        """Return the rows of a query."""
        return self._read(query)

    def _write(self, statement: sql.Executable) -> int:
        with _translated(), self._engine.begin() as connection:
            return int(getattr(connection.execute(statement), "rowcount", 0))

    def _read(self, statement: sql.Executable) -> list[dict[str, Any]]:
        with _translated(), self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(statement).mappings()]


def _nearest(name: str, ids: Sequence[str]) -> str:
    """Return words about the run whose id begins most like a name; the latest of several."""
    starts = {one[: max(len(name), 1)]: one for one in ids}
    near = difflib.get_close_matches(name, starts, n=1, cutoff=0.0)
    return f"; the nearest is {starts[near[0]][:8]}" if near else ""


def append_leaves(connection: sql.Connection, leaves: Sequence[bytes]) -> None:
    """Append leaves inside an open transaction."""
    table = schema.log_leaves
    begin = int(connection.execute(sql.select(sql.func.count()).select_from(table)).scalar_one())
    rows = [{"index": begin + at, "data": data} for at, data in enumerate(leaves)]
    if rows:
        connection.execute(sql.insert(table), rows)


def _round_row(row: dict[str, Any]) -> RoundRow:
    cause, loss, before = (row.pop(name) for name in ("cause", "loss", "before"))
    check = Check(None if cause is None else Cause(cause), loss, before)
    counts = {name: json.loads(row[name]) for name in ("refused", "rejected")}
    return RoundRow(**(row | counts | {"state": RoundState(row["state"]), "check": check}))


def _pragmas(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


@contextmanager
def _translated() -> Iterator[None]:
    """Turn the database's errors into ours."""
    try:
        yield
    except DatabaseError as error:
        raise _our_error(str(error.orig)) from None


def _our_error(words: str) -> DeskboundError:
    if "full" in words:
        return DiskFullError(
            "There is no room for the server's database.", "Make room on its disk."
        )
    if "locked" in words:
        return BusyError(
            "The server's database is held by another process.", "Try again in a moment."
        )
    return VaultDamagedError(
        "The server's database cannot be read.", "Restore deskbound.db from your backup."
    )
