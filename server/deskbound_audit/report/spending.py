"""What a fleet gave away: about any one unit of a day, and about a person over all days."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from deskbound_audit.epsilon import TOLERANCE, all_rounds, curve_of_charges, loss_of
from deskbound_audit.report.spread import histogram, spread
from deskbound_strategies.accounting import guaranteed
from deskbound_strategies.composition import Together, together
from deskbound_strategies.floor import PolicyFloor
from deskbound_strategies.ledger_export import Charge, LedgerSummary

Charges = frozenset[tuple[Charge, int]]
ROUNDING = 1e-9  # relative; the laptop's filter adds curves up in another order


@dataclass(frozen=True, slots=True)
class Spent:
    """What was charged in a fleet.

    Attributes:
        laptops: for each ledger, how often each set of charges was made against a day of it.
        delta: at which epsilons are stated.
        epsilons: what the filter vouches for, for each set of charges that occurs.
    """

    laptops: tuple[Counter[Charges], ...]
    delta: float
    epsilons: dict[Charges, float]

    @property
    def days(self) -> list[float]:
        """The figure of every charged day of every laptop."""
        return [self.epsilons[one] for days in self.laptops for one in days.elements()]


def spent_by(summaries: Sequence[LedgerSummary], delta: float) -> Spent:
    """Return what ledgers charged, the same sets of charges looked at once."""
    laptops = tuple(
        Counter(frozenset(charges.items()) for charges in one.charges.values()) for one in summaries
    )
    distinct = {charges for days in laptops for charges in days}
    return Spent(laptops, delta, {charges: _vouched(charges, delta) for charges in distinct})


def _vouched(charges: Charges, delta: float) -> float:
    steps = sum(charge.steps * count for charge, count in charges)
    return guaranteed(curve_of_charges(dict(charges)), delta, steps=steps)


def delta_of(summaries: Sequence[LedgerSummary], floor: PolicyFloor | None) -> float | None:
    """Return the delta to state epsilons at: the floor's, or the smallest that ledgers name."""
    if floor is not None:
        return floor.delta_day
    return min((claim.delta for one in summaries for claim in one.claims), default=None)


def per_day(spent: Spent, floor: PolicyFloor | None) -> dict[str, Any]:
    """Return what days of data gave away about one unit each, and the dearest of them in full."""
    days = spent.days
    cap = None if floor is None else floor.epsilon_day
    dearest = max(spent.epsilons, key=lambda one: spent.epsilons[one])
    rounds = [
        sum(count for _, count in charges)
        for laptop in spent.laptops
        for charges in laptop.elements()
    ]
    return {
        "units": sorted({charge.unit for charges in spent.epsilons for charge, _ in charges}),
        "adjacency": "add or remove one unit",
        "delta": spent.delta,
        "cap": cap,
        "days": len(days),
        "above_cap": None if cap is None else sum(day > cap * (1 + ROUNDING) for day in days),
        "epsilon_filter": _finite(spread(days)),
        "rounds": spread(rounds),
        "histogram": histogram([day for day in days if math.isfinite(day)], cap or 0.0),
        "dearest": _dearest(dearest, spent),
    }


def _dearest(charges: Charges, spent: Spent) -> dict[str, Any]:
    loss = loss_of(charges, spent.delta)
    vouched = spent.epsilons[charges]
    return {
        "rounds": loss.rounds,
        "charges": [
            {
                "unit": charge.unit,
                "sampling_rate": charge.sampling_rate,
                "noise_multiplier": charge.noise_multiplier,
                "steps": charge.steps,
                "times": count,
            }
            for charge, count in sorted(charges, key=str)
        ],
        "epsilon_filter": _number(vouched),
        "epsilon_prv": _number(loss.epsilon_prv),
        "epsilon_renyi": _number(loss.epsilon_renyi),
        "epsilon_dp_accounting": loss.epsilon_second,
        "sure_percent": round(100 / (1 + math.exp(-min(vouched, 700.0))), 2),
    }


def agreement(spent: Spent) -> dict[str, Any]:
    """Return how far two accountants that share no code differ, on each laptop's dearest day."""
    dearest = {max(days, key=lambda one: spent.epsilons[one]) for days in spent.laptops if days}
    pairs = [
        (loss.epsilon_prv, loss.epsilon_second)
        for loss in (loss_of(charges, spent.delta) for charges in dearest)
        if loss.epsilon_second is not None and math.isfinite(loss.epsilon_prv)
    ]
    apart = [abs(prv - second) / max(prv, second) for prv, second in pairs if max(prv, second)]
    return {
        "compared": len(pairs),
        "largest_difference": max(apart, default=0.0),
        "tolerance": TOLERANCE,
    }


def per_person(summaries: Sequence[LedgerSummary], spent: Spent) -> dict[str, Any]:
    """Return what all days of a laptop gave away about who left one unit in each of them."""
    simple = [
        together((spent.epsilons[one], spent.delta) for one in days.elements())
        for days in spent.laptops
        if days
    ]
    rounds = [all_rounds(one, spent.delta) for one in summaries if one.rounds_paid]
    worst = max(simple, key=lambda found: found.epsilon)
    return {
        "delta": spent.delta,
        "days": spread([found.days for found in simple]),
        "simple": _together(worst),
        "composed": _finite(spread(rounds)),
    }


def _together(found: Together) -> dict[str, Any]:
    return {
        "days": found.days,
        "epsilon": _number(found.epsilon),
        "delta": found.delta,
        "holds": found.holds and math.isfinite(found.epsilon),
    }


def _finite(told: dict[str, Any]) -> dict[str, Any]:
    return {name: _number(value) for name, value in told.items()}


def _number(value: float | None) -> float | None:
    """Return ``None`` for an unbounded loss: JSON has no infinity."""
    return value if value is not None and math.isfinite(value) else None
