"""What the pages tell of runs, worked out from the server's record. Pure; never a laptop."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from deskbound_server.compare import Facts, facts_of
from deskbound_server.follow import Sight
from deskbound_server.plan import RoundPlan, sample_contract
from deskbound_server.schema import RoundRow, RoundState
from deskbound_strategies.accounting import (
    RdpCurve,
    SampledGaussian,
    epsilon_prv,
    guaranteed,
    round_cost,
)
from deskbound_strategies.errors import Refusal
from deskbound_strategies.policy import PROFILES

MOST_TRIED = 40  # models of a run that are tried for the picture, evenly spread


@dataclass(frozen=True, slots=True)
class Summary:
    """One run.

    Attributes:
        plan: its settings.
        facts: what came of it and what it cost.
        created: Unix seconds.
        ended: when its last round closed, Unix seconds; 0 while it goes on or before one did.
        reason: why it failed or was stopped, a word from a closed list, else empty.
        bytes_known: whether its task is installed here, so that bytes can be told.
    """

    plan: RoundPlan
    facts: Facts
    created: int
    ended: int
    reason: str
    bytes_known: bool


def summary_of(sight: Sight) -> Summary:
    """Return what is told of a run."""
    plan = RoundPlan.from_bytes(sight.run.plan)
    size = update_bytes(plan.task)
    going = not sight.over and not sight.interrupted
    last = max((row.closed for row in sight.rounds), default=0)
    return Summary(
        plan=plan,
        facts=facts_of(sight, size or 0),
        created=sight.run.created,
        ended=0 if going else last,
        reason=sight.run.reason,
        bytes_known=size is not None,
    )


@lru_cache(maxsize=32)
def update_bytes(task: str) -> int | None:
    """Return the length of a task's encoded weights, None when it is not installed here."""
    from deskbound_strategies.codec import encoded_size  # noqa: PLC0415
    from deskbound_strategies.task import find_task  # noqa: PLC0415 - loads torch: seconds

    try:
        return encoded_size(find_task(task).layout())
    except Refusal:
        return None


def warm() -> None:
    """Load what the first page would otherwise wait for: torch and Opacus take seconds."""
    update_bytes("next_action")
    epsilon_prv([SampledGaussian(0.01, 1.0, 1)], 1e-5)


def counted_epsilon(plan: RoundPlan, rows: Sequence[RoundRow]) -> list[float]:
    """Return, after each attempt, what is counted against a day's cap: it holds adaptively.

    As ``model show`` tells it: for a unit that every contract so far could sample.
    """
    contract = sample_contract(plan)
    delta, cost = PROFILES[plan.profile].delta_day, round_cost(contract)
    spent, found = RdpCurve(), []
    for number, _ in enumerate(rows, start=1):
        spent += cost
        found.append(guaranteed(spent, delta, steps=number * contract.steps))
    return found


def models_of(rows: Sequence[RoundRow]) -> dict[str, int]:
    """Return the models of a run with the round each is after, the first model (0) included."""
    released = [row for row in rows if row.state is RoundState.RELEASED]
    found = {rows[0].model_in: 0} if rows else {}
    found |= {row.model_out: row.number for row in released}
    if len(found) <= MOST_TRIED:
        return found
    names = list(found)
    places = {round(at * (len(names) - 1) / (MOST_TRIED - 1)) for at in range(MOST_TRIED)}
    return {names[place]: found[names[place]] for place in sorted(places)}


def codes_of(rows: Sequence[RoundRow]) -> tuple[dict[str, int], dict[str, int]]:
    """Return how many replies were refused and rejected, by code, most first."""
    refused, rejected = Counter[str](), Counter[str]()
    for row in rows:
        refused.update(row.refused)
        rejected.update(row.rejected)
    return dict(refused.most_common()), dict(rejected.most_common())
