"""Which rounds are attacked: the sharpest that a policy floor lets a server ask for.

A hostile server that has read the floor asks with the highest sampling rate, one step a round (so
that every noisy sum is seen by itself) and weights that never change (so that all rounds speak of
the same gradients), until the filter of the day of data says no.
"""

import math
from dataclasses import dataclass, replace

from deskbound_strategies.accounting import (
    RdpCurve,
    SampledGaussian,
    admits,
    curve_of,
    epsilon_prv,
    guaranteed,
    noise_delta,
)
from deskbound_strategies.contract import RoundContract
from deskbound_strategies.errors import ConfigError
from deskbound_strategies.floor import PolicyFloor
from deskbound_strategies.policy import cap_of, check_contract
from deskbound_strategies.task import Task

SIGMA_STEP = 0.25
SIGMA_MAX = 32.0
CLIP = 1.0  # below the gradients of all canaries, so that clipping is seen to be done
TOO_QUIET = 0.2  # below this sigma accountants have nothing to say but "no bound"
VERSION, VERSION_BELOW = "0.1.0", "0.2.0"
ISSUED = 1


@dataclass(frozen=True, slots=True)
class Setting:
    """What is held, and what the accountants say of it.

    Attributes:
        contract: of every round.
        rounds: how many are held on the same day of data.
        dimension: coordinates of an update.
        delta: at which all epsilons are stated.
        epsilon_claimed: numerical bound (PRV) of these rounds, fixed in advance as they are.
        epsilon_filter: what the laptop's filter vouches for, however rounds are chosen.
        epsilon_cap: the floor's bound for a day of data.
    """

    contract: RoundContract
    rounds: int
    dimension: int
    delta: float
    epsilon_claimed: float
    epsilon_filter: float
    epsilon_cap: float


def event_with(setting: Setting, sigma: float, *, rounds: int) -> SampledGaussian:
    """Return so many rounds of the setting with another noise multiplier."""
    asked = setting.contract
    return SampledGaussian(asked.sampling_rate, sigma, asked.steps * rounds)


def measured(setting: Setting, sigma: float) -> float:
    """Return epsilon of the setting's rounds under a measured sigma; infinite below 0.2."""
    if sigma < TOO_QUIET:
        return math.inf
    return epsilon_prv([event_with(setting, sigma, rounds=setting.rounds)], setting.delta)


def sharpest(floor: PolicyFloor, task: Task, rounds: int) -> Setting:
    """Return the setting with the least noise under which a day pays for so many rounds.

    Args:
        floor: of the laptops that are audited.
        task: what is trained.
        rounds: wanted; at least 1.

    Raises:
        ConfigError: when the floor admits no such contract at all.
    """
    asked = _contract(floor, task)
    dimension = sum(spec.elements for spec in task.layout())
    sigma = max(floor.sigma_min, SIGMA_STEP)
    while sigma <= SIGMA_MAX:
        held = affordable(floor, replace(asked, noise_multiplier=sigma), rounds)
        if held >= rounds:
            found = replace(asked, noise_multiplier=sigma)
            _accept(found, floor, dimension, task)
            return _claimed(floor, found, rounds, dimension)
        sigma += SIGMA_STEP
    raise ConfigError(
        "Under this floor no day of data pays for so many rounds.", "Audit fewer rounds."
    )


def affordable(floor: PolicyFloor, asked: RoundContract, most: int) -> int:
    """Return how many rounds of a contract the filter of one day admits, at most ``most``."""
    cost = curve_of(SampledGaussian(asked.sampling_rate, asked.noise_multiplier, asked.steps))
    spent, held = RdpCurve(), 0
    while held < most and admits(spent, cost, cap_of(floor), steps=(held + 1) * asked.steps):
        spent, held = spent + cost, held + 1
    return held


def _contract(floor: PolicyFloor, task: Task) -> RoundContract:
    return RoundContract(
        run="a0" * 16,
        round=1,
        task=task.name,
        profile=floor.profile,
        vocabulary_hash=task.vocabulary_hash,
        model_hash="00" * 32,
        anchors="00" * 32,
        unit=floor.units[0],
        unit_seconds=max(600, floor.unit_seconds_min),
        unit_actions=max(256, floor.unit_actions_min),
        sampling_rate=1.0 if task.name in floor.unsampled_tasks else floor.sampling_max,
        noise_multiplier=floor.sigma_min,
        clip=min(floor.clip_max, CLIP),
        steps=1,
        divisor=1.0,
        local_optimizer="sgd",
        learning_rate=1.0,
        aggregation="plain",
        minimum_cohort=max(10, floor.minimum_cohort),
        issued=ISSUED,
        deadline=ISSUED + 60,
        client_version_min=VERSION,
        client_version_below=VERSION_BELOW,
    )


def _accept(asked: RoundContract, floor: PolicyFloor, dimension: int, task: Task) -> None:
    """Check that a laptop with this floor takes the contract: no other is worth attacking."""
    check_contract(
        asked,
        floor,
        now=ISSUED,
        model_bytes=4 * dimension,
        vocabulary_hash=task.vocabulary_hash,
        client_version=VERSION,
    )


def _claimed(floor: PolicyFloor, asked: RoundContract, rounds: int, dimension: int) -> Setting:
    event = SampledGaussian(asked.sampling_rate, asked.noise_multiplier, asked.steps * rounds)
    delta = floor.delta_day
    return Setting(
        contract=asked,
        rounds=rounds,
        dimension=dimension,
        delta=delta,
        epsilon_claimed=epsilon_prv([event], delta - noise_delta(event.steps, dimension)),
        epsilon_filter=guaranteed(curve_of(event), delta, steps=event.steps),
        epsilon_cap=floor.epsilon_day,
    )
