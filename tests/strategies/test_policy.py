"""What a server may ask: every bound from both sides, and the file that sets them."""

import contextlib
import itertools
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deskbound_strategies.accounting import curve_of, event_of, guaranteed
from deskbound_strategies.contract import RoundContract
from deskbound_strategies.errors import Refusal, RefusalCode
from deskbound_strategies.floor_file import floor_from
from deskbound_strategies.policy import (
    DEFAULT,
    PROFILES,
    PolicyFloor,
    check_contract,
    describe,
    lattice_for,
)
from deskbound_strategies.vocabulary import VOCABULARY_HASH
from tests.helpers.agreement import AT, a_contract

NOW = AT + 10
ACCEPTED: dict[str, Any] = {
    "sampling_rate": 0.1, "noise_multiplier": 2.0, "steps": 10, "clip": 1.0,
    "minimum_cohort": 10, "unit_seconds": 600, "unit_actions": 256,
}  # fmt: skip

# Whoever counts may take every unit, once.
ONCE = {"task": "action_counts", "sampling_rate": 1.0, "steps": 1}


def check(contract: RoundContract, floor: PolicyFloor = DEFAULT, **changes: Any) -> None:
    """Check as the laptop would, with some facts changed."""
    facts: dict[str, Any] = {
        "now": NOW,
        "model_bytes": 400_000,
        "vocabulary_hash": VOCABULARY_HASH,
        "client_version": "0.1.0",
    }
    check_contract(contract, floor, **(facts | changes))


def refusal(contract: RoundContract, floor: PolicyFloor = DEFAULT, **changes: Any) -> RefusalCode:
    """Return the code this is refused with."""
    with pytest.raises(Refusal) as caught:
        check(contract, floor, **changes)
    return caught.value.code


def accepted(**changes: Any) -> RoundContract:
    """A contract the balanced floor accepts, with some terms changed."""
    return a_contract(**(ACCEPTED | changes))


def test_a_contract_within_the_floor_passes() -> None:
    check(accepted())
    check(accepted(unit="day", unit_seconds=1))
    for name, floor in PROFILES.items():
        terms = {"noise_multiplier": 3.0, "steps": 20, "sampling_rate": 0.1, "profile": name}
        check(accepted(**terms), floor)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"task": "other_task"}, RefusalCode.TASK_UNKNOWN),
        ({"vocabulary_hash": "ee" * 32}, RefusalCode.VOCABULARY_MISMATCH),
        ({"unit_seconds": 599}, RefusalCode.UNIT_NOT_ALLOWED),
        ({"unit_actions": 255}, RefusalCode.UNIT_NOT_ALLOWED),
        ({"unit_actions": 1025}, RefusalCode.UNIT_NOT_ALLOWED),
        ({"noise_multiplier": math.nextafter(1.0, 0)}, RefusalCode.SIGMA_TOO_LOW),
        ({"clip": math.nextafter(1.0, 2)}, RefusalCode.CLIP_TOO_HIGH),
        ({"sampling_rate": math.nextafter(0.2, 1)}, RefusalCode.SAMPLING_TOO_HIGH),
        ({"sampling_rate": 1.0, "steps": 1}, RefusalCode.SAMPLING_TOO_HIGH),
        (ONCE | {"steps": 2}, RefusalCode.SAMPLING_TOO_HIGH),
        (ONCE | {"sampling_rate": math.nextafter(1.0, 0)}, RefusalCode.SAMPLING_TOO_HIGH),
        (ONCE | {"noise_multiplier": 1.3}, RefusalCode.EPSILON_TOO_HIGH),
        ({"steps": 101}, RefusalCode.STEPS_TOO_MANY),
        ({"steps": 2**52}, RefusalCode.STEPS_TOO_MANY),
        ({"steps": 100, "noise_multiplier": 1.0}, RefusalCode.EPSILON_TOO_HIGH),
        ({"minimum_cohort": 9}, RefusalCode.COHORT_TOO_SMALL),
        ({"noise_multiplier": 1e8}, RefusalCode.CONTRACT_MALFORMED),
        ({"clip": 1e-30}, RefusalCode.CONTRACT_MALFORMED),
        ({"steps": 0}, RefusalCode.CONTRACT_MALFORMED),
        ({"round": 0}, RefusalCode.CONTRACT_MALFORMED),
        ({"deadline": NOW}, RefusalCode.CONTRACT_EXPIRED),
        ({"issued": NOW + 301, "deadline": NOW + 900}, RefusalCode.CONTRACT_EXPIRED),
        ({"issued": AT + 50, "deadline": AT + 50}, RefusalCode.CONTRACT_EXPIRED),
        ({"deadline": NOW + 86_401}, RefusalCode.DEADLINE_TOO_FAR),
        ({"client_version_min": "0.1.1"}, RefusalCode.CLIENT_VERSION),
        ({"client_version_below": "0.1.0"}, RefusalCode.CLIENT_VERSION),
        ({"client_version_min": "0.1"}, RefusalCode.CONTRACT_MALFORMED),
    ],
    ids=lambda value: str(value)[:40],
)
def test_each_bound_has_its_code(changes: dict[str, Any], code: RefusalCode) -> None:
    assert refusal(accepted(**changes)) is code


def test_what_counts_may_take_every_unit_once_where_the_floor_says_so() -> None:
    for floor in PROFILES.values():
        for task in floor.unsampled_tasks:
            check(accepted(**ONCE | {"task": task, "noise_multiplier": 2.6}), floor)
    none = replace(DEFAULT, unsampled_tasks=())
    assert refusal(accepted(**ONCE), none) is RefusalCode.SAMPLING_TOO_HIGH
    check(accepted(task="action_counts"), none)


def test_facts_outside_the_contract_have_their_codes() -> None:
    assert refusal(accepted(), model_bytes=8_000_001) is RefusalCode.MESSAGE_TOO_LARGE
    assert refusal(accepted(), vocabulary_hash="00" * 32) is RefusalCode.VOCABULARY_MISMATCH
    listed = replace(DEFAULT, vocabularies=("00" * 32,))
    assert refusal(accepted(), listed) is RefusalCode.VOCABULARY_MISMATCH
    check(accepted(), replace(DEFAULT, vocabularies=(VOCABULARY_HASH,)))
    days = replace(DEFAULT, units=("day",))
    assert refusal(accepted(), days) is RefusalCode.UNIT_NOT_ALLOWED


def test_versions_compare_as_numbers() -> None:
    contract = accepted(client_version_min="0.9.0", client_version_below="0.11.0")
    check(contract, client_version="0.10.2")


@given(
    sigma=st.floats(0.3, 20.0),
    clip=st.floats(1e-3, 1.2),
    rate=st.floats(1e-4, 0.3) | st.just(1.0),
    steps=st.integers(1, 120) | st.just(1),
    name=st.sampled_from(sorted(PROFILES)),
    task=st.sampled_from(DEFAULT.tasks),
)
@settings(deadline=None, max_examples=150)
def test_whatever_passes_keeps_the_promise(
    sigma: float, clip: float, rate: float, steps: int, name: str, task: str
) -> None:
    floor = PROFILES[name]
    contract = accepted(
        noise_multiplier=sigma, clip=clip, sampling_rate=rate, steps=steps, task=task
    )
    with contextlib.suppress(Refusal):
        check(contract, floor)
        cost = guaranteed(curve_of(event_of(contract)), floor.delta_day, steps=steps)
        assert cost <= floor.epsilon_day
        assert lattice_for(contract, 100_000).sensitivity <= 1.01 * floor.clip_max


def test_profiles_are_ordered_from_strict_to_research() -> None:
    order = [PROFILES[name] for name in ("strict", "balanced", "research")]
    for tighter, looser in itertools.pairwise(order):
        assert tighter.epsilon_day < looser.epsilon_day
        assert tighter.sigma_min > looser.sigma_min
        assert tighter.sampling_max < looser.sampling_max


def test_the_worst_case_is_said_in_words() -> None:
    text = describe(PROFILES["strict"])
    assert "epsilon 2 at delta 1e-06" in text
    assert "88.1 %" in text  # 1 / (1 + exp(-2))
    assert "session or day" in text
    assert "demonstration" not in text
    assert "demonstration and simulation only" in describe(PROFILES["research"])
    assert "demonstration" in describe(floor_from({"epsilon_day": 9.0}))
    assert "100.000 %" not in describe(PROFILES["research"])
