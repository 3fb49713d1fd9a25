"""Runs side by side: what they asked, what came of it, what it cost. Pure; never a laptop."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from deskbound_server.follow import Sight
from deskbound_server.plan import RoundPlan, sample_contract
from deskbound_server.schema import RoundState
from deskbound_strategies.accounting import epsilon_prv, event_of
from deskbound_strategies.policy import PROFILES


@dataclass(frozen=True, slots=True)
class Spread:
    """Least, and largest, of the counts of a run's rounds; zeros where there was none."""

    least: int
    most: int

    @classmethod
    def of(cls, counts: Sequence[int]) -> "Spread":
        """Return the spread of some counts."""
        return cls(min(counts, default=0), max(counts, default=0))


@dataclass(frozen=True, slots=True)
class Facts:
    """What came of one run.

    Attributes:
        run: its id.
        state: where it stands, ``interrupted`` included.
        released, planned: rounds.
        contracts: attempts that were asked for; laptops pay for each.
        asked, admitted, silent: laptops of a round, over all attempts that were closed.
        refused, rejected: counts by code, over all attempts.
        epsilon: what all contracts together give away about one unit of a day that each of them
            could sample, numerically composed (PRV), at ``delta``.
        delta: of the plan's profile.
        bytes_down: weights and contracts to all laptops that were asked.
        bytes_up: updates that count.
        held_out_loss: of the last released model on public data, nats a unit; None when it was not
            tried. Laptops measure for themselves, and those figures have no way out.
    """

    run: str
    state: str
    released: int
    planned: int
    contracts: int
    asked: Spread
    admitted: Spread
    silent: Spread
    refused: dict[str, int]
    rejected: dict[str, int]
    epsilon: float
    delta: float
    bytes_down: int
    bytes_up: int
    held_out_loss: float | None


def facts_of(sight: Sight, model_bytes: int) -> Facts:
    """Return what came of a run.

    Args:
        sight: of it.
        model_bytes: length of its task's encoded weights; of an update, too.
    """
    plan = RoundPlan.from_bytes(sight.run.plan)
    closed = [row for row in sight.rounds if row.closed]
    losses = [row.check.loss for row in closed if row.state is RoundState.RELEASED]
    delta = PROFILES[plan.profile].delta_day
    events = [event_of(sample_contract(plan))] * len(sight.rounds)
    refused, rejected = Counter[str](), Counter[str]()
    for row in closed:
        refused.update(row.refused)
        rejected.update(row.rejected)
    return Facts(
        run=sight.run.id,
        state="interrupted" if sight.interrupted else sight.run.state.value,
        released=sum(row.state is RoundState.RELEASED for row in closed),
        planned=plan.rounds,
        contracts=len(sight.rounds),
        asked=Spread.of([row.cohort for row in closed]),
        admitted=Spread.of([row.admitted for row in closed]),
        silent=Spread.of([row.missing for row in closed]),
        refused=dict(refused),
        rejected=dict(rejected),
        epsilon=epsilon_prv(events, delta),
        delta=delta,
        bytes_down=sum(row.cohort * (model_bytes + len(row.envelope)) for row in closed),
        bytes_up=sum(row.admitted * model_bytes for row in closed),
        held_out_loss=losses[-1] if losses else None,
    )


def differing(plans: Sequence[RoundPlan]) -> dict[str, list[Any]]:
    """Return the settings in which plans differ, with the value of each plan."""
    settings = [asdict(plan) for plan in plans]
    return {
        name: [each[name] for each in settings]
        for name in settings[0]
        if any(each[name] != settings[0][name] for each in settings)
    }
