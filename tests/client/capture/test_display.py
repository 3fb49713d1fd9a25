import pytest

from deskbound_client.capture.display import find_display
from deskbound_strategies.errors import NoDisplayError, WaylandError
from tests.helpers.display import desktop

__all__ = ["desktop"]


@pytest.mark.parametrize(
    "environ",
    [
        {"XDG_SESSION_TYPE": "wayland", "DISPLAY": ":0"},
        {"WAYLAND_DISPLAY": "wayland-0", "DISPLAY": ":0"},
    ],
)
def test_wayland_is_said_plainly_even_when_it_offers_an_x_display(environ):
    with pytest.raises(WaylandError) as caught:
        find_display(environ)
    assert "Wayland" in caught.value.sentence
    assert caught.value.mend


@pytest.mark.parametrize("environ", [{}, {"DISPLAY": ""}, {"DISPLAY": ":9871"}])
def test_a_missing_display_is_one_sentence_and_a_mend(environ):
    with pytest.raises(NoDisplayError) as caught:
        find_display(environ)
    assert caught.value.mend


@pytest.mark.display
def test_a_display_that_answers_is_found(desktop):
    assert find_display(desktop.environment) == desktop.name
