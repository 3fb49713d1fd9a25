"""Every number of a statement, worked out in one place."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from deskbound_audit.epsilon import BlockLoss, all_rounds, block_losses
from deskbound_audit.statement.inputs import Ledger, Plan
from deskbound_strategies import ledger_bodies, mechanism, noise, policy, vocabulary
from deskbound_strategies.accounting import (
    FILTER_ORDERS,
    ORDERS,
    RdpCurve,
    admits,
    curve_of,
    epsilon_of,
    epsilon_prv,
    guaranteed,
    noise_delta,
)
from deskbound_strategies.composition import Together, together
from deskbound_strategies.floor import PolicyFloor
from deskbound_strategies.ledger_export import LedgerSummary
from deskbound_strategies.policy import cap_of, sampling_allowed

RETENTION_DAYS = 7  # what a laptop keeps unless its config.toml says otherwise
YEAR = 365


@dataclass(frozen=True, slots=True)
class Given:
    """What a statement is made from.

    Attributes:
        floor: of the laptops.
        ledgers: verified exports; may be none.
        plan: of a run, if there is one.
        retention_days: how many days of data a laptop holds.
        about: what only the controller can say.
        attack: what ``deskbound-audit attack --json`` printed, if it was run.
    """

    floor: PolicyFloor
    ledgers: Sequence[Ledger] = ()
    plan: Plan | None = None
    retention_days: int = RETENTION_DAYS
    about: dict[str, str] | None = None
    attack: dict[str, Any] | None = None


def facts(given: Given) -> dict[str, Any]:
    """Return all facts as JSON values; a bound that does not exist is null."""
    floor = given.floor
    cap = floor.epsilon_day, floor.delta_day
    return {
        "floor": _floor(floor),
        "odds": round(100 / (1 + math.exp(-floor.epsilon_day)), 3),
        "worst_case": policy.describe(floor).splitlines(),
        "mechanism": _mechanism(),
        "plan": None if given.plan is None else _plan(given.plan, floor),
        "retention": {"days": given.retention_days}
        | _together(together([cap] * given.retention_days)),
        "year": {"days": YEAR} | _together(together([cap] * YEAR)),
        "ledgers": [_ledger(ledger, floor) for ledger in given.ledgers],
        "consents": list(ledger_bodies.SUBJECTS),
        "vocabulary": {
            "words": len(vocabulary.TOKENS),
            "apps": len(vocabulary.APPS),
            "gaps": vocabulary.GAPS,
            "columns": vocabulary.CELL_COLUMNS,
            "rows": vocabulary.CELL_ROWS,
            "hash": vocabulary.VOCABULARY_HASH,
        },
        "about": given.about or {},
        "attack": given.attack,
    }


def _floor(floor: PolicyFloor) -> dict[str, Any]:
    values = asdict(floor)
    total = floor.epsilon_total
    return values | {
        "epsilon_total": total if math.isfinite(total) else None,
        "digest": floor.digest(),
        "units": list(floor.units),
    }


def _mechanism() -> dict[str, Any]:
    return {
        "inflation_percent": round(100 * mechanism.MAX_INFLATION, 6),
        "distance_bits": noise.DISTANCE_BITS,
        "noise_delta_a_step": noise_delta(1),
        "largest_dimension": mechanism.MAX_DIMENSION,
        "orders": len(ORDERS),
        "filter_orders": list(FILTER_ORDERS),
    }


def _plan(plan: Plan, floor: PolicyFloor) -> dict[str, Any]:
    """Return a plan's cost per round, and how many of its rounds a day of data pays for."""
    curve = curve_of(plan.event)
    left = floor.delta_day - noise_delta(plan.steps)
    spent, rounds, cap = RdpCurve(), 0, cap_of(floor)
    while rounds < plan.rounds and admits(spent, curve, cap, steps=(rounds + 1) * plan.steps):
        spent, rounds = spent + curve, rounds + 1
    return asdict(plan) | {
        "epsilon_round": epsilon_prv([plan.event], left),
        "epsilon_round_renyi": epsilon_of(curve, left),
        "delta": floor.delta_day,
        "rounds_paid": rounds,
        "epsilon_paid": epsilon_prv(
            [plan.event] * rounds, floor.delta_day - noise_delta(plan.steps * rounds)
        )
        if rounds
        else 0.0,
        "epsilon_paid_filter": guaranteed(spent, floor.delta_day, steps=plan.steps * rounds),
        "allowed": _allowed(plan, floor),
    }


def _allowed(plan: Plan, floor: PolicyFloor) -> list[str]:
    """Return the bounds of the floor that a plan breaks."""
    held = {
        "sigma_min": plan.noise_multiplier >= floor.sigma_min,
        "clip_max": plan.clip <= floor.clip_max,
        "sampling_max": sampling_allowed(floor, plan.task, plan.sampling_rate, plan.steps),
        "steps_max": plan.steps <= floor.steps_max,
        "minimum_cohort": plan.minimum_cohort >= floor.minimum_cohort,
        "units": plan.unit in floor.units,
    }
    return [name for name, holds in held.items() if not holds]


def _ledger(ledger: Ledger, floor: PolicyFloor) -> dict[str, Any]:
    summary = ledger.summary
    losses = block_losses(summary)
    worst = max(losses.values(), key=lambda loss: loss.epsilon_renyi, default=None)
    charged = together((loss.epsilon_prv, loss.delta) for loss in losses.values())
    return {
        "file": ledger.name,
        "device": summary.key_fingerprint,
        "entries": summary.entries,
        "rounds": len(summary.rounds),
        "uploads": summary.uploads,
        "bytes": summary.bytes_out,
        "refusals": dict(sorted(summary.refusals.items())),
        "consent_days": ledger.consent_days,
        "floor_in_force": summary.floor in ("", floor.digest()),
        "round_epsilons": sorted({claim.epsilon for claim in summary.claims}),
        "worst_day": None if worst is None else _loss(worst),
        "days_charged": charged.days,
        "life": _together(charged),
        "life_composed": _composed(summary, floor.delta_day),
    }


def _composed(summary: LedgerSummary, delta: float) -> dict[str, Any]:
    found = all_rounds(summary, delta)
    return {"epsilon": found if math.isfinite(found) else None, "delta": delta}


def _loss(loss: BlockLoss) -> dict[str, Any]:
    return {
        "unit": loss.unit,
        "rounds": loss.rounds,
        "epsilon": loss.epsilon_prv if math.isfinite(loss.epsilon_prv) else None,
        "delta": loss.delta,
        "second_opinion": loss.epsilon_second,
    }


def _together(found: Together) -> dict[str, Any]:
    finite = math.isfinite(found.epsilon)
    return {
        "epsilon": found.epsilon if finite else None,
        "delta": found.delta,
        "promises": found.holds and finite,
    }
