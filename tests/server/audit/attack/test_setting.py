import pytest

from deskbound_audit.attack.setting import affordable, event_with, measured, sharpest
from deskbound_strategies.accounting import epsilon_prv
from deskbound_strategies.errors import ConfigError
from deskbound_strategies.floor import PROFILES
from deskbound_strategies.floor_file import floor_from
from deskbound_strategies.policy import check_contract
from deskbound_strategies.task import find_task

TASK = find_task("next_action")
BALANCED = PROFILES["balanced"]


@pytest.fixture(scope="module")
def setting():
    return sharpest(BALANCED, TASK, 5)


def test_it_asks_for_all_that_the_floor_allows_and_no_more(setting):
    asked = setting.contract
    assert (asked.sampling_rate, asked.clip) == (BALANCED.sampling_max, BALANCED.clip_max)
    check_contract(
        asked, BALANCED, now=1, model_bytes=4 * setting.dimension,
        vocabulary_hash=TASK.vocabulary_hash, client_version="0.1.0",
    )  # fmt: skip


def test_with_less_noise_a_day_does_not_pay_for_so_many_rounds(setting):
    from dataclasses import replace

    less = replace(setting.contract, noise_multiplier=setting.contract.noise_multiplier - 0.25)
    assert affordable(BALANCED, less, 5) < 5
    assert affordable(BALANCED, setting.contract, 5) == 5


def test_the_figures_are_in_order(setting):
    assert setting.epsilon_claimed < setting.epsilon_filter <= setting.epsilon_cap == 4.0
    event = event_with(setting, setting.contract.noise_multiplier, rounds=5)
    assert setting.epsilon_claimed == pytest.approx(epsilon_prv([event], 1e-6), rel=1e-3)


def test_less_measured_noise_costs_more(setting):
    sigma = setting.contract.noise_multiplier
    assert measured(setting, sigma) == pytest.approx(setting.epsilon_claimed, abs=0.01)
    assert measured(setting, sigma / 2) > 2 * setting.epsilon_claimed
    assert measured(setting, 1e-6) == float("inf")


def test_a_floor_that_pays_for_nothing_is_named():
    tiny = floor_from({"epsilon_day": 0.01, "sampling_max": 0.5, "sigma_min": 0.3})
    with pytest.raises(ConfigError, match="no day of data"):
        sharpest(tiny, TASK, 400)
