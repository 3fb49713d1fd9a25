import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbound_server.planner.measured import MEASURED

UNITS = sorted(MEASURED)
amounts = st.floats(1e-3, 1e9)


@given(st.sampled_from(UNITS), amounts, amounts, st.floats(1.0, 100.0), st.floats(1.0, 100.0))
def test_more_units_or_signal_never_make_shared_counts_worse(unit, units, signal, more, louder):
    relation = MEASURED[unit].relation
    found = relation.shared(units, signal)
    assert 0.0 <= found <= relation.ceiling
    assert found <= relation.shared(units * more, signal * louder) + 1e-12
    assert found <= relation.shared(units, math.inf) + 1e-12


@given(st.sampled_from(UNITS), st.floats(0.1, 1e6), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_better_shared_counts_never_gain_less(unit, units, shared, better):
    relation = MEASURED[unit].relation
    assert relation.gain(shared, units) <= relation.gain(shared + better, units) + 1e-12


@given(st.sampled_from(UNITS), st.floats(0.5, 1e5))
def test_what_a_laptop_needs_alone_is_what_it_then_reaches(unit, units):
    relation = MEASURED[unit].relation
    assert relation.alone_after(relation.alone(units)) == pytest.approx(units, rel=1e-6)
    assert relation.alone_after(relation.own_ceiling) is None
    assert relation.alone_after(0.0) == 0.0


@pytest.mark.parametrize("unit", UNITS)
def test_the_relation_goes_through_what_was_measured(unit):
    found = MEASURED[unit]
    laptops, units = 60.0, math.sqrt(found.units[0] * found.units[1])
    for signal, hit in found.points:
        if hit > 0.1:
            foretold = found.relation.shared(laptops * units, signal)
            assert abs(foretold - hit) <= found.shared_within
