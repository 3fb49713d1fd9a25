"""The encoder: what each gesture becomes, and what holds for every stream of observations."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deskbound_strategies.encoder import Encoder
from deskbound_strategies.observations import (
    BUTTONS,
    CHARACTER_CLASSES,
    DIRECTIONS,
    AppFocused,
    KeyPressed,
    Observation,
    PointerPressed,
    PointerReleased,
    Scrolled,
)
from deskbound_strategies.vocabulary import (
    APPS,
    GAP_UNKNOWN,
    KEYS,
    SHORTCUTS,
    TOKENS,
    Kind,
    gap_bin,
)

AT = 1_795_000_000


def encode(*observations: Observation, rhythm: bool = True) -> list[str]:
    return [TOKENS[action.token].name for action in actions(*observations, rhythm=rhythm)]


def actions(*observations: Observation, rhythm: bool = True):
    encoder = Encoder(rhythm=rhythm)
    out = []
    for observation in observations:
        out += encoder.feed(observation, AT + observation.t_ms // 1000)
    return out + list(encoder.flush(AT + 10**6))


def typed(*names: str, start: int = 0, step: int = 150) -> list[Observation]:
    return [
        KeyPressed(start + step * i, name, "character" if name in CHARACTER_CLASSES else "key")
        for i, name in enumerate(names)
    ]


def click(t: int, x: float, y: float, button="left", to=None) -> list[Observation]:
    x2, y2 = to or (x, y)
    return [PointerPressed(t, button, x, y), PointerReleased(t + 80, button, x2, y2)]


def test_characters_and_spaces_become_one_burst():
    assert encode(*typed("letter", "letter", "space", "letter")) == ["type:letters/4-7"]
    assert encode(*typed("digit", "digit")) == ["type:digits/2-3"]
    assert encode(*typed("digit", "symbol")) == ["type:mixed/2-3"]


def test_a_space_outside_a_burst_is_a_key():
    assert encode(*typed("space", "letter")) == ["key:space", "type:letters/1"]


def test_a_burst_ends_at_a_key_and_at_a_pause():
    assert encode(*typed("letter", "backspace", "letter")) == [
        "type:letters/1", "key:backspace", "type:letters/1",
    ]  # fmt: skip
    assert len(encode(*typed("letter", "letter", step=2_000))) == 1
    assert len(encode(*typed("letter", "letter", step=2_001))) == 2


def test_a_held_key_is_one_press_and_a_quick_finger_is_not():
    assert encode(*typed(*["down"] * 20, step=30)) == ["key:down"]
    assert encode(*typed(*["down"] * 3, step=70)) == ["key:down"] * 3


def test_clicks_double_clicks_and_drags():
    assert encode(*click(0, 0.01, 0.01)) == ["click@0,0"]
    assert encode(*click(0, 0.5, 0.5), *click(200, 0.5, 0.5)) == ["double-click@4,3"]
    assert encode(*click(0, 0.5, 0.5), *click(600, 0.5, 0.5)) == ["click@4,3"] * 2
    assert encode(*click(0, 0.5, 0.5), *click(200, 0.1, 0.5)) == ["click@4,3", "click@0,3"]
    assert encode(*click(0, 0.5, 0.5, to=(0.9, 0.5))) == ["drag@4,3"]
    assert encode(*click(0, 0.5, 0.5, "right")) == ["right-click@4,3"]
    assert encode(*click(0, 0.5, 0.5, "middle")) == ["middle-click@4,3"]


def test_a_third_click_is_a_click_of_its_own():
    stream = [*click(0, 0.5, 0.5), *click(150, 0.5, 0.5), *click(300, 0.5, 0.5)]
    assert encode(*stream) == ["double-click@4,3", "click@4,3"]


def test_a_press_that_raises_a_window_still_ends_as_its_gesture():
    press, release = click(0, 0.2, 0.2, to=(0.8, 0.2))
    assert encode(press, AppFocused(10, APPS.index("mail")), release) == ["switch:mail", "drag@1,1"]


def test_a_button_still_down_counts_as_a_click():
    press = PointerPressed(0, "left", 0.5, 0.5)
    assert encode(press, *typed("escape", start=50)) == ["click@4,3", "key:escape"]
    assert encode(press) == ["click@4,3"]


def test_notches_merge_until_a_pause_or_a_turn():
    down = [Scrolled(t, "down") for t in (0, 100, 1_000, 2_001, 2_100)]
    assert encode(*down) == ["scroll-down", "scroll-down"]
    assert encode(Scrolled(0, "down"), Scrolled(50, "up")) == ["scroll-down", "scroll-up"]


def test_actions_name_the_application_they_happened_in():
    mail = APPS.index("mail")
    found = actions(*typed("letter"), AppFocused(500, mail), *typed("enter", start=900))
    assert [APPS[action.app] for action in found] == ["other", "mail", "mail"]


@pytest.mark.parametrize("pause", [0, 250, 251, 999, 1_001, 14_000, 59_000, 61_000])
def test_a_gap_is_the_pause_between_two_actions(pause):
    first, second = actions(*typed("enter"), *typed("tab", start=pause))
    assert (first.gap, second.gap) == (GAP_UNKNOWN, gap_bin(pause))


def test_a_gap_counts_from_the_end_of_a_burst():
    burst = typed(*["letter"] * 21)  # ends after 3 s
    assert actions(*burst, *typed("enter", start=3_100))[1].gap == gap_bin(100)


def test_settle_closes_only_what_can_no_longer_grow():
    encoder = Encoder()
    assert encoder.feed(Scrolled(0, "up"), AT) == ()
    assert encoder.settle(1_000) == ()
    (action,) = encoder.settle(1_001)
    assert TOKENS[action.token].name == "scroll-up"
    assert encoder.settle(9_999) == encoder.flush(AT) == ()


def test_values_outside_the_closed_lists_are_refused():
    for make in (
        lambda: KeyPressed(0, "a", "character"),
        lambda: KeyPressed(0, "letter", "key"),
        lambda: KeyPressed(0, "letter", "text"),
        lambda: PointerPressed(0, "button8", 0, 0),
        lambda: PointerReleased(0, "button8", 0, 0),
        lambda: Scrolled(0, "in"),
        lambda: AppFocused(0, len(APPS)),
    ):
        with pytest.raises(ValueError, match="closed list"):
            make()


PLACES = st.sampled_from([0.0, 0.1, 0.105, 0.5, 1.0])
STEPS = st.sampled_from([0, 30, 59, 61, 150, 400, 401, 1_001, 2_001, 70_000])
KEY_NAMES = (
    [(name, "character") for name in CHARACTER_CLASSES]
    + [(name, "key") for name in KEYS]
    + [(name, "shortcut") for name in SHORTCUTS]
)
MAKERS = st.one_of(
    st.sampled_from(KEY_NAMES).map(lambda key: lambda t: KeyPressed(t, *key)),
    st.tuples(st.sampled_from(BUTTONS), PLACES, PLACES).map(
        lambda v: lambda t: PointerPressed(t, *v)
    ),
    st.tuples(st.sampled_from(BUTTONS), PLACES, PLACES).map(
        lambda v: lambda t: PointerReleased(t, *v)
    ),
    st.sampled_from(DIRECTIONS).map(lambda v: lambda t: Scrolled(t, v)),
    st.integers(0, len(APPS) - 1).map(lambda v: lambda t: AppFocused(t, v)),
)


@st.composite
def streams(draw) -> list[Observation]:
    t, out = 0, []
    for make, step in draw(st.lists(st.tuples(MAKERS, STEPS), max_size=40)):
        t += step
        out.append(make(t))
    return out


def count(names: list[str], *kinds: Kind) -> int:
    words = tuple(kind.name.lower().replace("_", "-") for kind in kinds)
    return sum(name.split("@")[0].split(":")[0] in words for name in names)


@settings(max_examples=200, deadline=None)
@given(streams())
def test_nothing_is_lost_and_nothing_is_invented(stream):
    names = encode(*stream)
    presses = sum(isinstance(o, PointerPressed) for o in stream)
    pointer = count(names, Kind.CLICK, Kind.MIDDLE_CLICK, Kind.RIGHT_CLICK, Kind.DRAG)
    assert pointer + 2 * count(names, Kind.DOUBLE_CLICK) == presses
    assert count(names, Kind.SWITCH) == sum(isinstance(o, AppFocused) for o in stream)
    for sort, kind in (("key", Kind.KEY), ("shortcut", Kind.SHORTCUT)):
        wanted = {o.name for o in stream if isinstance(o, KeyPressed) and o.sort == sort}
        found = {name.split(":")[1] for name in names if count([name], kind)}
        # A space may have gone into a burst; every other key and shortcut is named at least once.
        assert wanted - {"space"} <= found <= wanted
    assert bool(count(names, Kind.TYPE)) == any(
        isinstance(o, KeyPressed) and o.sort == "character" for o in stream
    )
    for direction in DIRECTIONS:
        kind = Kind[f"SCROLL_{direction.upper()}"]
        seen = any(isinstance(o, Scrolled) and o.direction == direction for o in stream)
        assert bool(count(names, kind)) == seen


@settings(max_examples=100, deadline=None)
@given(streams())
def test_wall_clock_never_goes_back(stream):
    times = [action.at for action in actions(*stream)]
    assert times == sorted(times)


@settings(max_examples=100, deadline=None)
@given(streams(), streams())
def test_a_flush_leaves_no_trace(before, after):
    encoder = Encoder()
    for observation in before:
        encoder.feed(observation, AT)
    encoder.flush(AT)
    again = [a for o in after for a in encoder.feed(o, AT)] + list(encoder.flush(AT))
    fresh = Encoder()
    assert again == [a for o in after for a in fresh.feed(o, AT)] + list(fresh.flush(AT))


@settings(max_examples=100, deadline=None)
@given(streams())
def test_without_the_rhythm_stream_no_gap_is_kept(stream):
    assert {action.gap for action in actions(*stream, rhythm=False)} <= {GAP_UNKNOWN}
    assert encode(*stream, rhythm=False) == encode(*stream)
