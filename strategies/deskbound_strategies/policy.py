"""The policy floor held against a contract: what a server may ask of this laptop at most.

The vocabulary of refusals depends on contract, floor and clock alone, never on data: what budget is
left is ``budget.py``'s business, and a laptop that has none stays silent.
"""

import math
import re

from deskbound_strategies.accounting import Cap, RdpCurve, admits, event_of, round_cost
from deskbound_strategies.contract import RoundContract
from deskbound_strategies.errors import Refusal, RefusalCode
from deskbound_strategies.floor import DEFAULT, PROFILES, PolicyFloor
from deskbound_strategies.mechanism import Lattice

__all__ = [
    "DEFAULT", "PROFILES", "PolicyFloor", "affordable_rounds", "cap_of", "check_contract",
    "describe", "lattice_for", "sampling_allowed",
]  # fmt: skip

CLOCK_SKEW = 300  # seconds a contract may be dated ahead of this laptop's clock
BYTES_PER_WEIGHT = 4


def cap_of(floor: PolicyFloor) -> Cap:
    """Return what one day of data may give away about one unit, ever."""
    return Cap(floor.epsilon_day, floor.delta_day)


def affordable_rounds(contract: RoundContract, floor: PolicyFloor, most: int) -> int:
    """Return how many rounds of these terms a day of data affords, by the filter that charges it.

    Args:
        contract: of each round.
        floor: of the laptop.
        most: where counting ends.
    """
    cap, cost, spent = cap_of(floor), round_cost(contract), RdpCurve()
    for done in range(most):
        if not admits(spent, cost, cap, steps=(done + 1) * contract.steps):
            return done
        spent += cost
    return most


def check_contract(
    contract: RoundContract,
    floor: PolicyFloor,
    *,
    now: float,
    model_bytes: int,
    vocabulary_hash: str,
    client_version: str,
) -> None:
    """Check a contract against the floor, in a fixed order.

    Nothing here depends on what a laptop holds or did before, so every code may travel. Rounds per
    day are counted where budget is reserved.

    Args:
        contract: as signed.
        floor: of this laptop.
        now: Unix seconds.
        model_bytes: length of the encoded weights sent along.
        vocabulary_hash: of the installed vocabulary.
        client_version: of the installed client, ``major.minor.patch``.

    Raises:
        Refusal: with the code of the first bound that is broken.
    """
    _check_form(contract, floor, now, model_bytes, client_version)
    accepted = floor.vocabularies or (vocabulary_hash,)
    same = contract.vocabulary_hash == vocabulary_hash and vocabulary_hash in accepted
    actions = floor.unit_actions_min <= contract.unit_actions <= floor.unit_actions_max
    long_enough = contract.unit == "day" or contract.unit_seconds >= floor.unit_seconds_min
    _refuse_unless(
        (contract.task in floor.tasks, RefusalCode.TASK_UNKNOWN),
        (same, RefusalCode.VOCABULARY_MISMATCH),
        (contract.unit in floor.units and actions and long_enough, RefusalCode.UNIT_NOT_ALLOWED),
        (contract.noise_multiplier >= floor.sigma_min, RefusalCode.SIGMA_TOO_LOW),
        (contract.clip <= floor.clip_max, RefusalCode.CLIP_TOO_HIGH),
        (
            sampling_allowed(floor, contract.task, contract.sampling_rate, contract.steps),
            RefusalCode.SAMPLING_TOO_HIGH,
        ),
        (contract.steps <= floor.steps_max, RefusalCode.STEPS_TOO_MANY),
        (contract.minimum_cohort >= floor.minimum_cohort, RefusalCode.COHORT_TOO_SMALL),
    )
    lattice_for(contract, max(1, model_bytes // BYTES_PER_WEIGHT))
    affordable = admits(RdpCurve(), round_cost(contract), cap_of(floor), steps=contract.steps)
    _refuse_unless((affordable, RefusalCode.EPSILON_TOO_HIGH))


def sampling_allowed(floor: PolicyFloor, task: str, rate: float, steps: int) -> bool:
    """Return whether a floor lets a task's steps sample at this rate.

    Counting may take every unit, once. Sampling hides nothing there that noise does not hide more
    cheaply: at the same epsilon one look at all tells more than several looks at samples.

    Args:
        floor: of the laptop.
        task: its name.
        rate: q.
        steps: of a round.
    """
    return rate <= floor.sampling_max or (
        task in floor.unsampled_tasks and rate == 1.0 and steps == 1
    )


def _check_form(
    contract: RoundContract, floor: PolicyFloor, now: float, model_bytes: int, client_version: str
) -> None:
    oldest, newest = contract.client_version_min, contract.client_version_below
    runs = _version(oldest) <= _version(client_version) < _version(newest)
    dated = contract.issued <= now + CLOCK_SKEW and contract.issued < contract.deadline
    _refuse_unless(
        (contract.steps >= 1 and contract.round >= 1, RefusalCode.CONTRACT_MALFORMED),
        (re.fullmatch("[0-9a-f]{32}", contract.run) is not None, RefusalCode.CONTRACT_MALFORMED),
        (dated and now < contract.deadline, RefusalCode.CONTRACT_EXPIRED),
        (contract.deadline <= now + floor.max_deadline_s, RefusalCode.DEADLINE_TOO_FAR),
        (runs, RefusalCode.CLIENT_VERSION),
        (model_bytes <= floor.max_message_bytes, RefusalCode.MESSAGE_TOO_LARGE),
    )


def _refuse_unless(*conditions: tuple[bool, RefusalCode]) -> None:
    for holds, code in conditions:
        if not holds:
            raise Refusal(code)


def _version(text: str) -> tuple[int, ...]:
    if not re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,4}){2}", text):
        raise Refusal(RefusalCode.CONTRACT_MALFORMED)
    return tuple(int(part) for part in text.split("."))


def lattice_for(contract: RoundContract, dimension: int) -> Lattice:
    """Return the lattice a contract's noise is drawn on for a model of so many coordinates.

    Raises:
        Refusal: ``contract-malformed`` when no lattice fits, e.g. for absurd noise multipliers.
    """
    try:
        event_of(contract)
        return Lattice(contract.clip, dimension, contract.noise_multiplier)
    except (ValueError, OverflowError):
        raise Refusal(RefusalCode.CONTRACT_MALFORMED) from None


def describe(floor: PolicyFloor) -> str:
    """Return the worst case in words, for people who never heard of epsilon."""
    sure = 100 / (1 + math.exp(-floor.epsilon_day))
    shown = f"{sure:.1f}" if sure < 99.5 else f"{sure:.3f}"
    total = "no bound over all days"
    if math.isfinite(floor.epsilon_total):
        total = f"at most {floor.epsilon_total:g} summed over all days"
    guarantee = (
        f"Profile {floor.profile}: epsilon {floor.epsilon_day:g} at delta {floor.delta_day:g} "
        f"for each unit ({' or '.join(floor.units)}) of a day of data, for ever; {total}."
    )
    worst = (
        "Worst case: somebody who controls the server and every other laptop, knows all you do "
        f"except one unit, and holds that unit for as likely as not, ends up at most {shown} % "
        f"sure of it - except with probability {floor.delta_day:g}."
    )
    lines = [guarantee, worst, "A day of many units together is protected less than one of them."]
    if floor.profile == "research" or floor.epsilon_day > PROFILES["balanced"].epsilon_day:
        lines.append("Bounds this loose are for demonstration and simulation only.")
    return "\n".join(lines)
