import math
import random
from collections import Counter

import pytest

from deskbound_audit.epsilon import check_claims, second_opinion, worst_block
from deskbound_strategies.accounting import SampledGaussian, epsilon_prv
from deskbound_strategies.errors import VerificationError
from deskbound_strategies.ledger import append, export
from deskbound_strategies.ledger_bodies import LedgerKind
from deskbound_strategies.ledger_export import Charge, verify_export
from tests.helpers.agreement import AT, a_body, a_chain, an_export, signing_key

KEY = signing_key()


def summary_of(*reserves):
    entries = a_chain()
    for number, changes in enumerate(reserves, start=1):
        body = a_body(LedgerKind.RESERVE) | {"round": number} | changes
        entries.append(append(entries[-1], LedgerKind.RESERVE, body, KEY, at=AT))
    return verify_export(b"".join(export(entries, KEY)))


def test_a_ledger_that_never_reserved_gives_nothing_away():
    assert worst_block(verify_export(an_export(LedgerKind.REFUSE))) is None


def test_both_accountants_agree_and_the_bounds_are_in_order():
    loss = worst_block(summary_of({}, {}, {}))
    assert (loss.unit, loss.delta, loss.rounds) == ("session", 1e-6, 3)
    assert loss.epsilon_second == pytest.approx(loss.epsilon_prv, rel=0.01)
    assert loss.epsilon_prv <= loss.epsilon_renyi


def test_the_most_charged_block_is_the_one_that_counts():
    both, first = ["01" * 16, "02" * 16], ["01" * 16]
    loss = worst_block(summary_of({"blocks": both}, {"blocks": first}, {"blocks": first}))
    assert loss.rounds == 3
    assert loss.epsilon_renyi > worst_block(summary_of({}, {})).epsilon_renyi


def test_epsilon_may_be_stated_at_another_delta():
    summary = summary_of({})
    assert worst_block(summary, 1e-3).epsilon_prv < worst_block(summary, 1e-9).epsilon_prv


def test_blocks_charged_under_both_units_say_so():
    assert worst_block(summary_of({}, {"unit": "day"})).unit == "day+session"


def test_an_honest_claim_passes_at_the_tight_and_at_the_loose_figure():
    loss = worst_block(summary_of({}))
    for epsilon in (loss.epsilon_prv, loss.epsilon_renyi, loss.epsilon_renyi * 2):
        check_claims(summary_of({"epsilon": epsilon}))


@pytest.mark.parametrize("share", [0.9, 0.5, 1e-6])
def test_a_claim_below_the_true_cost_is_found(share):
    cost = worst_block(summary_of({})).epsilon_second
    with pytest.raises(VerificationError, match="costs"):
        check_claims(summary_of({"epsilon": cost * share}))


@pytest.mark.parametrize(
    ("field", "factor", "problem"),
    [("sensitivity", 0.99, "sensitivity"), ("scale", 0.99, "less noise"), ("step", 4.0, "sens")],
)
def test_a_lattice_that_does_not_hide_its_clip_is_found(field, factor, problem):
    lattice = dict(a_body(LedgerKind.RESERVE)["lattice"])
    lattice[field] *= factor
    with pytest.raises(VerificationError, match=problem):
        check_claims(summary_of({"lattice": lattice}))


def test_hostile_figures_end_in_a_verdict_and_not_in_a_hang():
    nothing = Counter([Charge("session", 1.0, 1e-6, 10**12, 10)])
    assert second_opinion(nothing, 1e-6) is None
    lattice = a_body(LedgerKind.RESERVE)["lattice"]
    terms = {"sampling_rate": 1.0, "noise_multiplier": 1e-6, "steps": 10**12, "lattice": lattice}
    with pytest.raises(VerificationError, match="inf"):
        check_claims(summary_of(terms))
    assert math.isinf(worst_block(summary_of(terms)).epsilon_prv)


@pytest.mark.parametrize("seed", range(8))
def test_both_accountants_agree_on_any_mix_of_rounds(seed):
    """To one percent, as the laptop's filter would admit them: random q, sigma, steps, counts."""
    chances = random.Random(seed)
    mix = Counter(
        {
            Charge(
                "session",
                round(chances.uniform(0.02, 0.4), 3),
                round(chances.uniform(1.0, 4.0), 2),
                chances.randrange(1, 12),
                28_816,
            ): chances.randrange(1, 5)
            for _ in range(chances.randrange(1, 4))
        }
    )
    events = [
        SampledGaussian(one.sampling_rate, one.noise_multiplier, one.steps * count)
        for one, count in mix.items()
    ]
    delta = chances.choice([1e-5, 1e-6])
    assert second_opinion(mix, delta) == pytest.approx(epsilon_prv(events, delta), rel=0.01)
