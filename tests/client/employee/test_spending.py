"""The budget in words: each day alone, all together, and what happens when it is spent."""

import math
from dataclasses import fields, replace
from functools import reduce
from itertools import permutations
from operator import add

import pytest
from dp_accounting.dp_event import MixtureOfGaussiansDpEvent
from dp_accounting.pld import PLDAccountant
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from deskbound_client.employee.bounds import bounds
from deskbound_client.employee.spending import composed, spending, together, when_spent
from deskbound_client.employee.words import sure
from deskbound_client.privacy.budget import Budget
from deskbound_strategies.accounting import SampledGaussian, curve_of, guaranteed
from deskbound_strategies.ledger_bodies import LedgerKind
from deskbound_strategies.policy import PROFILES
from tests.helpers.privacy import DAYS, Laptop, a_lattice, a_round, dates, laptop
from tests.helpers.store import DAY, NOON, actions

RESEARCH = PROFILES["research"]


def take_part(mine: Laptop, number: int, *back: int) -> None:
    asked = a_round(number)
    days = dict.fromkeys(dates(*back), "cut")
    assert mine.budget.reserve(asked, days, a_lattice(asked)) is not None


@pytest.fixture
def mine(tmp_path):
    with laptop(tmp_path / "home") as found:
        found.vault.append(actions(3))
        found.vault.append(actions(3, start=NOON - 86_400))
        yield found


def test_at_first_nothing_is_spent(mine):
    found = spending(mine.vault, RESEARCH)
    assert [day.day for day in found.days] == list(dates(1, 0))
    assert (found.rounds, found.worst, found.life.days) == (0, None, 0)
    assert found.window == found.life
    assert "nothing was given away" in found.window.words


def test_the_worst_day_is_the_one_that_gave_most_away(mine):
    take_part(mine, 1, 0, 1)
    take_part(mine, 2, 1)
    found = spending(mine.vault, RESEARCH)
    (older,) = dates(1)
    assert found.worst is not None
    assert found.worst.day == older
    assert older.isoformat() in found.words
    assert f"{sure(found.worst.epsilon_guaranteed)} sure" in found.words
    assert found.rounds == 2


def test_what_is_forgotten_counts_for_life_and_not_for_the_window(mine):
    take_part(mine, 1, 0, 1)
    before = spending(mine.vault, RESEARCH)
    mine.vault.forget_day(DAY)
    after = spending(mine.vault, RESEARCH)
    assert after.life == before.life
    assert after.life.days == 2
    assert after.window.days == 1
    assert after.window.epsilon < before.window.epsilon


def test_one_day_together_is_that_day_alone(mine):
    take_part(mine, 1, 0)
    found = spending(mine.vault, RESEARCH)
    (day,) = [day for day in found.days if day.rounds]
    assert (found.window.epsilon, found.window.delta) == (day.epsilon_guaranteed, day.delta)


@given(st.lists(st.floats(0.0, 3.0), max_size=5), st.floats(1e-9, 1e-5))
def test_days_add_up_by_group_privacy_whatever_their_order(epsilons, delta):
    """The bound written out: each later delta grows by what was given away before it."""
    found = together(epsilons, delta)
    charged = [epsilon for epsilon in epsilons if epsilon]
    least = min(
        sum(delta * math.exp(sum(order[:i])) for i in range(len(order)))
        for order in permutations(charged)
    )
    assert found.epsilon == pytest.approx(sum(charged))
    assert found.delta == pytest.approx(min(least, 1.0))
    assert found.days == len(charged)


@pytest.mark.parametrize("epsilons", [[4.0] * 30, [1000.0, 1000.0], [math.inf] * 2])
def test_where_the_sum_promises_nothing_it_says_so(epsilons):
    found = together(epsilons, 1e-6)
    assert not found.holds
    assert found.delta == 1.0
    assert "promises nothing" in found.words
    assert "%" not in found.words


def test_every_bound_is_shown_with_its_value():
    floor = replace(RESEARCH, epsilon_total=77.0)
    shown = {bound.name: bound for bound in bounds(floor)}
    assert shown["epsilon_day"].value == "10"
    assert "% sure" in shown["epsilon_day"].words
    assert shown["delta_day"].value == "1e-05"
    assert set(shown) == {item.name for item in fields(floor)} - {"profile"}
    assert shown["epsilon_total"].value == "77"
    assert {b.name: b.value for b in bounds(RESEARCH)}["epsilon_total"] == "no bound"
    for bound in shown.values():
        assert hasattr(floor, bound.name), "a bound that the floor does not have"
        assert bound.words.endswith(".")


def test_what_happens_when_it_is_spent_names_the_cap_over_all_days():
    assert any("77" in line for line in when_spent(replace(RESEARCH, epsilon_total=77.0)))
    assert any("no bound" in line for line in when_spent(RESEARCH))
    assert any("silent" in line for line in when_spent(RESEARCH))


def test_the_words_are_true_a_spent_laptop_is_silent(mine):
    """``when_spent`` says so; here is the budget that does it."""
    number = 1
    budget = Budget(mine.ledger, RESEARCH, mine.clock)
    while number < 200:
        asked = a_round(number)
        if budget.reserve(asked, dict.fromkeys(DAYS, "cut"), a_lattice(asked)) is None:
            break
        number += 1
    found = spending(mine.vault, RESEARCH)
    assert found.worst is not None
    assert found.worst.epsilon_guaranteed <= RESEARCH.epsilon_day
    assert found.rounds == number - 1


def test_rounds_that_charge_many_days_are_composed_for_one_unit_in_each(mine):
    """Against the other accountant's mixture of Gaussians, round by round."""
    for number, days in enumerate((dates(0, 1, 2), dates(1, 2), dates(2)), 1):
        asked = a_round(number)
        cut = dict.fromkeys(days, "cut")
        assert Budget(mine.ledger, RESEARCH, mine.clock).reserve(asked, cut, a_lattice(asked))
    found = spending(mine.vault, RESEARCH)
    theirs = PLDAccountant(value_discretization_interval=1e-3)
    for size in (3, 2, 1):
        weights = stats.binom.pmf(range(size + 1), size, 0.1)
        event = MixtureOfGaussiansDpEvent(2.0, list(range(size + 1)), list(weights / weights.sum()))
        theirs.compose(event, 10)
    least = theirs.get_epsilon(RESEARCH.delta_day)
    assert least <= found.life.composed <= 1.6 * least, "a Renyi bound, but not a wasteful one"
    paid = [entry.body for entry in mine.ledger.entries(kinds=(LedgerKind.RESERVE,))]
    same_delta = composed(paid, found.life.delta)
    assert same_delta < found.life.epsilon, "tighter than adding up, at the same delta"
    assert 0.0 < found.window.composed < found.life.composed, "two of the days are stored"
    assert "as they were" in found.life.words


def test_where_nothing_was_charged_there_is_nothing_to_compose():
    assert composed([], 1e-6) == 0.0
    body = {"blocks": ["a", "b"], "sampling_rate": 0.1, "noise_multiplier": 2.0, "steps": 5}
    assert composed([body], 1e-6, {"c"}) == 0.0
    assert composed([body], 1e-6, {"a"}) < composed([body], 1e-6, {"a", "b"})
    assert composed([body], 1e-6, {"a", "b", "c"}) == composed([body], 1e-6)
    hopeless = body | {"noise_multiplier": 1e-200}
    assert composed([hopeless], 1e-6) == math.inf


@pytest.mark.parametrize(
    ("rounds", "adaptive", "fixed"), [(14, (23.1, 1.0), 28.9), (1, (7.6, 8.1e-4), 8.3)]
)
def test_the_figures_of_the_privacy_page(rounds, adaptive, fixed):
    event = SampledGaussian(0.1, 2.0, 10)
    spent = reduce(add, [curve_of(event)] * rounds)
    found = together([guaranteed(spent, 1e-6, steps=10 * rounds)] * 6, 1e-6)
    assert (round(found.epsilon, 1), float(f"{found.delta:.1e}")) == adaptive
    body = {"blocks": list("abcdef"), "sampling_rate": 0.1, "noise_multiplier": 2.0, "steps": 10}
    assert round(composed([body] * rounds, 1e-6), 1) == fixed
