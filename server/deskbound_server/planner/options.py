"""One option for each epsilon: the plan that follows, what it costs, what is left of the guarantee.

Costs are those of a dry run of the very plan (``dry_run.py``), so a plan that is written and looked
at again shows the same figures. Pure.
"""

import math
from dataclasses import dataclass

from deskbound_server.dry_run import MOST_ROUNDS, DryRun, broken_terms, examine
from deskbound_server.plan import RoundPlan, sample_contract
from deskbound_server.planner.cohort import Cohort, cohort_of
from deskbound_server.planner.noise import charged, sigma_for
from deskbound_server.planner.question import Question
from deskbound_strategies.accounting import SampledGaussian
from deskbound_strategies.composition import composed
from deskbound_strategies.noise import NANOSECONDS_PER_DRAW
from deskbound_strategies.policy import PROFILES, affordable_rounds
from deskbound_strategies.task import Task

FEW = 5  # units of a person that are bounded together, beside all of a day
# Of larger groups the bound is only known to be no smaller: it takes long, and says nothing anyway.
MOST_TOGETHER = 32
_SESSION_ACTIONS, _DAY_ACTIONS = 256, 1024
# Of a network, as in the demo: there noise moves a weight, 0.5 at first, by about 0.3 in all.
_RATE, _SERVER_MOMENTUM, _WALK = 0.45, 0.8, 0.3


@dataclass(frozen=True, slots=True)
class Group:
    """What the run gives away about several units of a person at once, as if fixed in advance.

    Attributes:
        units: how many.
        epsilon: of all of them, at the floor's delta; of ``MOST_TOGETHER`` of them if fewer.
    """

    units: int
    epsilon: float

    @property
    def at_least(self) -> bool:
        """Whether the group is larger than the one that was bounded."""
        return self.units > MOST_TOGETHER


@dataclass(frozen=True, slots=True)
class Option:
    """What follows from one epsilon.

    Attributes:
        epsilon: that a day of data may be charged for the whole run.
        plan: to carry out.
        dry: what a dry run of the plan shows for its own profile: verdict, bytes, least time.
        affordable: rounds after which a day of data is spent, by profile; 0 where it is refused.
        charged: epsilon of a day that the whole run takes, by the laptops' filter.
        signal: of what was counted over the noise; see ``signal_of``.
        groups: what is left for several units at once.
        noise_seconds: a laptop's time for drawing the noise of a round.
    """

    epsilon: float
    plan: RoundPlan
    dry: DryRun
    affordable: dict[str, int]
    charged: float
    signal: float
    groups: tuple[Group, ...]
    noise_seconds: float

    @property
    def epsilon_run(self) -> float:
        """The run composed numerically (PRV), as if its rounds were fixed in advance."""
        return self.dry.own.epsilon_run

    @property
    def refused(self) -> tuple[str, ...]:
        """Why laptops of the plan's profile would refuse it, or fall silent before it ends."""
        found = tuple(one.words for one in self.dry.own.broken)
        if not found and self.dry.own.rounds < self.plan.rounds:
            found = (f"a day of data is spent after {self.dry.own.rounds} rounds",)
        return found

    @property
    def why_refused(self) -> str:
        """``refused`` in one line."""
        return "; ".join(self.refused)


def signal_of(asked: Question, sigma: float) -> float:
    """Return how far a unit's share that all laptops have stands out from the noise of all.

    A cell that every unit adds 1 to adds up, over T steps of rate q and n laptops of u units, to
    n u q T, against noise of deviation sigma sqrt(n T): each laptop adds its own.
    """
    laptops, steps = asked.laptops * asked.participation, asked.steps * asked.rounds
    return signal(laptops, asked.units, asked.rate, steps, sigma)


def signal(laptops: float, units: float, rate: float, steps: int, sigma: float) -> float:
    """Return u q sqrt(n T) / sigma; see ``signal_of``.

    Args:
        laptops: n that answer.
        units: u of each.
        rate: q.
        steps: T of all rounds.
        sigma: noise multiplier.
    """
    return units * rate * math.sqrt(laptops * steps) / sigma


def cohort(asked: Question) -> Cohort:
    """Return how many laptops can be expected to answer."""
    return cohort_of(asked.laptops, asked.participation, asked.floor.minimum_cohort)


def sigma_of(asked: Question, epsilon: float) -> float | None:
    """Return the least noise that costs so much at most and that the floor allows; None if none."""
    floor = asked.floor
    solved = sigma_for(epsilon, floor.delta_day, asked.rate, asked.steps * asked.rounds)
    return None if solved is None else max(solved, floor.sigma_min)


def option(asked: Question, epsilon: float, task: Task) -> Option | None:
    """Return what follows from one epsilon; None where no noise is enough."""
    delta, steps = asked.floor.delta_day, asked.steps * asked.rounds
    sigma = sigma_of(asked, epsilon)
    if sigma is None:
        return None
    plan = plan_for(asked, sigma)
    event = SampledGaussian(asked.rate, sigma, steps)
    sizes = sorted({FEW, max(1, round(asked.units_per_day))} - {1})
    groups = tuple(
        Group(size, composed([(event, min(size, MOST_TOGETHER))], delta)) for size in sizes
    )
    values = sum(math.prod(spec.shape) for spec in task.layout())
    return Option(
        epsilon=epsilon,
        plan=plan,
        dry=examine(plan, task, profiles=(asked.profile,)),
        affordable=_affordable(plan),
        charged=charged(asked.rate, sigma, steps, delta),
        signal=signal_of(asked, sigma),
        groups=groups,
        noise_seconds=values * asked.steps * NANOSECONDS_PER_DRAW * 1e-9,
    )


def _affordable(plan: RoundPlan) -> dict[str, int]:
    contract = sample_contract(plan)
    found = {}
    for name, floor in PROFILES.items():
        refused = broken_terms(plan, floor, contract, 4)
        found[name] = 0 if refused else affordable_rounds(contract, floor, MOST_ROUNDS)
    return found


def plan_for(asked: Question, sigma: float) -> RoundPlan:
    """Return the plan of a question with so much noise."""
    expected = cohort(asked)
    least = max(expected.low, expected.needed, 2)
    counts = asked.task == "action_counts"
    divisor = 10.0 if counts else max(1.0, round(asked.rate * asked.units, 1))
    return RoundPlan(
        task=asked.task,
        profile=asked.profile,
        rounds=asked.rounds,
        cohort=max(asked.laptops, least),
        minimum_cohort=least,
        deadline_seconds=28_800,
        gather_seconds=3600,
        unit=asked.unit,
        unit_seconds=600,
        unit_actions=_SESSION_ACTIONS if asked.unit == "session" else _DAY_ACTIONS,
        sampling_rate=asked.rate,
        noise_multiplier=sigma,
        clip=1.0,
        steps=asked.steps,
        divisor=divisor,
        local_learning_rate=1.0 if counts else _calm_rate(asked, sigma / divisor, least),
        server_optimizer="fedavg" if counts else "fedavgm",
        server_momentum=0.9 if counts else _SERVER_MOMENTUM,
        held_out="none" if counts else "generated",
    )


def _calm_rate(asked: Question, noise: float, laptops: int) -> float:
    """Return a learning rate with which noise does not carry the weights away.

    Noise of all rounds adds up to a random walk: each step's is doubled by the laptop's momentum of
    0.5, averaged over the laptops, and carried on by the server's.

    Args:
        asked: steps and rounds.
        noise: deviation of a step's noise on a laptop, over the divisor.
        laptops: fewest that answer.
    """
    walked = 2.0 * noise * math.sqrt(asked.steps * asked.rounds / laptops)
    walked /= 1.0 - _SERVER_MOMENTUM
    return float(f"{min(_RATE, _WALK / walked):.2g}")
