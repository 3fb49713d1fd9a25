"""Words of a hotkey."""

import pytest
from Xlib import XK, X

from deskbound_client.config import DEFAULTS
from deskbound_client.presence.keys import Combination, parse
from deskbound_strategies.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (DEFAULTS.hotkey, Combination(X.ControlMask | X.Mod1Mask, XK.XK_p)),
        ("Ctrl + Alt + P", Combination(X.ControlMask | X.Mod1Mask, XK.XK_p)),
        ("super+pause", Combination(X.Mod4Mask, XK.XK_Pause)),
        ("pause", Combination(0, XK.XK_Pause)),
        ("f9", Combination(0, XK.XK_F9)),
        ("ctrl+shift+space", Combination(X.ControlMask | X.ShiftMask, XK.XK_space)),
    ],
)
def test_words(text, found):
    assert parse(text) == found


@pytest.mark.parametrize("text", ["", "p", "shift+p", "ctrl+", "hyper+p", "ctrl+nokey", "ctrl"])
def test_what_would_take_a_letter_from_everybody_or_is_no_key(text):
    with pytest.raises(ConfigError, match="hotkey"):
        parse(text)
