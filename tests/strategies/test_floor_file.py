"""How a file spells a floor, what is refused in one, and what is signed."""

from dataclasses import fields, replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given

from deskbound_strategies import dsse
from deskbound_strategies.errors import ConfigError
from deskbound_strategies.floor import DEFAULT, PROFILES, PolicyFloor
from deskbound_strategies.floor_file import (
    _LISTS,
    _RANGES,
    _WORDS,
    FILE_TYPE,
    floor_from,
    floor_of_values,
    load_floor,
    parse_floor,
    sign_file,
    to_toml,
)
from deskbound_strategies.floor_order import is_tighter
from tests.helpers.floors import WITNESS, a_reviewer, floors


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
        "witness_quorum = 1", 'witnesses = ["log"]',
        'witnesses = ["a b+01234567+AAAAAAAAAAAAAAAA"]',
        'reviewers = ["AAAA"]', 'reviewers = [""]', 'sandbox = "maybe"', "sandbox = 1",
        "sandbox = []", 'tasks = ["a", "a"]', "profile = 3",
        'profile = "custom"', "unit_actions_min = 2000", "[sigma_min]\nx = 1",
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
    assert names == set(_RANGES) | set(_LISTS) | set(_WORDS)
    for floor in PROFILES.values():
        given_all = {name: getattr(floor, name) for name in (*_RANGES, *_WORDS)}
        lists = {name: list(getattr(floor, name)) for name in _LISTS}
        again = floor_from({"profile": floor.profile, **given_all, **lists})
        assert again == floor


@given(floor=floors())
def test_a_floor_survives_its_file_and_its_record(floor: PolicyFloor) -> None:
    again = parse_floor(to_toml(floor))
    assert replace(again, profile=floor.profile) == floor
    floor = replace(floor, profile="custom")
    assert floor_of_values(floor.values()) == floor
    for profile in PROFILES.values():
        assert floor_of_values(profile.values()) == profile
        assert parse_floor(to_toml(profile)) == profile


@pytest.mark.parametrize(
    "change",
    [
        {"sigma_min": 0.0},
        {"profile": "loose"},
        {"epsilon_total": "9"},
        {"extra": 1},
        {"units": "x"},
    ],
)
def test_a_record_of_something_else_is_no_floor(change: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        floor_of_values(DEFAULT.values() | change)


def test_a_profile_is_read_as_it_was_when_it_was_recorded() -> None:
    """Numbers of a profile change with versions; what an employee agreed to does not."""
    before = DEFAULT.values() | {"steps_max": 50, "tasks": ["next_action"]}
    del before["unsampled_tasks"]
    floor = floor_of_values(before)
    assert (floor.profile, floor.steps_max, floor.unsampled_tasks) == ("balanced", 50, ())
    assert floor.values() == before
    assert not is_tighter(DEFAULT, floor)


def test_who_vouches_and_who_reviews_can_be_named() -> None:
    key = a_reviewer()
    text = f'witnesses = ["{WITNESS}"]\nwitness_quorum = 1\nreviewers = ["{key}"]\n'
    floor = parse_floor((text + 'sandbox = "required"\n').encode())
    assert (floor.witnesses, floor.witness_quorum) == ((WITNESS,), 1)
    assert (floor.reviewers, floor.sandbox, floor.profile) == ((key,), "required", "balanced")
    assert floor_of_values(floor.values()) == floor
    assert parse_floor(to_toml(floor)) == floor


def test_a_signed_file_is_the_very_bytes_and_nothing_but_a_floor_is_signed() -> None:
    key = Ed25519PrivateKey.generate()
    data = b'profile = "strict"  # agreed\n'
    envelope = sign_file(data, key)
    assert dsse.verify(envelope.rstrip(b"\n"), FILE_TYPE, key.public_key()) == data
    with pytest.raises(ConfigError):
        sign_file(b"profile = 3\n", key)
