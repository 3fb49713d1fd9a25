import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbound_client.capture.keyboard import (
    CONTROL,
    KEY_PRESS,
    KEY_RELEASE,
    SHIFT,
    KeyDecoder,
    Keymap,
    make_keymap,
)
from deskbound_strategies.observations import KeyPressed

ALT, NUM_LOCK, SUPER, LEVEL3 = 1 << 3, 1 << 4, 1 << 6, 1 << 7
# A small keyboard: key code, then key symbols (group 1 plain, shifted; group 2; third level).
ROWS = {
    10: (0x31, 0x21), 20: (0x2D, 0x5F), 21: (0x3D, 0x2B), 22: (0xFF08, 0xFF08),
    23: (0xFF09, 0xFE20), 24: (0x71, 0x51, 0, 0, 0x40, 0), 36: (0xFF0D,), 37: (0xFFE3,),
    38: (0x61, 0x41, 0x6C6, 0x6E6), 47: (0x3B, 0x3A), 50: (0xFFE1,), 54: (0x63, 0x43),
    64: (0xFFE9,), 65: (0x20, 0x20), 67: (0xFFBE,), 77: (0xFF7F,), 79: (0xFF95, 0xFFB7),
    86: (0xFFAB, 0xFFAB), 108: (0xFE03,), 111: (0xFF52,), 121: (0x1008FF12,), 133: (0xFFEB,),
    110: (0xFF50,), 119: (0xFFFF,), 200: (0xFFD0,), 201: (0xFE51,), 202: (0x10003B1, 0x1000391),
}  # fmt: skip
MODIFIERS = ((50,), (), (37,), (64,), (77,), (), (133,), (108,))


@pytest.fixture
def decoder():
    return KeyDecoder(small_keymap())


def small_keymap():
    symbols = [ROWS.get(code, ()) for code in range(8, 210)]
    return make_keymap(8, symbols, MODIFIERS)


def press(decoder, code, state=0):
    found = decoder.decode(KEY_PRESS, code, state, 7)
    decoder.decode(KEY_RELEASE, code, state, 8)
    return (found.sort, found.name) if found else None


@pytest.mark.parametrize(
    ("code", "state", "expected"),
    [
        (38, 0, ("character", "letter")),
        (38, SHIFT, ("character", "letter")),
        (38, 1 << 13, ("character", "letter")),  # the same key in a Cyrillic group
        (202, 0, ("character", "letter")),
        (10, 0, ("character", "digit")),
        (10, SHIFT, ("character", "symbol")),
        (24, LEVEL3, ("character", "symbol")),  # AltGr+q is @ on a German keyboard
        (201, 0, ("character", "symbol")),  # a dead key
        (65, 0, ("key", "space")),
        (65, SHIFT, ("key", "space")),
        (36, 0, ("key", "enter")),
        (121, 0, ("key", "volume")),
        (79, 0, ("key", "home")),
        (79, NUM_LOCK, ("character", "digit")),
        (79, NUM_LOCK | SHIFT, ("shortcut", "shift+home")),
        (38, CONTROL, ("shortcut", "ctrl+a")),
        (54, CONTROL, ("shortcut", "ctrl+c")),
        (38, CONTROL | 1 << 13, ("shortcut", "ctrl+a")),
        (54, CONTROL | SHIFT, ("shortcut", "ctrl+shift+c")),
        (24, CONTROL | SHIFT, ("shortcut", "ctrl+shift+other")),
        (111, CONTROL | SHIFT, ("shortcut", "ctrl+shift+arrow")),
        (10, CONTROL, ("shortcut", "ctrl+digit")),
        (21, CONTROL, ("shortcut", "ctrl+plus")),
        (86, CONTROL, ("shortcut", "ctrl+plus")),
        (20, CONTROL, ("shortcut", "ctrl+minus")),
        (47, CONTROL, ("shortcut", "ctrl+symbol")),
        (67, CONTROL, ("shortcut", "ctrl+function")),
        (23, ALT, ("shortcut", "alt+tab")),
        (38, ALT, ("shortcut", "alt+letter")),
        (67, ALT, ("shortcut", "alt+function")),
        (47, ALT, ("shortcut", "alt+other")),
        (38, ALT | CONTROL, ("shortcut", "ctrl+alt+other")),
        (38, SUPER, ("shortcut", "super+letter")),
        (111, SUPER, ("shortcut", "super+arrow")),
        (67, SUPER, ("shortcut", "super+other")),
        (23, SHIFT, ("shortcut", "shift+tab")),
        (111, SHIFT, ("shortcut", "shift+arrow")),
        (67, SHIFT, ("shortcut", "shift+function")),
        (22, SHIFT, ("shortcut", "shift+other")),
        (50, 0, None),
        (37, 0, None),
        (77, 0, None),
        (200, 0, None),  # F19 has no word
        (255, 0, None),
    ],
)
def test_what_a_key_is_called(decoder, code, state, expected):
    assert press(decoder, code, state) == expected


def test_a_repeating_key_counts_once_until_it_is_released(decoder):
    assert decoder.decode(KEY_PRESS, 36, 0, 1)
    assert decoder.decode(KEY_PRESS, 36, 0, 2) is None
    decoder.decode(KEY_RELEASE, 36, 0, 3)
    assert decoder.decode(KEY_PRESS, 36, 0, 4)


def test_forgetting_makes_a_key_whose_release_was_missed_count_again(decoder):
    decoder.decode(KEY_PRESS, 36, 0, 1)
    decoder.forget()
    assert decoder.decode(KEY_PRESS, 36, 0, 9)


def test_a_super_key_alone_is_a_tap_and_with_another_key_is_not(decoder):
    assert decoder.decode(KEY_PRESS, 133, 0, 1) is None
    assert decoder.decode(KEY_RELEASE, 133, SUPER, 2) == KeyPressed(2, "super+tap", "shortcut")
    decoder.decode(KEY_PRESS, 133, 0, 3)
    decoder.decode(KEY_PRESS, 38, SUPER, 4)
    decoder.decode(KEY_RELEASE, 38, SUPER, 5)
    assert decoder.decode(KEY_RELEASE, 133, SUPER, 6) is None


@given(
    symbols=st.lists(st.integers(0, 0x1010FFFF), max_size=8),
    kind=st.sampled_from([KEY_PRESS, KEY_RELEASE]),
    state=st.integers(0, 0xFFFF),
)
def test_any_layout_and_any_state_give_closed_words_or_nothing(symbols, kind, state):
    decoder = KeyDecoder(make_keymap(8, [symbols], MODIFIERS))
    found = decoder.decode(kind, 8, state, 1)  # the observation refuses any other word
    assert found is None or found.t_ms == 1


@given(letters=st.lists(st.sampled_from([24, 38, 54]), min_size=1, max_size=20))
def test_letters_cannot_be_told_apart(letters):
    decoder = KeyDecoder(small_keymap())
    assert {press(decoder, code) for code in letters} == {("character", "letter")}


def test_without_a_layout_nothing_is_read():
    assert KeyDecoder(Keymap()).decode(KEY_PRESS, 38, 0, 1) is None
