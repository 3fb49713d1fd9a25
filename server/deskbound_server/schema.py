"""What the server's database holds: states, rows and tables; no behaviour.

A laptop's node id stands in ``laptops``, where enrolling and revoking need it, and beside its
anchor. So this server could tell who took part in a round; the log alone does not.
"""

from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sql

from deskbound_server.publication import Check


class RunState(StrEnum):
    """Where a run stands."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    STOPPED = "stopped"


class RoundState(StrEnum):
    """Where a round stands; only ``released`` has a model."""

    OPEN = "open"
    RELEASED = "released"
    FAILED = "failed"
    HELD_BACK = "held-back"  # there was a model, and it was not good enough to be released
    ABANDONED = "abandoned"  # the server died; the contract is never used again


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run.

    Attributes:
        id: 32 hex digits.
        state: where it stands.
        reason: why it failed, a word from a closed list, else empty.
        plan: canonical bytes of its plan.
        created: Unix seconds.
        flower_run: Flower's number of the latest submission, as text.
    """

    id: str
    state: RunState
    reason: str
    plan: bytes
    created: int
    flower_run: str


@dataclass(frozen=True, slots=True)
class RoundRow:
    """One attempt of a round; counts as in ``dp_fedavg.Outcome``, ``check`` of its model."""

    run: str
    number: int
    attempt: int
    state: RoundState
    digest: str
    envelope: bytes
    issued: int
    closed: int
    cohort: int
    admitted: int
    missing: int
    refused: dict[str, int]
    rejected: dict[str, int]
    model_in: str
    model_out: str
    optimizer_state: str
    check: Check


@dataclass(frozen=True, slots=True)
class LaptopRow:
    """An enrolled laptop: Flower's node id, its key's fingerprint, the operator's label."""

    node: str
    fingerprint: str
    label: str
    revoked: bool


metadata = sql.MetaData()
runs = sql.Table(
    "runs",
    metadata,
    sql.Column("id", sql.String(32), primary_key=True),
    sql.Column("state", sql.String(16), nullable=False),
    sql.Column("reason", sql.String(64), nullable=False),
    sql.Column("plan", sql.LargeBinary, nullable=False),
    sql.Column("created", sql.Integer, nullable=False),
    sql.Column("flower_run", sql.String(24), nullable=False),
)
rounds = sql.Table(
    "rounds",
    metadata,
    sql.Column("run", sql.ForeignKey("runs.id"), primary_key=True),
    sql.Column("number", sql.Integer, primary_key=True),
    sql.Column("attempt", sql.Integer, primary_key=True),
    sql.Column("state", sql.String(16), nullable=False),
    sql.Column("digest", sql.String(64), nullable=False, unique=True),
    sql.Column("envelope", sql.LargeBinary, nullable=False),
    sql.Column("issued", sql.Integer, nullable=False),
    sql.Column("closed", sql.Integer, nullable=False),
    sql.Column("cohort", sql.Integer, nullable=False),
    sql.Column("admitted", sql.Integer, nullable=False),
    sql.Column("missing", sql.Integer, nullable=False),
    sql.Column("refused", sql.Text, nullable=False),
    sql.Column("rejected", sql.Text, nullable=False),
    sql.Column("model_in", sql.String(64), nullable=False),
    sql.Column("model_out", sql.String(64), nullable=False),
    sql.Column("optimizer_state", sql.String(64), nullable=False),
)
# How the model of a round did on held-out data, where one was made; released or not.
checks = sql.Table(
    "checks",
    metadata,
    sql.Column("digest", sql.ForeignKey("rounds.digest"), primary_key=True),
    sql.Column("cause", sql.String(16), nullable=True),
    sql.Column("loss", sql.Float, nullable=True),
    sql.Column("before", sql.Float, nullable=True),
)
# How far a round is while it is open; the row goes when the round is closed.
progress = sql.Table(
    "progress",
    metadata,
    sql.Column("digest", sql.ForeignKey("rounds.digest"), primary_key=True),
    sql.Column("asked", sql.Integer, nullable=False),
    sql.Column("admitted", sql.Integer, nullable=False),
    sql.Column("refused", sql.Integer, nullable=False),
    sql.Column("rejected", sql.Integer, nullable=False),
)
laptops = sql.Table(
    "laptops",
    metadata,
    sql.Column("node", sql.String(24), primary_key=True),
    sql.Column("fingerprint", sql.String(64), nullable=False),
    sql.Column("label", sql.String(64), nullable=False),
    sql.Column("revoked", sql.Boolean, nullable=False),
)
# The transparency log: its leaves in order, and the signed heads that were shown to anybody.
log_leaves = sql.Table(
    "log_leaves",
    metadata,
    sql.Column("index", sql.Integer, primary_key=True, autoincrement=False),
    sql.Column("data", sql.LargeBinary, nullable=False),
)
# Signed manifests that contracts name from now on; the log keeps also those that were withdrawn.
named_releases = sql.Table(
    "named_releases",
    metadata,
    sql.Column("manifest", sql.String(64), primary_key=True),
)
# Orders to stop the fleet, and which laptops each still has to reach: a row goes when its laptop
# was reached, so that what is left in the end is a count.
stops = sql.Table(
    "stops",
    metadata,
    sql.Column("id", sql.String(32), primary_key=True),
    sql.Column("envelope", sql.LargeBinary, nullable=False),
    sql.Column("leaf", sql.Integer, nullable=False),
    sql.Column("issued", sql.Integer, nullable=False),
    sql.Column("laptops", sql.Integer, nullable=False),
    sql.Column("refused", sql.Text, nullable=False),
)
stops_waiting = sql.Table(
    "stops_waiting",
    metadata,
    sql.Column("stop", sql.ForeignKey("stops.id"), primary_key=True),
    sql.Column("node", sql.String(24), primary_key=True),
)
checkpoints = sql.Table(
    "checkpoints",
    metadata,
    sql.Column("size", sql.Integer, primary_key=True, autoincrement=False),
    sql.Column("note", sql.LargeBinary, nullable=False),
)
# Which anchor an enrolled laptop signs receipts with, and which heads of the log each may know.
anchors = sql.Table(
    "anchors",
    metadata,
    sql.Column("node", sql.String(24), primary_key=True),
    sql.Column("anchor", sql.String(64), nullable=False),
)
heads_shown = sql.Table(
    "heads_shown",
    metadata,
    sql.Column("anchor", sql.String(64), primary_key=True),
    sql.Column("size", sql.Integer, primary_key=True, autoincrement=False),
)
