"""Runs, rounds and enrolled laptops in one SQLite file: WAL, and FULL before anything is promised.

What is kept of a round are counts and public terms, nothing per laptop.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sql
from sqlalchemy import event
from sqlalchemy.exc import DatabaseError

from deskbound_server import schema
from deskbound_server.schema import LaptopRow, RoundRow, RoundState, RunRow, RunState
from deskbound_strategies.contract import RoundContract
from deskbound_strategies.dp_fedavg import Outcome
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
        engine = sql.create_engine(f"sqlite:///{path}", connect_args={"timeout": 30})
        event.listen(engine, "connect", _pragmas)
        with _translated():
            schema.metadata.create_all(engine)
        return cls(engine)

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

    def set_flower_run(self, run: str, flower_run: int) -> None:
        """Record Flower's number of a run's latest submission."""
        change = sql.update(schema.runs).where(schema.runs.c.id == run)
        self._write(change.values(flower_run=str(flower_run)))

    def find_run(self, name: str) -> RunRow:
        """Return the run with this id, or the only one whose id begins so.

        Raises:
            NotFoundError: there is none, or more than one.
        """
        found = [row for row in self.runs() if row.id.startswith(name.lower())]
        if len(found) != 1 or not name:
            which = "more than one run" if found and name else "no run"
            raise NotFoundError(
                f"There is {which} of that name.", "List them with 'deskbound-server runs'."
            )
        return found[0]

    def runs(self) -> list[RunRow]:
        """Return all runs, oldest first."""
        rows = self._read(sql.select(schema.runs).order_by(schema.runs.c.created, schema.runs.c.id))
        return [RunRow(**(row | {"state": RunState(row["state"])})) for row in rows]

    def open_round(self, contract: RoundContract, envelope: bytes) -> int:
        """Record a contract *before* it is sent; returns the attempt's number, from 1."""
        with _translated(), self._engine.begin() as connection:
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
    ) -> None:
        """Record what came of a round; with a model it is released, else it failed."""
        state = RoundState.RELEASED if model_out else RoundState.FAILED
        self._write(
            sql.update(schema.rounds).where(schema.rounds.c.digest == digest).values(
                state=state, closed=closed, cohort=outcome.cohort, admitted=outcome.admitted,
                missing=outcome.missing, refused=json.dumps(outcome.refused, sort_keys=True),
                rejected=json.dumps(outcome.rejected, sort_keys=True), model_out=model_out,
                optimizer_state=optimizer_state,
            )
        )  # fmt: skip

    def abandon_open_rounds(self, run: str) -> int:
        """Mark rounds a dead process left open; their contracts are never used again."""
        change = sql.update(schema.rounds).where(
            schema.rounds.c.run == run, schema.rounds.c.state == RoundState.OPEN
        )
        return self._write(change.values(state=RoundState.ABANDONED))

    def rounds(self, run: str) -> list[RoundRow]:
        """Return all attempts of a run's rounds, in order."""
        query = sql.select(schema.rounds).where(schema.rounds.c.run == run)
        rows = self._read(query.order_by(schema.rounds.c.number, schema.rounds.c.attempt))
        return [_round_row(row) for row in rows]

    def last_released(self, run: str) -> RoundRow | None:
        """Return the latest round of a run that has a model."""
        released = [row for row in self.rounds(run) if row.state is RoundState.RELEASED]
        return released[-1] if released else None

    def add_laptop(self, node: int, fingerprint: str, label: str) -> None:
        """Record an enrolled laptop."""
        row = {"node": str(node), "fingerprint": fingerprint, "label": label, "revoked": False}
        self._write(sql.insert(schema.laptops).values(**row))

    def revoke_laptop(self, node: int) -> None:
        """Record that a laptop may no longer connect."""
        change = sql.update(schema.laptops).where(schema.laptops.c.node == str(node))
        self._write(change.values(revoked=True))

    def laptops(self) -> list[LaptopRow]:
        """Return all laptops that were ever enrolled."""
        return [LaptopRow(**row) for row in self._read(sql.select(schema.laptops))]

    def _write(self, statement: sql.Executable) -> int:
        with _translated(), self._engine.begin() as connection:
            return int(getattr(connection.execute(statement), "rowcount", 0))

    def _read(self, statement: sql.Executable) -> list[dict[str, Any]]:
        with _translated(), self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(statement).mappings()]


def _round_row(row: dict[str, Any]) -> RoundRow:
    counts = {name: json.loads(row[name]) for name in ("refused", "rejected")}
    return RoundRow(**(row | counts | {"state": RoundState(row["state"])}))


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
