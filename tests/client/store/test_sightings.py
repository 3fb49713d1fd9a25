"""Whether a clock is believed: never at once after a jump, always in the end."""

from hypothesis import given
from hypothesis import strategies as st

from deskbound_client.store.sightings import (
    ABSENCE,
    DAY,
    FAR,
    HOUR,
    TOLERANCE,
    Sightings,
    sighting,
)

START = 1_795_176_000
jumps = st.integers(-3650 * DAY, 3650 * DAY)


def run(seen, wall, booted, boot, hours):
    """Look once an hour."""
    for _ in range(hours):
        wall, booted = wall + HOUR, booted + HOUR
        seen = seen.look(sighting(wall, booted, boot))
    return seen, wall, booted


@given(st.integers(0, 400), st.lists(st.integers(0, 40 * DAY), max_size=8))
def test_a_clock_nobody_sets_is_always_believed_however_long_it_sleeps(booted, sleeps):
    seen, wall = Sightings(sighting(START, booted, 1)), START
    for slept in sleeps:
        wall, booted = wall + slept, booted + slept
        seen = seen.look(sighting(wall, booted, 1))
        assert seen.trusted


@given(jumps.filter(lambda jump: abs(jump) > TOLERANCE + HOUR), st.integers(1, 22))
def test_a_jump_is_doubted_at_first_and_believed_in_the_end(jump, hours):
    seen = Sightings(sighting(START, 5000, 1))
    seen, wall, booted = run(seen, START + jump, 5000, 1, hours)
    assert not seen.trusted
    seen, _, _ = run(seen, wall, booted, 1, 24 * (8 if abs(jump) > FAR - DAY else 2))
    assert seen.trusted


@given(jumps.filter(lambda jump: abs(jump) > TOLERANCE + HOUR), st.integers(1, 22))
def test_a_clock_set_right_again_is_believed_at_once(jump, hours):
    seen, wall, booted = run(Sightings(sighting(START, 5000, 1)), START + jump, 5000, 1, hours)
    assert seen.look(sighting(wall - jump, booted, 1)).trusted


@given(st.integers(0, 3650 * DAY))
def test_after_another_boot_only_a_short_absence_is_believed_at_once(off):
    seen = Sightings(sighting(START, 5000, 1)).look(sighting(START + off, 60, 2))
    assert seen.trusted or off > ABSENCE
    assert not seen.trusted or off < ABSENCE + HOUR


@given(st.lists(st.tuples(jumps, st.integers(0, 30), st.booleans()), max_size=12))
def test_a_clock_that_jumps_all_the_time_is_never_believed_far_from_the_truth(steps):
    """However it is set, what is believed has been kept for a day, or follows what was."""
    seen = Sightings(sighting(START, 5000, 1))
    wall, booted, boot, kept = START, 5000, 1, 0
    for jump, hours, again in steps:
        if again:
            boot, booted = boot + 1, 0
        far = abs(jump) > ABSENCE + 2 * HOUR
        wall, kept = wall + jump, 0 if far else kept
        before = seen
        for _ in range(hours):
            wall, booted, kept = wall + HOUR, booted + HOUR, kept + 1
            seen = seen.look(sighting(wall, booted, boot))
            if seen.trusted and abs(seen.believed.wall - before.believed.wall) > FAR:
                assert kept >= 24
        wall = max(wall, 0)


@given(st.text())
def test_only_what_it_wrote_is_read_back(text):
    seen = Sightings(sighting(START, 5000, 1)).look(sighting(0, 5000, 1))
    assert Sightings.of_text(seen.as_text()) == seen
    assert Sightings.of_text(text) is None


def test_times_are_kept_in_whole_hours():
    assert sighting(START + 1234.5, 5432.1, 1) == sighting(START, HOUR, 1)
