import math

import numpy as np
import pytest

from deskbound_audit.attack.one_run import SHARES, audit, lower_bound, p_value


def test_the_bound_is_the_theorems():
    # Without delta it is the tail of a binomial: 40 or more heads of 50.
    assert p_value(100, 50, 40, 0.0, 0.0) == pytest.approx(1.193e-5, rel=1e-3)
    # Written out from the theorem: q^3 + 2 m d max over i of P[3 - i <= B < 3] / i.
    q, m, d = 1 / (1 + math.exp(-1.0)), 10, 1e-3
    below = [3 * q**2 * (1 - q), (1 - q**3 - (1 - q) ** 3) / 2, (1 - q**3) / 3]
    assert p_value(m, 3, 3, 1.0, d) == pytest.approx(q**3 + 2 * m * d * max(below), rel=1e-9)


def test_delta_and_fewer_right_guesses_only_weaken_the_bound():
    bounds = [lower_bound(1000, 500, right, 0.0, 0.05) for right in (500, 480, 400, 300, 250)]
    assert bounds == sorted(bounds, reverse=True)
    assert bounds[-1] == 0.0
    assert lower_bound(1000, 500, 480, 1e-3, 0.05) < lower_bound(1000, 500, 480, 1e-6, 0.05)


def test_every_guess_right_is_the_ceiling():
    took_part = np.random.default_rng(1).random(1000) < 0.5
    found = audit(np.where(took_part, 1.0, -1.0), took_part, 0.0)
    chance = (0.05 / len(SHARES)) ** (1 / 1000)
    assert found.ceiling == pytest.approx(math.log(chance / (1 - chance)), abs=1e-3)
    assert found.epsilon == found.ceiling


def test_randomised_response_is_never_refuted_more_often_than_stated():
    """The worst mechanism there is for its epsilon: each bit told truly with e^eps/(1+e^eps)."""
    chances = np.random.default_rng(2)
    epsilon, refuted = 1.5, 0
    chance = 1 / (1 + math.exp(-epsilon))
    for _ in range(200):
        took_part = chances.random(400) < 0.5
        told = np.where(chances.random(400) < chance, took_part, ~took_part)
        refuted += audit(np.where(told, 1.0, -1.0), took_part, 0.0).epsilon > epsilon
    assert refuted <= 18  # 200 at 5 %: more than 18 happens once in 80 audits of the whole suite


def test_a_leak_is_seen_and_guessing_is_not():
    chances = np.random.default_rng(3)
    took_part = chances.random(2000) < 0.5
    noise = chances.standard_normal(2000)
    assert audit(noise, took_part, 1e-6).epsilon < 0.3
    # Two Gaussians two deviations apart: epsilon 9.9 at delta 1e-6; the paper's method sees a part.
    assert 1.0 < audit(took_part * 2.0 - 1.0 + noise, took_part, 1e-6).epsilon < 9.9


def test_impossible_counts_are_refused():
    with pytest.raises(ValueError, match="right guesses"):
        p_value(10, 5, 6, 1.0, 0.0)
