"""Sessions end, are bound to what opened them, and wrong tries are counted for each user alone."""

from hypothesis import given
from hypothesis import strategies as st

from deskbound_server.ui.sessions import (
    SESSION_SECONDS,
    TRIES,
    TRIES_SECONDS,
    Sessions,
    Tries,
)
from deskbound_server.ui.tokens import Role
from tests.helpers.browser import Clock


def test_a_session_lasts_its_hours_and_no_longer():
    clock = Clock()
    sessions = Sessions(clock)
    secret = sessions.begin(Role.VIEWER, None, 7)
    clock.seconds += SESSION_SECONDS - 1
    found = sessions.find(secret)
    assert found is not None
    assert (found.role, found.user) == (Role.VIEWER, 7)
    clock.seconds += 1
    assert sessions.find(secret) is None


def test_a_session_that_was_left_opens_nothing():
    sessions = Sessions(Clock())
    one, other = (sessions.begin(Role.VIEWER, None, 7) for _ in range(2))
    sessions.end(sessions.find(one))
    assert sessions.find(one) is None
    assert sessions.find(other) is not None


def test_the_oldest_makes_room():
    sessions = Sessions(Clock())
    secrets = [sessions.begin(Role.VIEWER, None, 7) for _ in range(201)]
    assert sessions.find(secrets[0]) is None
    assert all(map(sessions.find, secrets[1:]))


@given(st.text(max_size=60))
def test_no_other_cookie_and_no_other_mark_will_do(given_):
    sessions = Sessions(Clock())
    secret = sessions.begin(Role.OPERATOR, None, 7)
    session = sessions.find(secret)
    assert sessions.find(given_) is None
    assert not session.is_ours(given_)
    assert session.is_ours(session.csrf)
    assert session.csrf != secret


@given(st.lists(st.floats(0.0, 30.0), max_size=60))
def test_never_more_than_so_many_tries_in_a_minute(pauses):
    clock, made = Clock(), list[float]()
    tries = Tries(clock)
    for pause in pauses:
        clock.seconds += pause
        if tries.may(7):
            tries.wrong(7)
            made.append(clock.seconds)
    for at in made:
        assert sum(at <= one < at + TRIES_SECONDS for one in made) <= TRIES


def test_one_user_does_not_shut_the_door_for_another():
    clock = Clock()
    tries = Tries(clock)
    for _ in range(3 * TRIES):
        tries.wrong(7)
    assert not tries.may(7)
    assert tries.may(8)
    assert tries.may(None)
    clock.seconds += TRIES_SECONDS
    assert tries.may(7)
