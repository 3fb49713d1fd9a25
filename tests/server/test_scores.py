"""Figures of guesses by hand, and error bars against many draws of units."""

import numpy as np
import pytest

from deskbound_server.scores import Figure, difference, score_of

NEVER = np.inf


def ranks(*units):
    return [np.array(unit, np.float64) for unit in units]


def test_figures_by_hand():
    found = score_of(ranks([0, 1, 4, 5], [NEVER], []))
    assert found.positions == 5
    assert found.hit1.value == pytest.approx(1 / 5)
    assert found.hit5.value == pytest.approx(3 / 5)
    assert found.mrr.value == pytest.approx((1 + 1 / 2 + 1 / 5 + 1 / 6) / 5)


def test_a_unit_is_one_draw_however_long_it_is():
    """Units all right or all wrong: as many draws as units, not as positions."""
    found = score_of(ranks(*[[0] * 50, [9] * 50] * 8))
    assert found.hit1 == Figure(0.5, pytest.approx(np.sqrt(0.25 / 15)))
    alike = score_of(ranks(*[[0, 9] * 25] * 16))
    assert alike.hit1 == Figure(0.5, 0.0)


def test_the_error_is_what_other_units_would_have_changed():
    rng = np.random.default_rng(2)

    def drawn():
        some = []
        for _ in range(60):
            share = rng.beta(2, 2)
            some.append(np.where(rng.random(rng.integers(1, 40)) < share, 0.0, NEVER))
        return score_of(some)

    many = [drawn() for _ in range(300)]
    spread = np.std([one.hit1.value for one in many])
    assert np.mean([one.hit1.error for one in many]) == pytest.approx(spread, rel=0.15)


def test_a_single_unit_has_its_positions_for_draws_and_none_has_nothing():
    assert score_of(ranks([0, 9, 0, 9])).hit1.error == pytest.approx(np.sqrt(0.25 / 3))
    assert score_of(ranks([0])).hit1 == Figure(1.0, 0.0)
    assert score_of(ranks([], [])).hit1 == score_of([]).hit1 == Figure(0.0, 0.0)


def test_a_difference_is_paired():
    one = ranks([0, 9, 0, 9], [0, 0, 9, 9], [9, 9, 9, 0])
    better = [unit.copy() for unit in one]
    better[0][1] = better[1][2] = better[2][0] = 0
    found = difference(better, one)
    assert found.positions == 12
    assert found.hit1 == Figure(0.25, 0.0), "a position more in every unit, without doubt"
    assert difference(one, better).hit1.value == -0.25
    assert score_of(one).hit1.error > 0.05
