import pytest
from scipy.stats import norm

from deskbound_audit.attack import fdp, one_run
from deskbound_audit.attack.one_run import OneRun
from deskbound_strategies.accounting import SampledGaussian

EVENT = SampledGaussian(0.2, 1.75, 20)


def guesses(canaries: int, made: int, correct: int) -> OneRun:
    return OneRun(canaries, made, correct, 0.0, 0.0, 0.95)


def gaussian(mu: float):
    return lambda chance: float(norm.cdf(norm.ppf(chance) - mu))


def test_the_recursion_grows_past_all_chance_or_stops_at_once():
    """An event of chance p in which c of m guesses are right: possible under the curve or not."""
    curve, p, m = gaussian(1.0), 0.05, 1000
    least = next(c for c in range(500, m) if curve(p * c / m) > p * (1 - c / m))
    assert least == pytest.approx(930, abs=5)
    assert fdp.rejects(guesses(m, m, least + 5), curve, p)
    assert not fdp.rejects(guesses(m, m, least - 5), curve, p)
    # One deviation apart, the best guess is right with chance Phi(1/2) = 0.69: no contradiction.
    assert not fdp.rejects(guesses(m, m, 690), curve, p)
    assert fdp.rejects(guesses(m, m, 690), gaussian(0.1), p)


def test_it_is_tighter_than_the_bound_that_knows_one_epsilon():
    for found in (guesses(400, 200, 137), guesses(400, 50, 49), guesses(1000, 500, 360)):
        loose = one_run.lower_bound(found.canaries, found.guesses, found.correct, 1e-6, 0.05 / 3)
        assert fdp.lower_bound(found, EVENT, 1e-6) > loose > 0.0


def test_guessing_shows_nothing():
    assert fdp.lower_bound(guesses(400, 200, 104), EVENT, 1e-6) == pytest.approx(0.0, abs=0.2)


def test_the_claimed_mechanism_itself_is_not_rejected():
    """As right as the best attack on 20 rounds at q 0.2 and sigma 1.75 can be: about 64 %."""
    assert not fdp.rejects(guesses(1000, 1000, 640), fdp._trade_off(EVENT, 1.75), 0.05 / 3)
