"""When each child should run."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbound_client.governor.caps import Cause, Standing
from deskbound_client.processes import Backoff
from deskbound_client.supervision import Role, State, Trouble, Wishes, overall
from deskbound_strategies.errors import BusyError

NEVER = {role: State() for role in Role}
WARM = NEVER | {Role.EXECUTOR: State().started(0.0).worked()}


@given(st.booleans(), st.booleans(), st.booleans(), st.booleans(), st.booleans())
def test_the_supernode_is_up_only_when_everything_says_so(capture, joined, willing, silent, warm):
    wishes = Wishes(capture, joined, willing, 200.0 if silent else 0.0)
    wanted = wishes.wants(Role.SUPERNODE, WARM if warm else NEVER, unix_now=100.0)
    assert wanted == (joined and willing and not silent and warm)


def test_the_executor_needs_a_fleet_and_capture_needs_none():
    assert not Wishes().wants(Role.EXECUTOR, NEVER, 0)
    assert Wishes(joined=True).wants(Role.EXECUTOR, NEVER, 0)
    assert Wishes().wants(Role.CAPTURE, NEVER, 0)
    assert not Wishes(capture=False).wants(Role.CAPTURE, NEVER, 0)


def test_failures_wait_longer_and_longer_and_a_steady_run_forgives():
    backoff, state, waits = Backoff(first=1.0, most=8.0, steady=100.0), State(), []
    for _ in range(6):
        state = state.started(0.0).ended(1.0, "exit-1", backoff)
        waits.append(state.not_before - 1.0)
    assert waits == [1.0, 2.0, 4.0, 8.0, 8.0, 8.0]
    assert state.started(0.0).ended(500.0, "exit-1", backoff).failures == 1


@given(st.integers(0, 10**6))
def test_backoff_has_a_bound(failures):
    assert 0 < Backoff().delay(failures) <= Backoff().most


def test_an_end_that_was_asked_for_is_no_failure():
    assert State().started(1.0).worked().stopped() == State()


@pytest.mark.parametrize(
    ("states", "failing", "word"),
    [
        (NEVER, set(), "starting"),
        (WARM, set(), "running"),
        (WARM, {Role.EXECUTOR}, "degraded"),
        (WARM, {Role.SUPERNODE}, "running"),
        (NEVER | {Role.EXECUTOR: State(trouble="exit-1")}, set(), "degraded"),
    ],
)
def test_one_word_for_all(states, failing, word):
    assert overall(states, {Role.EXECUTOR}, failing) == word


def test_trouble_survives_the_pipe():
    assert Trouble.parse('["BusyError", "Busy.", "Wait."]') == Trouble.of(
        BusyError("Busy.", "Wait.")
    )


def test_a_name_alone_is_enough():
    assert Trouble.parse("DiskFullError") == Trouble("DiskFullError", "", "")


@pytest.mark.parametrize("told", ["", "null", "[1,2,3]", '["a b","x","y"]', '["a"]', "{", "typed"])
def test_anything_else_is_no_trouble_of_ours(told):
    assert Trouble.parse(told) is None


def test_a_cap_takes_away_what_it_is_for_and_presence_is_always_there():
    joined = Wishes(joined=True, willing=True, standing=Standing(causes=()))
    wanted = {role for role in Role if joined.wants(role, WARM, 0)}
    assert wanted == set(Role)
    for cause, gone in (
        (Cause.DISK, {Role.CAPTURE}),
        (Cause.CAPTURE_MEMORY, {Role.CAPTURE}),
        (Cause.NETWORK, {Role.SUPERNODE}),
        (Cause.TRAINING_MEMORY, {Role.EXECUTOR}),
        (Cause.BATTERY, set()),
        (Cause.IN_USE, set()),  # offline whenever somebody is there would tell who is there
    ):
        held = replace(joined, standing=Standing(causes=(cause,)))
        assert {role for role in Role if held.wants(role, WARM, 0)} == wanted - gone, cause
