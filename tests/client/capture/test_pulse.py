"""What came in and what went on, by stream."""

from deskbound_client.capture.pulse import HOUR, MINUTE, TROUBLE_SECONDS, Pulse
from deskbound_client.capture.signals import KEYS, POINTER
from deskbound_client.store.rows import StoredGap
from tests.helpers.privacy import Clock


def test_what_was_seen_counts_for_a_minute():
    clock = Clock(100.0)
    pulse = Pulse(clock)
    for _ in range(3):
        pulse.saw(KEYS)
        clock.now += 20
    pulse.saw(POINTER)
    assert pulse.seen() == {KEYS: 3, POINTER: 1}
    clock.now += MINUTE - 1
    assert pulse.seen() == {POINTER: 1}
    clock.now += MINUTE
    assert pulse.seen() == {}


def test_a_stream_of_which_nothing_goes_on_is_in_trouble_and_the_others_are_not():
    clock = Clock(100.0)
    pulse = Pulse(clock)
    pulse.saw(KEYS)
    pulse.saw(POINTER)
    clock.now += TROUBLE_SECONDS - 1
    pulse.saw(KEYS)
    pulse.went_on(POINTER)
    assert pulse.in_trouble() == set()
    clock.now += 1
    assert pulse.in_trouble() == {KEYS}
    pulse.went_on(KEYS)
    assert pulse.in_trouble() == set()
    pulse.saw(KEYS)
    clock.now += TROUBLE_SECONDS
    assert pulse.in_trouble() == {KEYS}
    pulse.begin()
    assert pulse.in_trouble() == set(), "what was dropped by a pause is waited for no more"


def test_holes_are_told_for_an_hour():
    pulse = Pulse()
    pulse.missed(StoredGap(1_000, 1_010, "lag"))
    pulse.missed(StoredGap(2_000, 2_010, "sleep"))
    assert [hole.cause for hole in pulse.holes(2_020)] == ["lag", "sleep"]
    assert [hole.cause for hole in pulse.holes(1_010 + HOUR)] == ["sleep"]
