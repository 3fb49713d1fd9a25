"""What accessibility tells while the watch looks: what closes counts at once, what opens later."""

from types import SimpleNamespace

import pytest

from deskbound_client.capture import surroundings
from deskbound_client.capture.attention import PASSWORD_TEXT, Attention, Field, Frame
from deskbound_client.capture.gate import Context
from deskbound_client.capture.private_windows import Family
from deskbound_client.capture.rules import RuleFile, Rules
from deskbound_client.capture.surroundings import Surroundings
from deskbound_client.capture.windows import Application, Look

BROWSER = Look(Application(1, 0, excluded=False, family=Family.NAMED), excluded=False, pid=7)
ENTRY = 79  # ATSPI_ROLE_ENTRY


@pytest.fixture
def told(tmp_path):
    attention = Attention()
    around = Surroundings(RuleFile(Rules(), tmp_path / "config.toml"), lambda _: 1, attention)
    return attention, around


def frame(private: bool | None) -> Frame:
    return Frame("sender", "window", 7, private)


def test_that_a_window_is_ordinary_counts_from_the_next_beat_on(told):
    attention, around = told
    attention.activated(frame(private=True), 0.0)
    around.refresh()
    attention.activated(frame(private=False), 0.0)
    assert around.apply(Context(), BROWSER).private is True
    around.refresh()
    assert around.apply(Context(), BROWSER).private is False


def test_that_a_window_is_private_counts_at_once(told):
    attention, around = told
    attention.activated(frame(private=False), 0.0)
    around.refresh()
    attention.activated(frame(private=True), 0.0)
    assert around.apply(Context(), BROWSER).private is True


def test_that_a_password_field_was_left_counts_from_the_next_beat_on(told):
    attention, around = told
    attention.joined("sender", 7)
    around.refresh()
    attention.focused(Field("sender", "entry", 7, ENTRY), 0.0)
    assert around.apply(Context(), BROWSER).password is True
    around.refresh()
    assert around.apply(Context(), BROWSER).password is False
    attention.focused(Field("sender", "secret", 7, PASSWORD_TEXT), 0.0)
    assert around.apply(Context(), BROWSER).password is True


def test_after_a_fall_silent_another_window_is_judged_anew(told):
    attention, around = told
    attention.unsure()
    around.refresh()
    assert around.apply(Context(), BROWSER).password is True
    around.moved(0)
    assert around.apply(Context(), BROWSER).password is True, "no window is active"
    around.moved(1)
    assert around.apply(Context(), BROWSER).password is None


def test_another_window_asks_for_news_and_the_same_one_again_does_not(told, monkeypatch):
    attention, around = told
    now = SimpleNamespace(monotonic=lambda: 100.0)
    monkeypatch.setattr(surroundings, "time", now)
    attention.activated(frame(private=False), 100.0)
    around.refresh()
    around.moved(1)
    now.monotonic = lambda: 200.0
    for window in (0, 1):
        around.moved(window)
        assert around.apply(Context(), BROWSER).private is False
    around.moved(2)
    assert around.apply(Context(), BROWSER).private is None
