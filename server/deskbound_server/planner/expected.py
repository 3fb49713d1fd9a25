"""What a plan can be expected to be good for, from what was measured; a range, never one number.

Pure. Beyond what was measured the relation is carried on and ``beyond`` says so.
"""

import math
from dataclasses import dataclass

from deskbound_server.planner.measured import MEASURED, PAIRS_ONLY, Measured
from deskbound_server.planner.options import signal
from deskbound_server.planner.question import Question


@dataclass(frozen=True, slots=True)
class Range:
    """A figure with what it was off by, at nine of ten fleets that were left out of the fit."""

    low: float
    mid: float
    high: float


@dataclass(frozen=True, slots=True)
class Expected:
    """What is expected, as shares of next actions that are right at the first guess.

    Attributes:
        shared: the fleet's counts by themselves.
        alone: a laptop's own counts of the same days, without noise.
        gain: what a laptop's own counts gain from the shared ones; below 0 they do harm.
        alone_after: units of its own with which a laptop alone guesses as well as the shared
            counts; None when it never does.
        beyond: what of this lies outside of what was measured, in words.
    """

    shared: Range
    alone: float
    gain: Range
    alone_after: float | None
    beyond: tuple[str, ...]

    @property
    def worth_it(self) -> bool:
        """Whether sharing pays for a laptop with days of its own, beyond what may be error."""
        return self.shared.mid > self.alone or self.gain.low > 0.0


def expected(asked: Question, sigma: float) -> Expected | None:
    """Return what is expected with so much noise; None for what was never measured."""
    if asked.task != "action_counts":
        return None
    found = MEASURED[asked.unit]
    laptops = max(1.0, asked.laptops * asked.participation)
    heard = signal(laptops, asked.units, asked.rate, asked.steps * asked.rounds, sigma)
    relation = found.relation
    shared = relation.shared(laptops * asked.units, heard)
    alone = relation.alone(asked.units)
    gain = relation.gain(shared, asked.units)
    return Expected(
        shared=_around(shared, found.shared_within, 0.0),
        alone=alone,
        gain=_around(gain, found.gain_within, -alone),
        alone_after=relation.alone_after(shared),
        beyond=_beyond(found, laptops, asked.units, heard),
    )


def pairs_only(asked: Question, sigma: float) -> float | None:
    """Return hit@1 of shared counts of pairs without triples; None where that was not measured."""
    if asked.task != "action_counts" or asked.unit != "session":
        return None
    laptops = max(1.0, asked.laptops * asked.participation)
    heard = signal(laptops, asked.units, asked.rate, asked.steps * asked.rounds, sigma)
    return PAIRS_ONLY.shared(laptops * asked.units, heard)


def _around(mid: float, within: float, least: float) -> Range:
    return Range(max(least, mid - within), mid, min(1.0, mid + within))


def _beyond(found: Measured, laptops: float, units: float, heard: float) -> tuple[str, ...]:
    told = (
        ("laptops that answer", laptops, found.laptops),
        (f"{found.unit}s of a laptop", units, found.units),
        ("signal over noise", heard, found.signals),
    )
    return tuple(
        f"{math.floor(value):,} {name}, measured were {low:,} to {high:,}"
        for name, value, (low, high) in told
        if not low <= value <= high
    )
