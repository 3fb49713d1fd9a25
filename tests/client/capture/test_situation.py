from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from deskbound_client.capture.gate import (
    BROWSER,
    ELSEWHERE,
    NOTHING_KNOWN,
    Context,
    Reason,
    hides,
    verdict,
    worse,
)
from deskbound_client.capture.signals import KEYS, POINTER, SCREEN, WINDOWS
from deskbound_client.capture.situation import GUARD_MS, Board, ServerClock

OPEN = Context(
    known=True, app=1, excluded=False, private=False, exposed=False, password=False,
    scheduled=True, remote=False, locked=False, idle=False, number=1,
)  # fmt: skip
OTHER = replace(OPEN, app=2, number=2)
EXCLUDED = replace(OPEN, excluded=True, number=3)
LOCKED = replace(OPEN, locked=True)
contexts = st.sampled_from([OPEN, OTHER, EXCLUDED, LOCKED, NOTHING_KNOWN])


def judge(board, t_ms):
    board.begin(0, 0)
    return board.judge(t_ms, 0, KEYS, KEYS)


def test_before_anything_is_known_the_verdict_is_unknown():
    assert judge(Board(), 5)[0] is Reason.UNKNOWN


def test_an_event_is_judged_by_the_situation_at_its_own_time():
    board = Board()
    board.publish(OPEN, 1_000)
    board.publish(EXCLUDED, 5_000)
    board.publish(OTHER, 6_000)
    assert judge(board, 999)[0] is Reason.UNKNOWN
    assert judge(board, 1_000) == (Reason.OPEN, OPEN)
    assert judge(board, 5_500)[0] is Reason.EXCLUDED
    assert judge(board, 6_001) == (Reason.OPEN, OTHER)


def test_what_came_shortly_before_something_excluded_or_locked_is_kept_out_too():
    for closing in (EXCLUDED, LOCKED):
        board = Board()
        board.publish(OPEN, 0)
        board.publish(closing, 5_000)
        assert judge(board, 5_000 - GUARD_MS - 1)[0] is Reason.OPEN
        assert judge(board, 5_000 - GUARD_MS)[0] is not Reason.OPEN


def test_a_change_between_open_programs_costs_nothing():
    board = Board()
    board.publish(OPEN, 0)
    board.publish(OTHER, 5_000)
    assert judge(board, 4_999) == (Reason.OPEN, OPEN)
    assert not board.steady(4_999)
    assert board.steady(5_000)


def test_a_moment_is_settled_when_the_watch_has_confirmed_what_followed():
    board = Board()
    board.publish(OPEN, 0)
    board.confirm(1_000)
    assert board.settled(1_000 - GUARD_MS)
    assert not board.settled(1_001 - GUARD_MS)
    board.confirm(500)  # never goes back
    assert board.confirmed_ms == 1_000


def test_a_history_that_reaches_not_far_enough_back_is_unknown():
    board = Board()
    for number in range(1_000):
        board.publish(replace(OPEN, number=number), number * 10)
    assert judge(board, 0)[0] is Reason.UNKNOWN
    assert judge(board, 9_990)[0] is Reason.OPEN


def test_what_was_made_before_the_word_of_now_is_kept_out_however_late_it_arrives():
    board = Board()
    board.publish(OPEN, 0)
    assert board.judge(100, 4, KEYS, KEYS)[0] is Reason.PAUSED  # not seen by the watch yet
    board.begin(4, 1_000)
    board.begin(4, 5_000)
    assert board.judge(999, 4, KEYS, KEYS)[0] is Reason.PAUSED
    assert board.judge(1_000, 4, KEYS, KEYS)[0] is Reason.OPEN
    assert board.judge(1_000, 6, KEYS, KEYS)[0] is Reason.PAUSED


def test_an_unchanged_situation_keeps_its_beginning():
    board = Board()
    board.publish(OPEN, 100)
    board.publish(replace(OPEN), 900)
    assert judge(board, 100)[0] is Reason.OPEN
    assert board.current is OPEN


@given(
    changes=st.lists(
        st.tuples(
            st.integers(0, 400), st.sampled_from([OPEN, OTHER, EXCLUDED, LOCKED, NOTHING_KNOWN])
        ),
        max_size=30,
    ),
    t_ms=st.integers(0, 6_000),
)
def test_no_history_opens_the_gate_for_a_moment_that_was_not_open(changes, t_ms):
    board, now, at_the_time = Board(), 0, NOTHING_KNOWN
    for step, context in changes:
        now += step
        board.publish(context, now)
        if now <= t_ms:
            at_the_time = context
    reason, context = judge(board, t_ms)
    if reason is Reason.OPEN:
        assert context == at_the_time
        assert at_the_time in (OPEN, OTHER)


@given(start=st.integers(0, 2**32 - 1), steps=st.lists(st.integers(-(10**6), 10**9), max_size=20))
def test_the_server_clock_never_starts_anew(start, steps):
    clock, true = ServerClock(), start
    assert clock.unwrap(start) == start
    for step in steps:
        true += step
        assert (clock.unwrap(true % 2**32) - true) % 2**32 == 0
        assert clock.unwrap(true % 2**32) == true


def test_in_the_millisecond_of_a_change_both_situations_must_be_open():
    for before, after in ((EXCLUDED, OPEN), (OPEN, EXCLUDED), (NOTHING_KNOWN, OPEN)):
        board = Board()
        board.publish(OTHER, 0)
        board.publish(before, 1_000)
        board.publish(after, 2_000)
        assert judge(board, 2_000)[0] is not Reason.OPEN
    board = Board()
    board.publish(EXCLUDED, 1_000)
    board.publish(OPEN, 2_000)
    assert judge(board, 2_001)[0] is Reason.OPEN


# --- whatever the rules and the order of things ------------------------------------------------

situations = st.builds(
    Context,
    known=st.booleans(),
    app=st.sampled_from([0, 1, *ELSEWHERE]),
    excluded=st.booleans(),
    private=st.sampled_from([True, False, None]),
    exposed=st.sampled_from([True, False, None]),
    password=st.sampled_from([True, False, None]),
    scheduled=st.sampled_from([True, False, None]),
    remote=st.sampled_from([True, False, None]),
    locked=st.sampled_from([True, False, None]),
    idle=st.sampled_from([True, False, None]),
    number=st.integers(0, 3),
)
mostly_open = st.one_of(st.just(OPEN), st.just(OTHER), situations)
streams = st.sampled_from([KEYS, POINTER, WINDOWS, SCREEN])


def allowed(context, stream):
    """Say in one sentence, apart from the gate's own code, when a stream may be read."""
    typed, screen = stream == KEYS, stream == SCREEN
    return (
        context.known
        and (context.locked, context.remote, context.private) == (False, False, False)
        and context.scheduled is True
        and not context.excluded
        and not (context.app in ELSEWHERE and (typed or screen))
        and not (context.password is True and (typed or screen))
        and not (context.password is None and typed and context.app == BROWSER)
        and not (screen and (context.exposed is not False or context.idle is not False))
    )


@given(context=situations, stream=streams)
def test_the_gate_is_open_just_when_all_of_it_is_known_and_allowed(context, stream):
    assert (verdict(0, stream, stream, context) is Reason.OPEN) == allowed(context, stream)


@given(
    changes=st.lists(st.tuples(st.integers(0, 400), mostly_open), max_size=30),
    t_ms=st.integers(0, 6_000),
    stream=streams,
)
def test_no_order_of_situations_opens_a_moment_that_any_of_them_closed(changes, t_ms, stream):
    board, now, history = Board(), 0, []
    for step, context in changes:
        now += step
        board.publish(context, now)
        history.append((now, context))
    board.begin(0, 0)
    reason, _ = board.judge(t_ms, 0, stream, stream)
    before = [context for since, context in history if since < t_ms]
    in_force = before[-1:] + [context for since, context in history if since == t_ms]
    if reason is Reason.OPEN:
        assert in_force
        assert all(allowed(context, stream) for context in in_force)
        soon = [context for since, context in history if t_ms < since <= t_ms + GUARD_MS]
        assert not any(context.private or context.locked for context in soon)
        assert not any(context.known and context.excluded for context in soon)
        assert not any(context.password for context in soon if stream in (KEYS, SCREEN))
    elif in_force and all(allowed(context, stream) for context in in_force):
        soon = [context for since, context in history if t_ms < since <= t_ms + GUARD_MS]
        assert any(hides(context, stream) for context in soon)  # closed for a reason, not by luck


@given(one=situations, other=situations, stream=streams)
def test_the_worse_of_two_is_open_only_if_both_are(one, other, stream):
    one = replace(one, app=other.app, known=other.known)  # a window is replaced, not worsened
    both = allowed(one, stream) and allowed(other, stream)
    assert allowed(worse(one, other), stream) <= both
