"""A run from its first contract to its last model, so written that it may die at any line.

Order is what makes it safe: a contract is on disk before it is sent, a model before the database
says "released". After a crash the run goes on from the last released round. A contract of an
unfinished round is never used again: laptops that had answered it paid for nothing, and pay again
for the new one. That is the price of never counting a reply twice.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deskbound_server.admission import Admission
from deskbound_server.database import Database
from deskbound_server.model_store import ModelStore
from deskbound_server.plan import RoundPlan
from deskbound_server.schema import RunState
from deskbound_strategies import dsse
from deskbound_strategies.aggregation import StreamingMean
from deskbound_strategies.codec import Layout, Tensors, decode, encode
from deskbound_strategies.contract import PAYLOAD_TYPE, RoundContract
from deskbound_strategies.dp_fedavg import Clock, DpFedAvg, Grid, Outcome, gather, sample_cohort
from deskbound_strategies.errors import RoundFailedError
from deskbound_strategies.server_optimizer import (
    OptimizerState,
    advance,
    initial_state,
    state_from_bytes,
    state_to_bytes,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A run and all it works with.

    Attributes:
        run: its id.
        plan: what it asks for.
        layout: names and shapes of the task's weights.
        vocabulary_hash: hash of the vocabulary the task reads.
        first_weights: returns the model before round 1, from the plan's seed.
        database: where it is recorded.
        models: where its models lie.
        key: signs contracts.
        grid: reaches laptops.
        clock: time source.
    """

    run: str
    plan: RoundPlan
    layout: Layout
    vocabulary_hash: str
    first_weights: Callable[[int], Tensors]
    database: Database
    models: ModelStore
    key: Ed25519PrivateKey
    grid: Grid
    clock: Clock


@dataclass(frozen=True, slots=True)
class _Standing:
    """Where a run is: rounds done, the model and the optimizer's memory."""

    done: int
    weights: Tensors
    state: OptimizerState


def new_run(database: Database, plan: RoundPlan, now: float) -> str:
    """Record a run to be conducted; returns its id."""
    run = secrets.token_hex(16)
    database.add_run(run, plan.to_bytes(), int(now))
    return run


def conduct(job: Job) -> None:
    """Carry out all rounds of a run that are not released yet.

    Raises:
        RoundFailedError: a round failed as often as the plan allows.
    """
    job.database.abandon_open_rounds(job.run)
    job.database.set_run(job.run, RunState.RUNNING)
    standing = _standing(job)
    while standing.done < job.plan.rounds:
        standing = _next_round(job, standing)
    job.database.set_run(job.run, RunState.FINISHED)


def _standing(job: Job) -> _Standing:
    last = job.database.last_released(job.run)
    if last is None:
        state = initial_state(job.plan.optimizer, job.layout)
        return _Standing(0, job.first_weights(job.plan.seed), state)
    weights = decode(job.models.load(last.model_out), job.layout)
    saved = job.models.load(last.optimizer_state)
    return _Standing(last.number, weights, state_from_bytes(job.plan.optimizer, saved, job.layout))


def _next_round(job: Job, standing: _Standing) -> _Standing:
    """Try the next round until a model is released, as often as the plan allows."""
    reason = "too-few-laptops"
    for _ in range(job.plan.attempts):
        cohort = _cohort(job)
        if len(cohort) < job.plan.minimum_cohort:
            continue  # nobody was asked, so nobody paid
        after = _attempt(job, standing, cohort)
        if after is not None:
            return after
        reason = "too-few-replies"
    job.database.set_run(job.run, RunState.FAILED, reason)
    raise RoundFailedError(
        f"Round {standing.done + 1} had fewer than {job.plan.minimum_cohort} replies that count.",
        "Look at 'deskbound-server runs' for the codes, then resume with --resume.",
    )


def _cohort(job: Job) -> list[int]:
    until = job.clock.now() + job.plan.gather_seconds
    nodes = gather(job.grid, job.plan.cohort, until, job.clock)
    return sample_cohort(nodes, job.plan.cohort)


def _attempt(job: Job, standing: _Standing, cohort: list[int]) -> _Standing | None:
    """Carry out one attempt; None when no model was released."""
    weights = encode(standing.weights, job.layout)
    contract = _fresh_contract(job, standing.done + 1, job.models.save(weights))
    envelope = dsse.sign(contract.to_bytes(), PAYLOAD_TYPE, job.key)
    job.database.open_round(contract, envelope)
    outcome = _strategy(job, contract).run_round(
        contract, envelope, weights, cohort, StreamingMean(job.layout)
    )
    return _settle(job, contract, outcome, standing)


def _fresh_contract(job: Job, number: int, model_hash: str) -> RoundContract:
    """Return a contract nobody has seen: a second attempt waits for another second to be dated."""
    known = {row.digest for row in job.database.rounds(job.run)}
    while True:
        contract = job.plan.contract(
            run=job.run,
            number=number,
            vocabulary_hash=job.vocabulary_hash,
            model_hash=model_hash,
            issued=int(job.clock.now()),
        )
        if contract.digest() not in known:
            return contract
        job.clock.wait(0.1)


def _strategy(job: Job, contract: RoundContract) -> DpFedAvg:
    dimension = sum(spec.elements for spec in job.layout)
    admission = Admission(contract, job.layout, job.plan.admitted_norm(dimension))
    return DpFedAvg(
        job.grid,
        admission,
        max_update_bytes=admission.max_update_bytes,
        enough=job.plan.enough,
        clock=job.clock,
    )


def _settle(
    job: Job, contract: RoundContract, outcome: Outcome, standing: _Standing
) -> _Standing | None:
    """Release the next model, or record that there is none."""
    digest, now = contract.digest(), int(job.clock.now())
    if outcome.mean is None:
        job.database.close_round(digest, outcome, now)
        return None
    optimizer = job.plan.optimizer
    weights, state = advance(optimizer, standing.state, standing.weights, outcome.mean)
    job.database.close_round(
        digest,
        outcome,
        now,
        model_out=job.models.save(encode(weights, job.layout)),
        optimizer_state=job.models.save(state_to_bytes(optimizer, state, job.layout)),
    )
    return _Standing(contract.round, weights, state)
