"""What a plan would ask and cost, worked out before anybody is asked. Pure.

Every figure comes from the code that decides later: the floor's own check, the filter that laptops
charge a day of data with, the codec's byte counts. So what is shown here is what will be so.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deskbound_server.lineage import Start
from deskbound_server.plan import RoundPlan, sample_contract
from deskbound_strategies import dsse
from deskbound_strategies.accounting import epsilon_prv, event_of, guaranteed, round_cost
from deskbound_strategies.codec import encoded_size
from deskbound_strategies.contract import PAYLOAD_TYPE, RoundContract, join_releases
from deskbound_strategies.errors import Refusal, RefusalCode
from deskbound_strategies.floor import PROFILES, PolicyFloor
from deskbound_strategies.log_entries import Receipt
from deskbound_strategies.policy import affordable_rounds, check_contract
from deskbound_strategies.task import Task

MOST_ROUNDS = 10_000  # beyond that nobody counts; the most that a plan may have
POLL_SECONDS = 3  # a SuperNode asks so often, fixed in Flower: no round is quicker
_BLANK = "0" * 64

# How a floor's term reads beside the plan's, and the floor without it: to find the next one.
_Words = Callable[[RoundPlan, PolicyFloor], str]
_TERMS: dict[RefusalCode, tuple[_Words, dict[str, Any]]] = {
    RefusalCode.TASK_UNKNOWN: (lambda plan, _: f"task {plan.task} is not allowed", {}),
    RefusalCode.DEADLINE_TOO_FAR: (
        lambda plan, floor: f"deadline {plan.deadline_seconds} s, at most {floor.max_deadline_s} s",
        {"max_deadline_s": 2**53},
    ),
    RefusalCode.MESSAGE_TOO_LARGE: (
        lambda _, floor: f"the model is over {floor.max_message_bytes:,} bytes",
        {"max_message_bytes": 2**53},
    ),
    RefusalCode.UNIT_NOT_ALLOWED: (
        lambda plan, floor: (
            f"unit {plan.unit} of {plan.unit_seconds} s and {plan.unit_actions} actions, "
            f"at least {floor.unit_seconds_min} s and {floor.unit_actions_min} to "
            f"{floor.unit_actions_max} actions"
        ),
        {"unit_seconds_min": 0, "unit_actions_min": 0, "unit_actions_max": 2**53},
    ),
    RefusalCode.SIGMA_TOO_LOW: (
        lambda plan, floor: f"sigma {plan.noise_multiplier:g}, at least {floor.sigma_min:g}",
        {"sigma_min": 0.0},
    ),
    RefusalCode.CLIP_TOO_HIGH: (
        lambda plan, floor: f"clip {plan.clip:g}, at most {floor.clip_max:g}",
        {"clip_max": math.inf},
    ),
    RefusalCode.SAMPLING_TOO_HIGH: (
        lambda plan, floor: (
            f"q {plan.sampling_rate:g}, at most {floor.sampling_max:g}"
            + (", or 1 in a single step" if plan.task in floor.unsampled_tasks else "")
        ),
        {"sampling_max": 1.0},
    ),
    RefusalCode.STEPS_TOO_MANY: (
        lambda plan, floor: f"{plan.steps} steps, at most {floor.steps_max}",
        {"steps_max": 2**53},
    ),
    RefusalCode.COHORT_TOO_SMALL: (
        lambda plan, floor: f"cohort {plan.minimum_cohort}, at least {floor.minimum_cohort}",
        {"minimum_cohort": 0},
    ),
    RefusalCode.EPSILON_TOO_HIGH: (
        lambda _, floor: f"one round costs more than epsilon {floor.epsilon_day:g}",
        {"epsilon_day": math.inf},
    ),
}


@dataclass(frozen=True, slots=True)
class Broken:
    """A term of a floor that a plan breaks: the code a laptop would answer, and both numbers."""

    code: str
    words: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What laptops of one profile make of a plan.

    Attributes:
        profile: its name.
        broken: terms that refuse it; empty when it is accepted.
        delta: of the figures below.
        epsilon_charged: what one round charges a fresh day, by the filter that laptops decide with.
        epsilon_run: the whole run, numerically composed (PRV), as if fixed in advance.
        rounds: after so many a day of data is spent, by the filter; at most ``MOST_ROUNDS``.
        rounds_per_day: most rounds a laptop takes part in per UTC day.
    """

    profile: str
    broken: tuple[Broken, ...]
    delta: float
    epsilon_charged: float
    epsilon_run: float
    rounds: int
    rounds_per_day: int


@dataclass(frozen=True, slots=True)
class Traffic:
    """Bytes of one round on one laptop, without Flower's own.

    Attributes:
        down: weights and signed contract; a proof of some KB comes on top.
        up: update and receipt.
    """

    down: int
    up: int


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a run would be.

    Attributes:
        plan: what it asks for.
        releases: manifests of reviewed code that its contracts would name.
        verdicts: of every named profile.
        traffic: of one laptop and round.
        start: where it would begin.
    """

    plan: RoundPlan
    releases: tuple[str, ...]
    verdicts: tuple[Verdict, ...]
    traffic: Traffic
    start: Start

    @property
    def refused_by_all(self) -> bool:
        """Whether no laptop of any named profile would take part."""
        return all(verdict.broken for verdict in self.verdicts)

    @property
    def own(self) -> Verdict:
        """What the plan's own profile makes of it."""
        return next(one for one in self.verdicts if one.profile == self.plan.profile)

    @property
    def least_seconds(self) -> int:
        """How long the run takes at least: a laptop asks every few seconds whether it is wanted."""
        return self.plan.rounds * POLL_SECONDS

    def least_days(self, enrolled: int | None) -> int:
        """Return on how many UTC days the run is at least, if rounds a day are the limit.

        Args:
            enrolled: laptops that could take turns; None when that is not known.
        """
        laptops = max(enrolled or 0, self.plan.minimum_cohort)
        a_day = laptops * self.own.rounds_per_day // self.plan.minimum_cohort
        return -(-self.plan.rounds // a_day)


def examine(
    plan: RoundPlan,
    task: Task,
    releases: tuple[str, ...] = (),
    profiles: Iterable[str] = tuple(PROFILES),
    start: Start | None = None,
) -> DryRun:
    """Work out what a plan would ask and cost.

    Args:
        plan: checked on its own, not against any profile.
        task: the installed task that it names.
        releases: manifests that contracts would name.
        profiles: whose verdicts are wanted, the plan's own among them.
        start: where it would begin; None for whatever model the plan names.
    """
    model_bytes = encoded_size(task.layout())
    asked = replace(
        sample_contract(plan),
        vocabulary_hash=task.vocabulary_hash,
        releases=join_releases(releases),
    )
    floors = [PROFILES[name] for name in profiles]
    verdicts = tuple(_verdict(plan, floor, asked, model_bytes) for floor in floors)
    start = Start(plan.start_from) if start is None else start
    return DryRun(plan, releases, verdicts, _traffic(asked, model_bytes), start)


def _verdict(
    plan: RoundPlan, floor: PolicyFloor, asked: RoundContract, model_bytes: int
) -> Verdict:
    delta = floor.delta_day
    return Verdict(
        profile=floor.profile,
        broken=broken_terms(plan, floor, asked, model_bytes),
        delta=delta,
        epsilon_charged=guaranteed(round_cost(asked), delta, steps=asked.steps),
        epsilon_run=epsilon_prv([event_of(asked)] * plan.rounds, delta),
        rounds=affordable_rounds(asked, floor, MOST_ROUNDS),
        rounds_per_day=floor.rounds_per_day_max,
    )


def broken_terms(
    plan: RoundPlan, floor: PolicyFloor, asked: RoundContract, model_bytes: int
) -> tuple[Broken, ...]:
    """Return all terms that refuse, by asking the floor's own check again without the last one.

    Args:
        plan: whose numbers are named.
        floor: that is asked.
        asked: a contract of the plan.
        model_bytes: length of the encoded weights.
    """
    found: list[Broken] = []
    lenient = floor
    while (code := _refusal(lenient, asked, model_bytes)) is not None:
        words, without = _TERMS.get(code, (lambda *_: "", {}))
        found.append(Broken(code.value, words(plan, floor)))
        if not without:
            break
        lenient = replace(lenient, **without)
    return tuple(found)


def _refusal(floor: PolicyFloor, asked: RoundContract, model_bytes: int) -> RefusalCode | None:
    try:
        check_contract(
            asked,
            floor,
            now=asked.issued,
            model_bytes=model_bytes,
            vocabulary_hash=asked.vocabulary_hash,
            client_version=asked.client_version_min,
        )
    except Refusal as refusal:
        return refusal.code
    return None


def _traffic(asked: RoundContract, model_bytes: int) -> Traffic:
    key = Ed25519PrivateKey.generate()  # only lengths are looked at
    receipt = Receipt(key.public_key().public_bytes_raw().hex(), _BLANK, 1, _BLANK)
    contract = dsse.sign(asked.to_bytes(), PAYLOAD_TYPE, key)
    return Traffic(model_bytes + len(contract), model_bytes + len(receipt.signed(key)))
