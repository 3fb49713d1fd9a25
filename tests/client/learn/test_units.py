from datetime import date

from deskbound_client.learn.units import digest
from tests.helpers.learning import generated_units, some_units


def test_the_same_units_have_the_same_name_and_others_another():
    day = date(2026, 11, 9)
    found = generated_units("analyst", day)
    assert digest(found) == digest(generated_units("analyst", day))
    others = [found[:-1], found[1:], found[::-1], generated_units("analyst", day, seed=2), []]
    assert len({digest(one) for one in [found, *others]}) == 1 + len(others)


def test_where_one_unit_ends_is_part_of_the_name():
    (whole,) = some_units([10])
    halves = [type(whole)(*(getattr(whole, name)[part] for name in whole.__slots__))
              for part in (slice(0, 5), slice(5, 10))]  # fmt: skip
    assert digest([whole]) != digest(halves)
