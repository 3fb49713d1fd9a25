from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbound_client.store.keystate import (
    KeyGoneError,
    day_key,
    erase_all,
    erase_day,
    new_state,
    parse_state,
    retire_before,
    state_bytes,
)

FIRST = 739_000
SPAN = 12
OFFSETS = st.integers(0, SPAN - 1)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("retire"), OFFSETS),
        st.tuples(st.just("erase"), OFFSETS),
        st.tuples(st.just("reopen"), OFFSETS),
    ),
    max_size=8,
)


def keys_of(state):
    found = {}
    for day in range(FIRST, FIRST + SPAN + 1):
        try:
            found[day] = day_key(state, day)
        except KeyGoneError:
            continue
    return found


def derivable(state):
    """Every key that someone who holds this state can compute."""
    return set(state.single.values()) | {
        day_key(state, day) for day in range(state.base, state.base + 2 * SPAN)
    }


@given(STEPS)
def test_forgetting_destroys_exactly_what_it_says(steps):
    state = new_state(FIRST)
    alive = keys_of(state)
    dead = set()
    for verb, offset in steps:
        day = FIRST + offset
        if verb == "retire":
            state = retire_before(state, day)
            dead |= {alive.pop(d) for d in list(alive) if d < day}
        else:
            state = erase_day(state, day, alive, reopen=verb == "reopen")
            if day in alive:
                dead.add(alive.pop(day))
            if verb == "reopen":
                alive[day] = day_key(state, day)
        assert keys_of(state) == alive
        assert not dead & derivable(state)


@given(STEPS)
def test_a_state_survives_being_written(steps):
    state = new_state(FIRST)
    for verb, offset in steps:
        day = FIRST + offset
        state = (
            retire_before(state, day)
            if verb == "retire"
            else erase_day(state, day, range(FIRST, FIRST + SPAN), reopen=verb == "reopen")
        )
    assert parse_state(state_bytes(state)) == state


def test_days_without_files_get_no_single_key():
    state = erase_day(new_state(FIRST), FIRST + 10, {FIRST + 3, FIRST + 10}, reopen=False)
    assert set(state.single) == {FIRST + 3}


def test_erasing_all_leaves_no_key():
    before = new_state(FIRST)
    after = erase_all(before, FIRST + 2)
    assert not derivable(before) & derivable(after)
    assert after.vault_key == before.vault_key


def test_keys_differ_by_day_and_vault():
    one, two = keys_of(new_state(FIRST)), keys_of(new_state(FIRST))
    assert len({*one.values(), *two.values()}) == 2 * (SPAN + 1)


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"base":1}', b"\xff"])
def test_anything_else_is_not_a_state(data):
    with pytest.raises(ValueError):  # noqa: PT011 - its text must say nothing
        parse_state(data)


def test_a_state_never_shows_its_keys():
    state = new_state(FIRST)
    state = replace(state, single={FIRST: state.ratchet})
    shown = repr(state)
    assert shown == f"KeyState(generation=0, base={FIRST})"
