"""The floor's own name: its digest."""

from dataclasses import replace

from hypothesis import given

from deskbound_strategies.floor import DEFAULT, PROFILES, PolicyFloor
from deskbound_strategies.floor_file import floor_from
from tests.helpers.floors import floors


def test_a_floors_digest_changes_with_every_bound() -> None:
    digests = {floor.digest() for floor in PROFILES.values()}
    digests.add(replace(DEFAULT, epsilon_total=7.0).digest())
    digests.add(replace(DEFAULT, tasks=("x",)).digest())
    assert len(digests) == 5
    assert DEFAULT.digest() == floor_from({}).digest()


def test_a_profile_has_the_digest_that_ledgers_name() -> None:
    assert {name: floor.digest()[:16] for name, floor in PROFILES.items()} == {
        "strict": "9881c24994a6db94",
        "balanced": "9dc870ab51426984",
        "research": "cb61a8aa7c033871",
    }


@given(floor=floors(), other=floors())
def test_two_floors_have_one_digest_only_if_they_are_the_same(
    floor: PolicyFloor, other: PolicyFloor
) -> None:
    assert (floor.digest() == other.digest()) == (floor == other)
