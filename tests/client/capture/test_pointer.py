import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbound_client.capture.pointer import BUTTON_PRESS, BUTTON_RELEASE, decode_pointer
from deskbound_strategies.observations import PointerPressed, PointerReleased, Scrolled

SCREEN = (1000, 500)


@pytest.mark.parametrize(("button", "name"), [(1, "left"), (2, "middle"), (3, "right")])
def test_buttons_have_names_and_places(button, name):
    pressed = decode_pointer(BUTTON_PRESS, button, (250, 250), SCREEN, 5)
    released = decode_pointer(BUTTON_RELEASE, button, (500, 0), SCREEN, 6)
    assert pressed == PointerPressed(5, name, 0.25, 0.5)
    assert released == PointerReleased(6, name, 0.5, 0.0)


def test_the_wheel_counts_once_a_notch():
    found = [decode_pointer(BUTTON_PRESS, button, (0, 0), SCREEN, 1) for button in (4, 5, 6, 7)]
    assert found == [Scrolled(1, way) for way in ("up", "down", "sideways", "sideways")]
    assert decode_pointer(BUTTON_RELEASE, 4, (0, 0), SCREEN, 1) is None


def test_side_buttons_have_no_word():
    assert decode_pointer(BUTTON_PRESS, 8, (0, 0), SCREEN, 1) is None


@given(
    position=st.tuples(st.integers(-(2**15), 2**15), st.integers(-(2**15), 2**15)),
    screen=st.tuples(st.integers(0, 2**15), st.integers(0, 2**15)),
)
def test_places_are_always_on_the_screen(position, screen):
    found = decode_pointer(BUTTON_PRESS, 1, position, screen, 1)
    assert 0 <= found.x <= 1
    assert 0 <= found.y <= 1
