"""Tighter means: whatever the new floor admits the old one admits, and the worst is no worse."""

import math
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deskbound_strategies.accounting import admits, curve_of, event_of, guaranteed
from deskbound_strategies.contract import RoundContract
from deskbound_strategies.errors import Refusal
from deskbound_strategies.floor import DEFAULT, PROFILES, PolicyFloor
from deskbound_strategies.floor_order import _WITHIN, differences, is_tighter
from deskbound_strategies.policy import cap_of, check_contract
from deskbound_strategies.vocabulary import VOCABULARY_HASH
from tests.helpers.agreement import AT, a_contract
from tests.helpers.floors import REVIEWERS, WITNESSES, floors, near

# Each bound, from a value to a tighter one; the other way round is looser.
STEPS: dict[str, tuple[Any, Any]] = {
    "profile": ("research", "custom"),
    "sigma_min": (1.0, math.nextafter(1.0, 2.0)),
    "clip_max": (1.0, 0.5),
    "sampling_max": (0.2, 0.1),
    "steps_max": (100, 99),
    "rounds_per_day_max": (4, 3),
    "epsilon_day": (4.0, math.nextafter(4.0, 0.0)),
    "delta_day": (1e-6, 1e-7),
    "epsilon_total": (math.inf, 1e9),
    "minimum_cohort": (10, 11),
    "units": (("session", "day"), ("day",)),
    "unit_seconds_min": (600, 601),
    "unit_actions_min": (256, 257),
    "unit_actions_max": (1024, 1023),
    "max_message_bytes": (8_000_000, 7_999_999),
    "max_deadline_s": (86_400, 86_399),
    "tasks": (("next_action", "b"), ("next_action",)),
    "unsampled_tasks": (("next_action",), ()),
    "vocabularies": ((), (VOCABULARY_HASH,)),
    "witnesses": ((), WITNESSES[:1]),
    "witness_quorum": (0, 1),
    "reviewers": ((), REVIEWERS[:1]),
    "sandbox": ("wanted", "required"),
}


def contracts() -> st.SearchStrategy[RoundContract]:
    """Contracts on both sides of the bounds of ``helpers.floors``."""
    terms = {
        "sampling_rate": st.sampled_from([0.05, 0.1, 0.3, 1.0]),
        "noise_multiplier": st.sampled_from([0.6, 1.0, 3.0]),
        "steps": st.sampled_from([1, 5, 40]),
        "clip": st.sampled_from([0.5, 1.0, 2.0]),
        "minimum_cohort": st.sampled_from([2, 10, 200]),
        "unit": st.sampled_from(["session", "day"]),
        "unit_seconds": st.sampled_from([60, 600, 3600]),
        "unit_actions": st.sampled_from([16, 256, 1024]),
        "task": st.sampled_from(["next_action", "other"]),
        "vocabulary_hash": st.sampled_from(["aa" * 32, "bb" * 32]),
        "deadline": st.sampled_from([AT + 50, AT + 3000, AT + 80_000]),
    }
    return st.fixed_dictionaries(terms).map(lambda values: a_contract(**values))


def admitted(contract: RoundContract, floor: PolicyFloor, size: int, vocabulary: str) -> bool:
    try:
        check_contract(
            contract, floor, now=AT + 10, model_bytes=size, vocabulary_hash=vocabulary,
            client_version="0.1.0",
        )  # fmt: skip
    except Refusal:
        return False
    return True


@st.composite
def pairs(draw: st.DrawFn) -> tuple[PolicyFloor, PolicyFloor]:
    old = draw(floors())
    return draw(st.one_of(floors(), near(old))), old


@given(
    pair=pairs(),
    contract=contracts(),
    size=st.sampled_from([200_000, 400_000]),
    vocabulary=st.sampled_from(["aa" * 32, "bb" * 32]),
)
@settings(deadline=None, max_examples=600)
def test_what_a_tighter_floor_admits_the_old_one_admits(
    pair: tuple[PolicyFloor, PolicyFloor], contract: RoundContract, size: int, vocabulary: str
) -> None:
    new, old = pair
    if is_tighter(new, old) and admitted(contract, new, size, vocabulary):
        assert admitted(contract, old, size, vocabulary)


@given(pair=pairs(), spent=contracts(), charged=st.integers(0, 20), cost=contracts())
@settings(deadline=None, max_examples=300)
def test_a_tighter_floor_admits_no_charge_that_the_old_one_does_not(
    pair: tuple[PolicyFloor, PolicyFloor],
    spent: RoundContract,
    charged: int,
    cost: RoundContract,
) -> None:
    new, old = pair
    if not is_tighter(new, old):
        return
    curve, steps = curve_of(event_of(spent)), charged * spent.steps
    total = curve
    for _ in range(charged):
        total += curve
    more, after = curve_of(event_of(cost)), steps + cost.steps
    if admits(total, more, cap_of(new), steps=after):
        assert admits(total, more, cap_of(old), steps=after)
    # The sum over days is reached no later, either.
    assert guaranteed(total, new.delta_day, steps=steps) >= guaranteed(
        total, old.delta_day, steps=steps
    )
    assert (new.epsilon_day, new.delta_day, new.epsilon_total, new.rounds_per_day_max) <= (
        old.epsilon_day, old.delta_day, old.epsilon_total, old.rounds_per_day_max,
    )  # fmt: skip


@given(pair=pairs(), third=floors())
def test_it_is_an_order(pair: tuple[PolicyFloor, PolicyFloor], third: PolicyFloor) -> None:
    new, old = pair
    assert is_tighter(old, old)
    assert differences(old, old) == ()
    if is_tighter(new, old) and is_tighter(old, third):
        assert is_tighter(new, third)
    looser = [one for one in differences(new, old) if one.looser]
    assert is_tighter(new, old) == (not looser)
    for one in differences(new, old):
        assert (one.old, one.new) == (getattr(old, one.name), getattr(new, one.name))


@pytest.mark.parametrize("name", [item.name for item in fields(PolicyFloor)])
def test_every_bound_has_a_tighter_side_and_a_looser_one(name: str) -> None:
    wide, narrow = STEPS[name]
    base = replace(DEFAULT, witnesses=()) if name != "witness_quorum" else DEFAULT
    old, new = replace(base, **{name: wide}), replace(base, **{name: narrow})
    assert is_tighter(new, old)
    # Witnesses nobody asks for mean nothing, so they may change freely until a quorum does.
    assert is_tighter(old, new) == (name == "witnesses")
    assert [one.name for one in differences(new, old)] == [name]


def test_no_bound_is_forgotten() -> None:
    assert set(_WITHIN) == {item.name for item in fields(PolicyFloor)}


def test_profiles_are_ordered() -> None:
    strict, balanced, research = (PROFILES[name] for name in ("strict", "balanced", "research"))
    assert is_tighter(strict, balanced)
    assert is_tighter(balanced, research)
    assert not is_tighter(research, balanced)
    assert not is_tighter(balanced, strict)
    mixed = replace(balanced, epsilon_day=3.0, clip_max=2.0, profile="custom")
    assert [one.name for one in differences(mixed, balanced) if one.looser] == ["clip_max"]
    assert not is_tighter(mixed, balanced)


@pytest.mark.parametrize(
    ("old", "new", "tighter"),
    [
        ((WITNESSES[:2], 1), (WITNESSES[:2], 2), True),
        ((WITNESSES[:2], 2), (WITNESSES[:2], 1), False),
        ((WITNESSES[:2], 1), (WITNESSES[1::-1], 1), True),  # the same ones
        ((WITNESSES[:2], 1), (WITNESSES[:1], 1), False),  # others may vouch no more
        ((WITNESSES[:2], 1), (WITNESSES, 2), False),
        ((WITNESSES[:2], 0), (WITNESSES, 1), True),
        ((WITNESSES[:1], 1), ((), 0), False),
    ],
)
def test_witnesses_are_compared_with_care(old: Any, new: Any, tighter: bool) -> None:
    before = replace(DEFAULT, witnesses=old[0], witness_quorum=old[1])
    after = replace(DEFAULT, witnesses=new[0], witness_quorum=new[1])
    assert is_tighter(after, before) is tighter


def test_to_ask_for_reviewers_is_tighter_and_to_change_them_is_not() -> None:
    none, one = DEFAULT, replace(DEFAULT, reviewers=REVIEWERS[:1])
    both = replace(DEFAULT, reviewers=REVIEWERS)
    assert is_tighter(one, none)
    assert is_tighter(both, none)
    assert not is_tighter(none, one)
    assert not is_tighter(both, one)
    assert not is_tighter(one, both)
