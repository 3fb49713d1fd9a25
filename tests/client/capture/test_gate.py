from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from deskbound_client.capture.gate import (
    BROWSER,
    ELSEWHERE,
    NOTHING_KNOWN,
    Context,
    Reason,
    verdict,
)
from deskbound_client.capture.signals import KEYS, POINTER, SCREEN, STREAMS
from deskbound_strategies.vocabulary import APPS

OPEN = Context(
    known=True, app=3, excluded=False, private=False, exposed=False, password=False,
    scheduled=True, remote=False, locked=False, idle=False,
    window=(100, 50, 320, 160), screen=(1280, 720),
)  # fmt: skip
ALL = sum(signal.bit for signal in STREAMS)

contexts = st.builds(
    Context,
    known=st.booleans(),
    app=st.sampled_from([app for app in range(len(APPS)) if app not in ELSEWHERE]),
    excluded=st.booleans(),
    locked=st.sampled_from([True, False, None]),
    idle=st.sampled_from([True, False, None]),
    private=st.just(False), exposed=st.just(False), password=st.just(False),
    scheduled=st.just(True), remote=st.just(False),
)  # fmt: skip
streams = st.sampled_from([signal.bit for signal in STREAMS])


def test_everything_known_and_agreed_is_open():
    assert all(verdict(2, ALL, signal.bit, OPEN) is Reason.OPEN for signal in STREAMS)


@given(context=contexts, word=st.integers(0, 2**64 - 1), mask=st.integers(0, 63), stream=streams)
def test_open_means_that_nothing_at_all_speaks_against_it(context, word, mask, stream):
    is_open = verdict(word, mask, stream, context) is Reason.OPEN
    idle_is_fine = stream != SCREEN or context.idle is False
    assert is_open == (
        not word & 1
        and bool(mask & stream)
        and context.known
        and not context.excluded
        and context.locked is False
        and idle_is_fine
    )


@given(context=contexts, mask=st.integers(0, 63), stream=streams)
def test_a_pause_closes_before_anything_else_is_asked(context, mask, stream):
    assert verdict(1, mask, stream, context) is Reason.PAUSED


def test_each_reason_is_named():
    assert verdict(0, KEYS, POINTER, OPEN) is Reason.NO_CONSENT
    assert verdict(0, ALL, KEYS, NOTHING_KNOWN) is Reason.UNKNOWN
    assert verdict(0, ALL, KEYS, replace(OPEN, locked=None)) is Reason.UNKNOWN
    assert verdict(0, ALL, KEYS, replace(OPEN, locked=True)) is Reason.LOCKED
    assert verdict(0, ALL, KEYS, replace(OPEN, excluded=True)) is Reason.EXCLUDED
    assert verdict(0, ALL, KEYS, replace(OPEN, private=True)) is Reason.PRIVATE
    assert verdict(0, ALL, KEYS, replace(OPEN, private=None)) is Reason.UNKNOWN
    assert verdict(0, ALL, SCREEN, replace(OPEN, exposed=True)) is Reason.PRIVATE
    assert verdict(0, ALL, KEYS, replace(OPEN, exposed=True)) is Reason.OPEN
    assert verdict(0, ALL, KEYS, replace(OPEN, password=True)) is Reason.PASSWORD
    assert verdict(0, ALL, KEYS, replace(OPEN, app=BROWSER, password=None)) is Reason.UNKNOWN
    assert verdict(0, ALL, KEYS, replace(OPEN, password=None)) is Reason.OPEN
    assert verdict(0, ALL, KEYS, replace(OPEN, scheduled=False)) is Reason.SCHEDULE
    assert verdict(0, ALL, KEYS, replace(OPEN, scheduled=None)) is Reason.UNKNOWN
    assert verdict(0, ALL, POINTER, replace(OPEN, remote=True)) is Reason.REMOTE
    assert verdict(0, ALL, POINTER, replace(OPEN, remote=None)) is Reason.UNKNOWN
    for app in ELSEWHERE:
        assert verdict(0, ALL, KEYS, replace(OPEN, app=app)) is Reason.REMOTE
        assert verdict(0, ALL, POINTER, replace(OPEN, app=app)) is Reason.OPEN


def test_only_what_is_read_without_input_waits_for_the_person():
    assert verdict(0, ALL, SCREEN, replace(OPEN, idle=True)) is Reason.IDLE
    assert verdict(0, ALL, SCREEN, replace(OPEN, idle=None)) is Reason.UNKNOWN
    assert verdict(0, ALL, KEYS, replace(OPEN, idle=True)) is Reason.OPEN


def test_a_place_is_in_sixteenths_of_the_window():
    assert OPEN.place(100 / 1280, 50 / 720) == (0, 0)
    assert OPEN.place(260 / 1280, 130 / 720) == (8, 8)
    assert OPEN.place(0.99, 0.99) == (-1, -1)
    assert NOTHING_KNOWN.place(0.5, 0.5) == (-1, -1)
