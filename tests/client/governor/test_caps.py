"""What the governor decides."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbound_client.config import Config
from deskbound_client.governor.caps import (
    MEGABYTE,
    REST_SECONDS,
    SLOWEST,
    WAITING,
    Cause,
    Measured,
    Standing,
    judge,
)

CAPS = Config()
CALM = Measured(0.5, 80 * MEGABYTE, 400 * MEGABYTE, 50 * MEGABYTE, 0, on_mains=True, in_use=False)
FREE = Standing(causes=())


def changed(**more: object) -> Measured:
    from dataclasses import replace

    return replace(CALM, **more)  # type: ignore[arg-type]


def test_below_every_cap_nothing_is_held_back():
    found = judge(CAPS, CALM, Standing(), 0.0)
    assert (found.causes, found.slowness) == ((), 1)
    assert (found.capture, found.training, found.online, found.executor) == (True,) * 4


@pytest.mark.parametrize(
    ("seen", "cause", "capture", "training", "online"),
    [
        (changed(on_mains=False), Cause.BATTERY, True, False, True),
        (changed(on_mains=None), Cause.BATTERY, True, False, True),
        (changed(in_use=True), Cause.IN_USE, True, False, True),
        (changed(in_use=None), Cause.IN_USE, True, False, True),
        (changed(network=500 * MEGABYTE), Cause.NETWORK, True, False, False),
        (changed(network=None), Cause.NETWORK, True, False, False),
        (changed(disk=401 * MEGABYTE), Cause.DISK, False, True, True),
        (changed(capture_rss=161 * MEGABYTE), Cause.CAPTURE_MEMORY, False, True, True),
        (changed(training_rss=1501 * MEGABYTE), Cause.TRAINING_MEMORY, True, False, True),
    ],
)
def test_each_cap_holds_back_what_it_is_for(seen, cause, capture, training, online):
    found = judge(CAPS, seen, FREE, 0.0)
    assert found.causes == (cause,)
    assert (found.capture, found.training, found.online) == (capture, training, online)
    assert bool(found.breaches) == (cause not in WAITING)


def test_whoever_switched_the_waiting_off_does_not_wait():
    caps = Config(training_only_on_mains=False, training_only_when_idle=False)
    assert judge(caps, changed(on_mains=False, in_use=True), FREE, 0.0).training


def minutes(seen: Measured, count: int, standing: Standing = FREE, start: int = 0) -> Standing:
    for number in range(start, start + count):
        standing = judge(CAPS, seen, standing, 60.0 * number)
    return standing


def test_too_much_cpu_slows_minute_by_minute_and_then_stops():
    busy = changed(capture_cpu=5.0)
    assert [minutes(busy, count).slowness for count in range(1, 5)] == [2, 4, 8, 16]
    assert minutes(busy, 3).capture
    assert not minutes(busy, 4).capture
    assert minutes(busy, 4).causes == (Cause.CAPTURE_CPU,)


def test_it_is_judged_once_a_minute():
    standing = FREE
    for tenth in range(50):
        standing = judge(CAPS, changed(capture_cpu=5.0), standing, tenth)
    assert standing.slowness == 2


def test_after_the_rest_capture_begins_at_its_usual_pace():
    stopped = minutes(changed(capture_cpu=5.0), 4)  # at 180 s
    gone = changed(capture_cpu=None, capture_rss=None)
    assert not judge(CAPS, gone, stopped, 180 + REST_SECONDS - 1).capture
    again = judge(CAPS, gone, stopped, 180 + REST_SECONDS)
    assert (again.capture, again.slowness, again.causes) == (True, 1, ())


def test_a_calm_minute_speeds_up_again():
    slow = minutes(changed(capture_cpu=5.0), 2)
    assert minutes(CALM, 1, slow, start=2).slowness == 2
    assert minutes(CALM, 2, slow, start=2).causes == ()


def test_memory_rests_ten_minutes_however_small_it_is_meanwhile():
    big = judge(CAPS, changed(capture_rss=161 * MEGABYTE), FREE, 0.0)
    gone = changed(capture_rss=None)
    assert not judge(CAPS, gone, big, REST_SECONDS - 1).capture
    assert judge(CAPS, gone, big, REST_SECONDS).capture


def test_the_disk_must_have_clearly_more_room_before_capture_goes_on():
    full = judge(CAPS, changed(disk=401 * MEGABYTE), FREE, 0.0)
    assert not judge(CAPS, changed(disk=399 * MEGABYTE), full, 1.0).capture
    assert not judge(CAPS, changed(disk=None), full, 1.0).capture
    assert judge(CAPS, changed(disk=379 * MEGABYTE), full, 1.0).capture


maybe = st.none() | st.booleans()
amounts = st.none() | st.integers(0, 3000 * MEGABYTE)
looks = st.builds(
    Measured, st.none() | st.floats(0, 400), amounts, amounts, amounts, amounts, maybe, maybe
)


@given(st.lists(st.tuples(st.floats(0, 900), looks), min_size=1, max_size=30))
def test_whatever_was_before_a_cap_that_is_exceeded_now_holds(story):
    now, standing = 0.0, Standing()
    for waited, seen in story:
        now += waited
        standing = judge(CAPS, seen, standing, now)
        if (seen.capture_rss or 0) > CAPS.capture_rss_mb * MEGABYTE:
            assert not standing.capture
        if (seen.disk or 0) > CAPS.disk_mb * MEGABYTE:
            assert not standing.capture
        if (seen.training_rss or 0) > CAPS.training_rss_mb * MEGABYTE:
            assert not standing.training
        if seen.network is None or seen.network >= CAPS.network_mb_per_month * MEGABYTE:
            assert not standing.online
            assert not standing.training
        if seen.on_mains is not True or seen.in_use is not False:
            assert not standing.training
        assert 1 <= standing.slowness <= 2 * SLOWEST
        assert math.log2(standing.slowness).is_integer()
    # Whatever happened, a quarter of an hour of calm undoes it.
    for _ in range(20):
        now += 60.0
        standing = judge(CAPS, CALM, standing, now)
    assert standing.causes == ()
