"""What a server may ask: every bound from both sides, and the file that sets them."""

import contextlib
import itertools
import math
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deskbound_strategies.accounting import curve_of, event_of, guaranteed
from deskbound_strategies.contract import RoundContract
from deskbound_strategies.errors import ConfigError, Refusal, RefusalCode
from deskbound_strategies.policy import (
    _LISTS,
    _RANGES,
    DEFAULT,
    PROFILES,
    PolicyFloor,
    check_contract,
    describe,
    floor_from,
    lattice_for,
    load_floor,
)
from deskbound_strategies.vocabulary import VOCABULARY_HASH
from tests.helpers.agreement import AT, a_contract

NOW = AT + 10
ACCEPTED: dict[str, Any] = {
    "sampling_rate": 0.1, "noise_multiplier": 2.0, "steps": 10, "clip": 1.0,
    "minimum_cohort": 10, "unit_seconds": 600, "unit_actions": 256,
}  # fmt: skip


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
    rate=st.floats(1e-4, 0.3),
    steps=st.integers(1, 120),
    name=st.sampled_from(sorted(PROFILES)),
)
@settings(deadline=None, max_examples=150)
def test_whatever_passes_keeps_the_promise(
    sigma: float, clip: float, rate: float, steps: int, name: str
) -> None:
    floor = PROFILES[name]
    contract = accepted(noise_multiplier=sigma, clip=clip, sampling_rate=rate, steps=steps)
    with contextlib.suppress(Refusal):
        check(contract, floor)
        cost = guaranteed(curve_of(event_of(contract)), floor.delta_day, steps=steps)
        assert cost <= floor.epsilon_day
        assert lattice_for(contract, 100_000).sensitivity <= 1.01 * floor.clip_max


def test_a_missing_file_means_balanced(tmp_path: Path) -> None:
    assert load_floor(tmp_path / "floor.toml") == DEFAULT == PROFILES["balanced"]


def test_a_file_names_a_profile_and_overrides_single_bounds(tmp_path: Path) -> None:
    path = tmp_path / "floor.toml"
    path.write_text('profile = "strict"\n')
    assert load_floor(path) == PROFILES["strict"]
    path.write_text('profile = "strict"\nepsilon_day = 1\nunits = ["day"]\n')
    floor = load_floor(path)
    assert (floor.profile, floor.epsilon_day, floor.units) == ("custom", 1.0, ("day",))
    assert type(floor.epsilon_day) is float
    assert floor.sigma_min == PROFILES["strict"].sigma_min
    path.write_text('profile = "strict"\nsigma_min = 2.0\n')
    assert load_floor(path).profile == "strict"  # nothing was changed


def test_an_unknown_bound_is_an_error_that_names_the_nearest(tmp_path: Path) -> None:
    path = tmp_path / "floor.toml"
    path.write_text("epsilon_dya = 1.0\n")
    with pytest.raises(ConfigError) as caught:
        load_floor(path)
    assert "'epsilon_dya'" in caught.value.sentence
    assert "'epsilon_day'" in caught.value.mend


@pytest.mark.parametrize(
    "text",
    [
        "sigma_min = 0.1", "sigma_min = nan", "sigma_min = inf", 'sigma_min = "2"',
        "sigma_min = true", "clip_max = 0", "sampling_max = 0.9", "steps_max = 1.5",
        "steps_max = 0", "epsilon_day = 11.0", "epsilon_day = -1", "delta_day = 0.01",
        "epsilon_total = nan", "minimum_cohort = 1", "units = []\nunits = []", 'units = "day"',
        'units = ["week"]', "tasks = [1]", 'vocabularies = ["abc"]', 'profile = "loose"',
        "profile = 3", 'profile = "custom"', "unit_actions_min = 2000", "[sigma_min]\nx = 1",
        "not toml",
    ],
)  # fmt: skip
def test_a_value_out_of_range_is_an_error_with_a_mend(tmp_path: Path, text: str) -> None:
    path = tmp_path / "floor.toml"
    path.write_text(text + "\n")
    with pytest.raises(ConfigError) as caught:
        load_floor(path)
    assert caught.value.sentence.startswith("floor.toml")
    assert caught.value.mend


def test_an_unreadable_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "floor.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError):
        load_floor(tmp_path / "floor.toml")
    with pytest.raises(ConfigError):
        load_floor(tmp_path)


def test_every_bound_can_be_set_and_every_profile_lies_within_the_ranges() -> None:
    names = {item.name for item in fields(PolicyFloor)} - {"profile"}
    assert names == set(_RANGES) | set(_LISTS)
    for floor in PROFILES.values():
        given_all = {name: getattr(floor, name) for name in _RANGES}
        lists = {name: list(getattr(floor, name)) for name in _LISTS}
        again = floor_from({"profile": floor.profile, **given_all, **lists})
        assert again == floor


def test_profiles_are_ordered_from_strict_to_research() -> None:
    order = [PROFILES[name] for name in ("strict", "balanced", "research")]
    for tighter, looser in itertools.pairwise(order):
        assert tighter.epsilon_day < looser.epsilon_day
        assert tighter.sigma_min > looser.sigma_min
        assert tighter.sampling_max < looser.sampling_max


def test_a_floors_digest_changes_with_every_bound() -> None:
    digests = {floor.digest() for floor in PROFILES.values()}
    digests.add(replace(DEFAULT, epsilon_total=7.0).digest())
    digests.add(replace(DEFAULT, tasks=("x",)).digest())
    assert len(digests) == 5
    assert DEFAULT.digest() == floor_from({}).digest()


def test_the_worst_case_is_said_in_words() -> None:
    text = describe(PROFILES["strict"])
    assert "epsilon 2 at delta 1e-06" in text
    assert "88.1 %" in text  # 1 / (1 + exp(-2))
    assert "session or day" in text
    assert "demonstration" not in text
    assert "demonstration and simulation only" in describe(PROFILES["research"])
    assert "demonstration" in describe(floor_from({"epsilon_day": 9.0}))
    assert "100.000 %" not in describe(PROFILES["research"])
