import math

import pytest

from deskbound_strategies.composition import together


def test_no_day_gives_nothing_away():
    assert (together([]).epsilon, together([]).delta) == (0.0, 0.0)


def test_epsilons_add_up_and_later_deltas_grow():
    found = together([(2.0, 1e-6), (1.0, 1e-6), (3.0, 1e-6)])
    assert (found.days, found.epsilon) == (3, 6.0)
    # Smallest first: nothing before it, then e^1, then e^3.
    assert found.delta == pytest.approx(1e-6 * (1 + math.exp(1) + math.exp(3)))
    assert found.holds


def test_it_is_the_bound_of_a_group_by_hand():
    """k units at one (epsilon, delta): delta (e^(k eps) - 1) / (e^eps - 1), Dwork and Roth 2014."""
    found = together([(0.5, 1e-6)] * 8)
    assert found.delta == pytest.approx(1e-6 * (math.exp(4.0) - 1) / (math.exp(0.5) - 1))


@pytest.mark.parametrize("days", [[(4.0, 1e-6)] * 7, [(900.0, 1e-6)] * 3, [(math.inf, 1e-6)] * 2])
def test_beyond_one_it_says_that_it_promises_nothing(days):
    assert together(days).delta == 1.0
    assert not together(days).holds
