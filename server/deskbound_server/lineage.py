"""Where a released model comes from: run, round, contract, log, parent, and what it cost.

Everything is read from the server's own record. Whoever wants it proven holds ``contract``,
``model`` and ``log_index`` against the log (``deskbound-server log export``).
"""

import difflib
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from deskbound_server.database import Database
from deskbound_server.plan import TRIALS, RoundPlan
from deskbound_server.schema import RoundRow, RoundState
from deskbound_strategies.accounting import RdpCurve, guaranteed, round_cost
from deskbound_strategies.combining import combining_words
from deskbound_strategies.contract import PAYLOAD_TYPE, RoundContract
from deskbound_strategies.dsse import payload_of
from deskbound_strategies.errors import NotFoundError
from deskbound_strategies.log_entries import ReleasedModel, model_leaf
from deskbound_strategies.policy import PROFILES

LATEST = "latest"
COUNTS_TASK = "action_counts"
_LIST = "List them with 'deskbound-server model list'."


@dataclass(frozen=True, slots=True)
class Start:
    """The released model that a run begins with.

    Attributes:
        model: its hash; empty where the run begins with fresh weights.
        task: of that model; empty as well where no such model is known here.
    """

    model: str = ""
    task: str = ""

    def words(self, task: str) -> str:
        """Return where a run of a task begins, as people read it."""
        if not self.model:
            return "fresh weights"
        if self.task == COUNTS_TASK != task:
            return f"a network taught by private counts {self.model[:12]}"
        if not self.task:
            return f"the model named {self.model[:12]}"
        return f"model {self.model[:12]} of {self.task}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """A released model's record.

    Attributes:
        model, parent: SHA-256 (hex) of its encoded weights, and of those the round began with.
        run, round, attempt: where it was made.
        run_start, run_start_task: the released model that the run began with, and that model's
            task; empty where the run began with fresh weights.
        contract: digest of the round's contract.
        log_index: of the model's leaf in the log, or None when the log lacks it.
        task, vocabulary_hash: what it predicts, and in which words.
        aggregation: how replies were combined, as in the contract.
        told_mean: what laptops told on average in the private counts that they count by, in clips;
            0 where they count alike.
        optimizer: the server's.
        cohort, admitted: laptops asked, and replies that count in it.
        released: Unix seconds.
        unit, epsilon, delta: most that a laptop which took part in every attempt of this run up to
            this model gave away about one unit; other runs on the same days come on top.
        attempts_charged: how many attempts that are.
        epsilon_all: the same of every run that this model goes back to, and of all private counts
            where laptops weighed by them; None when that cannot be told: one of them is not known
            here, or hid another unit.
        held_out_loss: on public data, nats a unit, or None when it was not tried.
    """

    model: str
    parent: str
    run: str
    round: int
    attempt: int
    run_start: str
    run_start_task: str
    contract: str
    log_index: int | None
    task: str
    vocabulary_hash: str
    aggregation: str
    told_mean: float
    optimizer: str
    cohort: int
    admitted: int
    released: int
    unit: str
    epsilon: float
    delta: float
    attempts_charged: int
    epsilon_all: float | None
    held_out_loss: float | None

    @property
    def start(self) -> Start:
        """Where the run began."""
        return Start(self.run_start, self.run_start_task)

    @property
    def combined(self) -> str:
        """How replies were combined, in words."""
        return combining_words(self.aggregation, self.told_mean)

    def texts(self) -> dict[str, str]:
        """Return it for a file's metadata: texts only, floats in their shortest form."""
        told = asdict(self).items()
        return {name: "" if value is None else str(value) for name, value in told}


def released(database: Database) -> list[RoundRow]:
    """Return every round that released a model, oldest first; what a trial came to is none."""
    rows = [
        row
        for run, task in tasks_of(database).items()
        if task not in TRIALS
        for row in database.rounds(run)
    ]
    found = [row for row in rows if row.state is RoundState.RELEASED]
    return sorted(found, key=lambda row: (row.closed, row.number))


def tasks_of(database: Database) -> dict[str, str]:
    """Return the task of each run, by the run's id, oldest first."""
    return {run.id: RoundPlan.from_bytes(run.plan).task for run in database.runs()}


def start_of(database: Database, plan: RoundPlan) -> Start:
    """Return where a run of a recorded plan begins."""
    if not plan.start_from:
        return Start()
    tasks = tasks_of(database)
    of = [tasks[row.run] for row in released(database) if row.model_out == plan.start_from]
    return Start(plan.start_from, of[0] if of else "")


def find_released(rows: Sequence[RoundRow], name: str) -> RoundRow:
    """Return the round of the model with this hash, the only one that begins so, or the latest.

    Raises:
        NotFoundError: there is none, naming the nearest, or more than one.
    """
    if name == LATEST and rows:
        return rows[-1]
    found = [row for row in rows if name and row.model_out.startswith(name.lower())]
    models = {row.model_out for row in found}
    if len(models) == 1:
        return found[-1]
    if models:
        raise NotFoundError(f"More than one model begins with {name[:64]!r}.", _LIST)
    shown = {row.model_out[: max(len(name), 8)]: row.model_out for row in rows}
    near = difflib.get_close_matches(name.lower(), shown, n=1, cutoff=0.0)
    mend = f"The nearest is {shown[near[0]][:12]}. {_LIST}" if near else _LIST
    raise NotFoundError(f"There is no model {name[:64]!r}.", mend)


def lineage_of(database: Database, row: RoundRow) -> Lineage:
    """Return the record of the model that a round released.

    Raises:
        VerificationError: the round's contract was damaged.
    """
    contract = contract_of(row)
    plan = RoundPlan.from_bytes(database.find_run(row.run).plan)
    asked = _asked(database, row)
    delta, start = PROFILES[plan.profile].delta_day, start_of(database, plan)
    return Lineage(
        model=row.model_out,
        parent=row.model_in,
        run=row.run,
        round=row.number,
        attempt=row.attempt,
        run_start=start.model,
        run_start_task=start.task,
        contract=row.digest,
        log_index=database.leaf_index(leaf_of(row)),
        task=contract.task,
        vocabulary_hash=contract.vocabulary_hash,
        aggregation=contract.aggregation,
        told_mean=contract.told_mean,
        optimizer=plan.server_optimizer,
        cohort=row.cohort,
        admitted=row.admitted,
        released=row.closed,
        unit=contract.unit,
        epsilon=_epsilon(asked, delta),
        delta=delta,
        attempts_charged=len(asked),
        epsilon_all=_epsilon_all(database, row, delta),
        held_out_loss=row.check.loss,
    )


def leaf_of(row: RoundRow) -> bytes:
    """Return the leaf by which the log knows the model that a round released."""
    return model_leaf(ReleasedModel(row.digest, row.run, row.number, row.model_out, row.admitted))


def contract_of(row: RoundRow) -> RoundContract:
    """Return what a round asked.

    Raises:
        VerificationError: it was damaged.
    """
    return RoundContract.from_bytes(payload_of(row.envelope, PAYLOAD_TYPE))


def _asked(database: Database, row: RoundRow) -> list[RoundContract]:
    """Return the contracts of every attempt of a run up to a round."""
    return [
        contract_of(one)
        for one in database.rounds(row.run)
        if (one.number, one.attempt) <= (row.number, row.attempt)
    ]


def _epsilon(asked: Sequence[RoundContract], delta: float) -> float:
    spent = RdpCurve()
    for contract in asked:
        spent += round_cost(contract)
    return guaranteed(spent, delta, steps=sum(contract.steps for contract in asked))


def _epsilon_all(database: Database, row: RoundRow, delta: float) -> float | None:
    rows, asked = released(database), _asked(database, row)
    plan, known = RoundPlan.from_bytes(database.find_run(row.run).plan), {row.run}
    weighed = bool(plan.told_mean)
    while start := plan.start_from:
        # No run is counted twice.
        before = [one for one in rows if one.model_out == start and one.run not in known]
        if not before:
            return None
        row = before[-1]
        asked += _asked(database, row)
        plan = RoundPlan.from_bytes(database.find_run(row.run).plan)
        known.add(row.run)
        weighed |= bool(plan.told_mean)
    if weighed:  # by counts, and each laptop by the latest that it answered: any of them
        counts = [run for run, task in tasks_of(database).items() if task == COUNTS_TASK]
        rounds = [one for run in counts if run not in known for one in database.rounds(run)]
        asked += [contract_of(one) for one in rounds]
    return _epsilon(asked, delta) if len({contract.unit for contract in asked}) == 1 else None
