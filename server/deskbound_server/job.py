"""A run and everything it works with, as one value."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deskbound_server.database import Database
from deskbound_server.late import LateReceipts
from deskbound_server.log import Log
from deskbound_server.model_store import ModelStore
from deskbound_server.plan import RoundPlan
from deskbound_strategies.codec import Layout, Tensors
from deskbound_strategies.dp_fedavg import Clock, Grid
from deskbound_strategies.note import Verifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A run and all it works with.

    Attributes:
        run: its id.
        plan: what it asks for.
        layout: names and shapes of the task's weights.
        vocabulary_hash: hash of the vocabulary the task reads.
        first_weights: returns the model before round 1.
        database: where it is recorded.
        models: where its models lie.
        key: signs contracts.
        log: where contracts, receipts and models are logged.
        witnesses: whose cosignatures are waited for.
        grid: reaches laptops.
        clock: time source.
        late: receipts that came after their round was closed.
        spool: where replies wait when a round's aggregation needs all at once.
        held_out_loss: tries finite weights on public data; nats, or None for no such data.
    """

    run: str
    plan: RoundPlan
    layout: Layout
    vocabulary_hash: str
    first_weights: Callable[[], Tensors]
    database: Database
    models: ModelStore
    key: Ed25519PrivateKey
    log: Log
    witnesses: Sequence[Verifier]
    grid: Grid
    clock: Clock
    late: LateReceipts = field(default_factory=LateReceipts)
    spool: Path | None = None
    held_out_loss: Callable[[Tensors], float] | None = None
