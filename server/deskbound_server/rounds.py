"""A run from its first contract to its last model, so written that it may die at any line.

Order is what makes it safe: a contract is on disk and in the log before it is sent, a model before
the database says "released", and with that word go the round's receipts and the model's hash into
the log. After a crash the run goes on from the last released round. A contract of an unfinished
round is never used again: laptops that had answered it paid for nothing, and pay again for the new
one. That is the price of never counting a reply twice.

A model that is held back (``publication.py``) leaves no trace but its round's record and receipts:
the round is asked for again from the last good model, a few times at most.
"""

import secrets
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import takewhile

from flwr.app import RecordDict

from deskbound_server.admission import Admission
from deskbound_server.database import Database
from deskbound_server.job import Job
from deskbound_server.log import Prover, cosigned_by
from deskbound_server.plan import RoundPlan
from deskbound_server.publication import Candidate, next_model
from deskbound_server.receipts import Receipts
from deskbound_server.schema import RoundState, RunState
from deskbound_strategies import dsse
from deskbound_strategies.aggregation import FloatTensors
from deskbound_strategies.codec import Tensors, decode, encode
from deskbound_strategies.combining import aggregator_for
from deskbound_strategies.contract import PAYLOAD_TYPE, RoundContract, join_releases
from deskbound_strategies.dp_fedavg import (
    Clock,
    DpFedAvg,
    Outcome,
    Progress,
    gather,
    sample_cohort,
)
from deskbound_strategies.errors import DeskboundError, RoundFailedError
from deskbound_strategies.log_entries import ReleasedModel, contract_leaf, model_leaf
from deskbound_strategies.log_rules import LogRules
from deskbound_strategies.server_optimizer import (
    OptimizerState,
    initial_state,
    state_from_bytes,
    state_to_bytes,
)
from deskbound_strategies.weighing import unscaled
from deskbound_strategies.wire import contract_message


class RunStoppedError(RoundFailedError):
    """A run was stopped: by an order to stop the fleet, or by the operator."""


@dataclass(frozen=True, slots=True)
class _Standing:
    """Where a run is: rounds done, the model, the optimizer's memory, the held-out loss."""

    done: int
    weights: Tensors
    state: OptimizerState
    loss: float | None


class _Unreleased(StrEnum):
    """Why an attempt released no model; a run that gives up says the last one."""

    TOO_FEW_LAPTOPS = "too-few-laptops"
    TOO_FEW_REPLIES = "too-few-replies"
    HELD_BACK = "held-back"


def new_run(database: Database, plan: RoundPlan, now: float) -> str:
    """Record a run to be conducted; returns its id."""
    run = secrets.token_hex(16)
    database.add_run(run, plan.to_bytes(), int(now))
    return run


def conduct(job: Job) -> None:
    """Carry out all rounds of a run that are not released yet.

    Raises:
        RoundFailedError: a round failed as often as the plan allows.
        RunStoppedError: the run was stopped meanwhile; nothing was logged or released after that.
    """
    job.database.abandon_open_rounds(job.run)
    if not job.database.advance_run(job.run, RunState.RUNNING):
        raise _stopped(job)
    job = replace(job, clock=_watchful(job))
    standing = _standing(job)
    while standing.done < job.plan.rounds:
        standing = _next_round(job, standing)
    _log_late(job)
    job.database.advance_run(job.run, RunState.FINISHED)


def _is_stopped(job: Job) -> bool:
    return job.database.find_run(job.run).state is RunState.STOPPED


def _stopped(job: Job) -> RunStoppedError:
    return RunStoppedError(
        f"Run {job.run[:8]} was stopped.",
        "Its contracts are void; laptops that a stop order reached stay off.",
    )


def _watchful(job: Job) -> Clock:
    """Return a clock with which nobody waits on in a run that was stopped."""

    def wait(seconds: float) -> None:
        if _is_stopped(job):
            raise _stopped(job)
        job.clock.wait(seconds)

    return Clock(job.clock.now, wait)


def _log_late(job: Job) -> None:
    """Log what came after the last round was closed; what comes later still, the laptop notices."""
    job.late.collect(job.grid)
    with job.log.turn() as rules:
        _log_late_receipts(job, rules)
        job.log.checkpoint()


def _standing(job: Job) -> _Standing:
    last = job.database.last_released(job.run)
    if last is None:
        state = initial_state(job.plan.optimizer, job.layout)
        first = job.first_weights()
        return _Standing(0, first, state, _loss(job, first))
    weights = decode(job.models.load(last.model_out), job.layout)
    saved = job.models.load(last.optimizer_state)
    state = state_from_bytes(job.plan.optimizer, saved, job.layout)
    loss = _loss(job, weights) if last.check.loss is None else last.check.loss
    return _Standing(last.number, weights, state, loss)


def _loss(job: Job, weights: Tensors) -> float | None:
    return None if job.held_out_loss is None else job.held_out_loss(weights)


def _next_round(job: Job, standing: _Standing) -> _Standing:
    """Try the next round until a model is released, as often as the plan allows."""
    reason, attempts = _Unreleased.TOO_FEW_LAPTOPS, job.plan.attempts
    while attempts:
        cohort = _cohort(job)
        if len(cohort) < job.plan.minimum_cohort:
            attempts -= 1  # nobody was asked, so nobody paid
            continue
        after = _attempt(job, standing, cohort)
        if isinstance(after, _Standing):
            return after
        reason = after
        if reason is not _Unreleased.HELD_BACK:
            attempts -= 1
        elif _held_back_in_a_row(job) >= job.plan.held_back_in_a_row:
            break
    job.database.advance_run(job.run, RunState.FAILED, reason)
    raise _gave_up(job.plan, standing.done + 1, reason)


def _held_back_in_a_row(job: Job) -> int:
    """Return how many models were held back since the last one that was released."""
    latest = reversed(job.database.rounds(job.run))
    since = takewhile(lambda row: row.state is not RoundState.RELEASED, latest)
    return sum(row.state is RoundState.HELD_BACK for row in since)


def _gave_up(plan: RoundPlan, number: int, reason: _Unreleased) -> RoundFailedError:
    if reason is _Unreleased.HELD_BACK:
        return RoundFailedError(
            f"Round {number} made {plan.held_back_in_a_row} models in a row that were held back.",
            "Look at 'deskbound-server runs' for the figures before you resume with --resume.",
        )
    return RoundFailedError(
        f"Round {number} had fewer than {plan.minimum_cohort} replies that count.",
        "Look at 'deskbound-server runs' for the codes, then resume with --resume.",
    )


def _cohort(job: Job) -> list[int]:
    until = job.clock.now() + job.plan.gather_seconds
    nodes = gather(job.grid, job.plan.cohort, until, job.clock)
    return sample_cohort(nodes, job.plan.cohort)


def _attempt(job: Job, standing: _Standing, cohort: list[int]) -> _Standing | _Unreleased:
    """Carry out one attempt; the next standing, or why no model was released."""
    weights = encode(standing.weights, job.layout)
    job.late.collect(job.grid)
    contract, envelope, prover = _log_contract(job, standing.done + 1, job.models.save(weights))
    _await_witnesses(job, prover)
    anchors = job.database.anchors()
    counts = {anchor: prover.count_of(anchor) for anchor in anchors.values()}
    receipts = Receipts(contract.digest(), anchors, counts)

    def request(node: int) -> RecordDict:
        return contract_message(envelope, prover.prove(anchors[node]), weights)

    known = [node for node in cohort if node in anchors]
    with closing(aggregator_for(contract, job.layout, job.spool)) as aggregator:
        strategy = _strategy(job, contract, receipts)
        try:
            outcome = strategy.run_round(contract, request, known, aggregator)
        except RunStoppedError:
            _log_receipts(job, receipts)
            raise
    # A refusal tells nothing of what a laptop remembers: it may have refused before it looked.
    for anchor in receipts.taken:
        job.database.head_known(anchor, prover.head.size)
    job.late.add(outcome.outstanding, receipts)
    return _settle(job, contract, outcome, receipts, standing)


def _log_contract(job: Job, number: int, model_hash: str) -> tuple[RoundContract, bytes, Prover]:
    """Sign a contract and log it; nobody has seen it yet."""
    with job.log.turn() as rules:
        if _is_stopped(job):  # in the turn: a stop order and a contract have an order in the log
            raise _stopped(job)
        _log_late_receipts(job, rules)
        contract = _fresh_contract(job, number, model_hash, rules.anchors.digest())
        envelope = dsse.sign(contract.to_bytes(), PAYLOAD_TYPE, job.key)
        index, leaf = rules.size, contract_leaf(envelope)
        job.log.check([leaf])
        job.database.open_round(contract, envelope, leaf)
        return contract, envelope, job.log.prover(index, job.log.checkpoint())


def _log_receipts(job: Job, receipts: Receipts) -> None:
    """Log the receipts of a round that releases nothing: these laptops sent what they say."""
    with job.log.turn() as rules:
        leaves = receipts.leaves(rules)
        job.log.check(leaves)
        job.database.add_leaves(leaves)
        job.log.checkpoint()


def _log_late_receipts(job: Job, rules: LogRules) -> None:
    leaves = job.late.leaves(rules)
    job.log.check(leaves)
    job.database.add_leaves(leaves)


def _await_witnesses(job: Job, prover: Prover) -> None:
    """Wait until all witnesses cosigned, or the plan's patience is at its end.

    What came goes along; each laptop decides whether it suffices.
    """
    until = job.clock.now() + job.plan.witness_seconds
    while len(cosigned_by(job.database, prover.head.size, job.witnesses)) < len(job.witnesses):
        if job.clock.now() >= until:
            return
        job.clock.wait(0.2)


def _fresh_contract(job: Job, number: int, model_hash: str, anchors: str) -> RoundContract:
    """Return a contract nobody has seen: a second attempt waits for another second to be dated."""
    known = {row.digest for row in job.database.rounds(job.run)}
    releases = join_releases(job.database.named_releases())
    while True:
        contract = job.plan.contract(
            run=job.run,
            number=number,
            vocabulary_hash=job.vocabulary_hash,
            model_hash=model_hash,
            anchors=anchors,
            issued=int(job.clock.now()),
            releases=releases,
        )
        if contract.digest() not in known:
            return contract
        job.clock.wait(0.1)


def _strategy(job: Job, contract: RoundContract, receipts: Receipts) -> DpFedAvg:
    dimension = sum(spec.elements for spec in job.layout)
    digest = contract.digest()

    def report(found: Progress) -> None:
        with suppress(DeskboundError):  # it is only shown, and worth no round
            job.database.note_progress(digest, found)

    admission = Admission(contract, job.layout, job.plan.admitted_norm(dimension), receipts)
    return DpFedAvg(
        job.grid,
        admission,
        max_update_bytes=admission.max_update_bytes,
        enough=job.plan.enough,
        clock=job.clock,
        report=report,
    )


def _candidate(job: Job, standing: _Standing, mean: FloatTensors) -> Candidate:
    optimizer, state, weights = job.plan.optimizer, standing.state, standing.weights
    if job.plan.told_mean:
        mean = {name: values * unscaled(job.plan.told_mean) for name, values in mean.items()}
    candidate = next_model(optimizer, state, weights, mean)
    return candidate.tried(job.held_out_loss, standing.loss, job.plan.held_out_margin)


def _settle(
    job: Job,
    contract: RoundContract,
    outcome: Outcome,
    receipts: Receipts,
    standing: _Standing,
) -> _Standing | _Unreleased:
    """Release the next model and log it, or record that there is none.

    An update whose receipt cannot be logged any more is in the mean, so nothing is released.
    """
    digest, now, optimizer = contract.digest(), int(job.clock.now()), job.plan.optimizer
    made = None if outcome.mean is None else _candidate(job, standing, outcome.mean)
    with job.log.turn() as rules:
        leaves = receipts.leaves(rules)
        if _is_stopped(job):
            job.log.check(leaves)
            job.database.add_leaves(leaves)
            job.log.checkpoint()
            raise _stopped(job)
        if len(leaves) < len(receipts.taken):
            made = None
        if made is None or made.check.cause is not None:
            job.log.check(leaves)
            check = None if made is None else made.check
            job.database.close_round(digest, outcome, now, check=check, leaves=leaves)
            job.log.checkpoint()
            return _Unreleased.TOO_FEW_REPLIES if made is None else _Unreleased.HELD_BACK
        model = job.models.save(encode(made.weights, job.layout))
        released = ReleasedModel(digest, contract.run, contract.round, model, outcome.admitted)
        leaves.append(model_leaf(released))
        job.log.check(leaves)
        job.database.close_round(
            digest,
            outcome,
            now,
            model_out=model,
            optimizer_state=job.models.save(state_to_bytes(optimizer, made.state, job.layout)),
            check=made.check,
            leaves=leaves,
        )
        job.log.checkpoint()  # so that witnesses see the model now, and not with the next contract
    return _Standing(contract.round, made.weights, made.state, made.check.loss)
