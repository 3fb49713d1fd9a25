"""One small audit of the installed laptop code, looked at from all sides."""

import json
import math

import pytest
from rich.console import Console

from deskbound_audit.attack import page
from deskbound_audit.attack.audit import Audit, Size
from deskbound_audit.attack.plants import PLANTS
from deskbound_audit.attack.trainers import find_trainer
from deskbound_strategies.floor import PROFILES

SMALL = Size(canaries=320, rounds=20, members=60, inverted=2)


@pytest.fixture(scope="module")
def outcome():
    import torch

    torch.set_num_threads(1)
    told = []
    audit = Audit(
        find_trainer(), PROFILES["balanced"], SMALL, 3, lambda word, done: told.append((word, done))
    )
    found = audit.run()
    assert sum(done for _, done in told) == audit.steps
    return found


def test_what_is_installed_shows_nothing_above_its_claim(outcome):
    honest = outcome.honest
    assert honest.faults == ()
    assert honest.one_run.epsilon <= honest.claimed
    assert honest.epsilon_fdp <= honest.claimed
    assert honest.clipped


def test_the_measured_noise_is_the_contracts(outcome):
    """A sandwich: what was measured gives nearly the epsilon that is claimed, from below."""
    asked = outcome.setting.contract.noise_multiplier
    assert asked * 0.99 < outcome.honest.sigma < asked * 1.02
    claimed = outcome.honest.claimed
    assert claimed * 0.95 < outcome.honest.epsilon_measured <= claimed


def test_every_planted_fault_is_found(outcome):
    assert [control.name for control in outcome.controls] == list(PLANTS)
    assert outcome.missed == ()


@pytest.mark.parametrize(
    "name", ["noise off", "no clipping", "noise from a known seed", "the same noise twice"]
)
def test_guesses_alone_refute_the_claim(outcome, name):
    (found,) = [control for control in outcome.controls if control.name == name]
    assert found.one_run.epsilon > found.claimed
    assert found.roc.area > 0.95


def test_each_fault_is_found_for_what_it_is(outcome):
    found = {control.name: control for control in outcome.controls}
    asked = outcome.setting.contract.noise_multiplier
    assert found["half of sigma"].sigma == pytest.approx(asked / 2, rel=0.02)
    assert found["half of sigma"].epsilon_measured > 2 * outcome.honest.claimed
    assert found["noise from a known seed"].guessed_seed == 7
    assert found["the same noise twice"].alike == SMALL.rounds // 2
    assert not found["no clipping"].clipped
    assert [name for name, one in found.items() if not one.clipped] == ["no clipping"]


def test_members_are_hidden_by_noise_and_by_nothing_else(outcome):
    # One member in 87 is sampled in none of the 20 rounds, and cannot be told.
    assert outcome.membership["noise off"].area > 0.88
    assert outcome.membership["as released"].area < 0.8


def test_actions_are_hidden_by_noise_and_by_nothing_else(outcome):
    plain, clipped, released = outcome.inversions
    assert min(plain.order, clipped.order) > 0.7
    assert plain.words == clipped.words == 1.0
    # Noise is the system's, so a guess may hit a few of two dozen actions by chance.
    assert released.order <= outcome.prior + 0.25 < 0.5


def test_json_is_strict_and_says_what_the_table_says(outcome):
    found = json.loads(json.dumps(page.as_json(outcome), allow_nan=False))
    assert found["passed"]
    assert found["claim"]["unit"] == "session"
    assert found["as_released"]["epsilon_lower"] == outcome.honest.one_run.epsilon
    assert found["controls"][0]["epsilon_of_measured_noise"] is None
    console = Console(width=80, record=True, highlight=False)
    console.print(page.as_table(outcome))
    text = console.export_text()
    assert text.count("caught") == len(PLANTS)
    assert f"{outcome.honest.one_run.epsilon:.2f}" in text
    assert max(len(line) for line in text.splitlines()) <= 80


def test_the_page_needs_nothing_from_anywhere(outcome):
    text = page.as_page(outcome)
    assert "No attack found more than is claimed." in text
    assert text.count("<svg") == 2
    for reach in ("<script", "<link", 'src="http', "url(http", "@import"):
        assert reach not in text


def test_a_claim_that_is_too_low_is_a_fault(outcome):
    from dataclasses import replace

    bold = replace(outcome.honest, claimed=outcome.honest.epsilon_measured / 2)
    (fault,) = [one for one in bold.faults if "noise measures" in one]
    assert "less than what is claimed needs" in fault
    blind = replace(outcome, controls=(replace(outcome.honest, name="noise off"),))
    assert blind.missed == ("noise off",)
    assert not page.as_json(blind)["passed"]
    assert "missed a planted fault" in page.as_page(blind)
    assert math.isfinite(bold.claimed)
