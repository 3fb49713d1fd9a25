"""The numbers of a statement are those of the floor, the ledger, the laptop and the accountants."""

import json
import math
from dataclasses import replace

import pytest

from deskbound_audit.epsilon import second_opinion, worst_block
from deskbound_audit.statement.facts import RETENTION_DAYS, Given, facts
from deskbound_audit.statement.inputs import Plan, read_ledger
from deskbound_client.capture.signals import SIGNALS
from deskbound_client.config import Config
from deskbound_strategies.floor import PROFILES
from deskbound_strategies.ledger_bodies import LedgerKind
from tests.helpers.agreement import an_export

BALANCED = PROFILES["balanced"]
PLAN = Plan(
    task="next_action", rounds=40, unit="session", sampling_rate=0.1, noise_multiplier=2.0,
    clip=1.0, steps=10, minimum_cohort=10,
)  # fmt: skip


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    path = tmp_path_factory.mktemp("ledger") / "laptop.jsonl"
    path.write_bytes(an_export(LedgerKind.RESERVE, LedgerKind.RELEASE, LedgerKind.REFUSE))
    return read_ledger(path)


def test_the_laptops_own_defaults_are_the_statements():
    assert Config().retention_days == RETENTION_DAYS
    assert facts(Given(BALANCED))["consents"] == [signal.name for signal in SIGNALS]


def test_a_days_bound_is_the_floors_and_never_another():
    found = facts(Given(BALANCED))
    assert (found["floor"]["epsilon_day"], found["floor"]["delta_day"]) == (4.0, 1e-6)
    assert found["floor"]["digest"] == BALANCED.digest()
    assert found["odds"] == pytest.approx(98.2, abs=0.05)
    tight = facts(Given(replace(BALANCED, epsilon_day=0.1, delta_day=1e-9, profile="custom")))
    assert tight["retention"]["epsilon"] == pytest.approx(0.7)
    assert tight["retention"]["promises"]
    assert not found["retention"]["promises"]


def test_a_plan_is_priced_as_the_documentation_says():
    """docs/privacy.md: 14 rounds of this plan under balanced."""
    found = facts(Given(BALANCED, plan=PLAN))["plan"]
    assert found["rounds_paid"] == 14
    assert found["epsilon_paid"] < found["epsilon_paid_filter"] <= 4.0
    assert found["epsilon_round"] <= found["epsilon_round_renyi"]
    assert found["allowed"] == []


def test_a_plan_outside_of_the_floor_is_named():
    bold = replace(PLAN, noise_multiplier=0.9, sampling_rate=0.3)
    assert facts(Given(BALANCED, plan=bold))["plan"]["allowed"] == ["sigma_min", "sampling_max"]


def test_counting_every_unit_once_is_within_the_floor():
    once = replace(PLAN, task="action_counts", rounds=1, steps=1, sampling_rate=1.0)
    assert facts(Given(BALANCED, plan=once))["plan"]["allowed"] == []
    learns = replace(once, task="next_action")
    assert facts(Given(BALANCED, plan=learns))["plan"]["allowed"] == ["sampling_max"]


def test_a_ledgers_figures_are_what_verify_computes(ledger):
    found = facts(Given(BALANCED, [ledger]))["ledgers"][0]
    worst = worst_block(ledger.summary)
    assert found["worst_day"]["epsilon"] == worst.epsilon_prv
    assert found["worst_day"]["delta"] == worst.delta
    charges = next(iter(ledger.summary.charges.values()))
    assert found["worst_day"]["second_opinion"] == second_opinion(charges, worst.delta)
    assert (found["rounds"], found["uploads"], found["bytes"]) == (1, 1, 4040)
    assert found["refusals"] == {"sigma-too-low": 1}
    assert found["days_charged"] == 2
    assert found["life"]["epsilon"] == pytest.approx(2 * worst.epsilon_prv)


def test_another_floor_than_the_ledgers_is_pointed_out(tmp_path):
    path = tmp_path / "laptop.jsonl"
    path.write_bytes(an_export(LedgerKind.POLICY))
    assert not facts(Given(BALANCED, [read_ledger(path)]))["ledgers"][0]["floor_in_force"]


def test_facts_are_strict_json(ledger):
    text = json.dumps(facts(Given(BALANCED, [ledger], PLAN)), allow_nan=False)
    assert json.loads(text)["floor"]["epsilon_total"] is None
    assert math.isinf(BALANCED.epsilon_total)
