import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbound_server.planner.cohort import RARE, cohort_of


@pytest.mark.parametrize(("laptops", "share"), [(12, 0.8), (120, 0.7), (3000, 0.25)])
def test_so_many_come_in_99_of_100_rounds(laptops, share):
    who = cohort_of(laptops, share, 10)
    came = np.random.default_rng(1).binomial(laptops, share, 200_000)
    assert who.expected == pytest.approx(came.mean(), rel=0.01)
    assert np.mean(came < who.low) < RARE * 1.1
    assert np.mean(came < who.low + 1) > RARE * 0.9
    assert who.enough == pytest.approx(np.mean(came >= 10), abs=0.005)


@given(st.integers(1, 5000), st.floats(0.01, 1.0), st.integers(1, 50))
def test_a_larger_fleet_never_has_fewer(laptops, share, needed):
    small, large = cohort_of(laptops, share, needed), cohort_of(laptops + 1, share, needed)
    assert 0 <= small.low <= large.low <= laptops + 1
    assert -1e-9 <= small.enough <= large.enough + 1e-9
    assert large.enough <= 1 + 1e-9


def test_who_all_answer_are_all():
    who = cohort_of(20, 1.0, 20)
    assert (who.low, who.enough) == (20, 1.0)
    assert cohort_of(19, 1.0, 20).enough == 0.0
