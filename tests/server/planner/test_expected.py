from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from deskbound_server.planner.expected import expected
from deskbound_server.planner.measured import MEASURED
from deskbound_server.planner.question import question

ASKED = question(laptops=100, participation=1.0)
sigmas = st.floats(0.3, 100.0)


@given(st.integers(1, 10**6), st.integers(0, 10**6), sigmas, st.sampled_from(sorted(MEASURED)))
def test_a_larger_fleet_never_expects_less(laptops, more, sigma, unit):
    asked = question(laptops=min(laptops, 10**6), unit=unit)
    small = expected(asked, sigma)
    large = expected(replace(asked, laptops=min(laptops + more, 10**6)), sigma)
    assert small.shared.mid <= large.shared.mid + 1e-12
    assert small.gain.mid <= large.gain.mid + 1e-12
    assert small.alone == large.alone
    assert small.shared.low <= small.shared.mid <= small.shared.high
    assert not small.worth_it or large.worth_it


@given(sigmas, st.floats(1.0, 10.0))
def test_more_noise_never_expects_more(sigma, times):
    assert expected(ASKED, sigma).shared.mid >= expected(ASKED, sigma * times).shared.mid - 1e-12


def test_what_was_never_measured_is_not_foretold():
    assert expected(question(laptops=100, task="next_action"), 2.0) is None


def test_what_lies_beyond_the_measurements_is_said():
    assert expected(ASKED, 3.0).beyond == ()
    (words,) = expected(replace(ASKED, laptops=5000), 3.0).beyond
    assert words == "5,000 laptops that answer, measured were 10 to 119"
    (few,) = expected(replace(ASKED, units_per_day=1.0), 3.0).beyond
    assert few.startswith("5 sessions of a laptop")
    assert len(expected(replace(ASKED, laptops=9, units_per_day=1.0), 90.0).beyond) == 3


def test_without_a_beginning_a_laptop_needs_days_to_reach_what_is_shared():
    told = expected(ASKED, 1.0)
    assert 0 < told.alone_after < ASKED.units
