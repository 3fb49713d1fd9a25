from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from deskbound_client.capture.gate import Context
from deskbound_client.capture.inbox import Picture, Seen
from deskbound_client.capture.rows import RowMaker
from deskbound_client.capture.signals import KEYS, POINTER, RHYTHM, SCREEN, WINDOWS
from deskbound_client.capture.situation import Board
from deskbound_client.store.rows import THUMB_BYTES, StoredThumb
from deskbound_strategies.observations import (
    AppFocused,
    KeyPressed,
    PointerPressed,
    PointerReleased,
)
from deskbound_strategies.vocabulary import APP_OTHER, GAP_UNKNOWN, TOKENS

ALL = KEYS | POINTER | WINDOWS | SCREEN | RHYTHM
FIRST = Context(
    known=True, app=5, bucket=0, excluded=False, private=False, exposed=False, password=False,
    scheduled=True, remote=False, locked=False, idle=False,
    window=(0, 0, 320, 160), number=1, screen=(1280, 720),
)  # fmt: skip
SECOND = replace(FIRST, app=APP_OTHER, bucket=77, number=2)
EXCLUDED = replace(FIRST, app=3, excluded=True, number=3)
BOOT = 42


def board(*contexts):
    made = Board()
    made.begin(2, 0)
    for since, context in contexts:
        made.publish(context, since)
    return made


def seen(what, stream, at=1_000, mono_s=50):
    return Seen(what, stream, 1, at, mono_s)


def key(t_ms, name="enter", sort="key"):
    return seen(KeyPressed(t_ms, name, sort), KEYS)


def names(rows):
    return [TOKENS[row.token].name for row in rows]


def test_the_first_row_says_which_application_it_is():
    maker = RowMaker(board((0, FIRST)), 2, ALL, BOOT)
    rows = maker.make(key(10))
    assert names(rows) == ["switch:terminal", "key:enter"]
    assert [row.stream for row in rows] == [WINDOWS, KEYS]
    assert {(row.app, row.boot) for row in rows} == {(5, BOOT)}


def test_without_consent_to_windows_no_application_is_told():
    rows = RowMaker(board((0, SECOND)), 2, ALL & ~WINDOWS, BOOT).make(key(10))
    assert names(rows) == ["key:enter"]
    assert (rows[0].app, rows[0].bucket) == (APP_OTHER, 0)


def test_without_consent_to_rhythm_no_pause_is_told():
    maker = RowMaker(board((0, FIRST)), 2, KEYS, BOOT)
    rows = maker.make(key(10)) + maker.make(key(5_000))
    assert {row.gap for row in rows} == {GAP_UNKNOWN}


def test_a_burst_belongs_to_the_program_it_was_typed_in():
    made = board((0, SECOND), (5_000, FIRST))
    maker = RowMaker(made, 2, ALL, BOOT)
    rows = maker.make(key(10, "letter", "character"))
    rows += maker.make(seen(AppFocused(5_000, 5), WINDOWS))
    assert names(rows) == ["switch:other", "type:letters/1", "switch:terminal"]
    assert [row.bucket for row in rows] == [77, 77, 0]


def test_a_focus_that_was_told_already_is_not_told_twice():
    maker = RowMaker(board((0, FIRST)), 2, ALL, BOOT)
    rows = maker.make(seen(AppFocused(1, 5), WINDOWS)) + maker.make(key(10))
    assert names(rows) == ["switch:terminal", "key:enter"]


def test_what_was_excluded_at_its_time_makes_no_row():
    maker = RowMaker(board((0, FIRST), (1_000, EXCLUDED), (2_000, FIRST)), 2, ALL, BOOT)
    assert maker.make(key(1_500)) == []
    assert maker.closed == 1
    assert names(maker.make(key(2_500)))[-1] == "key:enter"


def test_a_click_keeps_its_place_though_it_is_told_later():
    maker = RowMaker(board((0, FIRST)), 2, POINTER | KEYS, BOOT)
    rows = []
    for t_ms, what in (
        (10, PointerPressed(10, "left", 80 / 1280, 40 / 720)),
        (20, PointerReleased(20, "left", 80 / 1280, 40 / 720)),
        (900, PointerPressed(900, "left", 0.9, 0.9)),
        (910, PointerReleased(910, "left", 0.9, 0.9)),
    ):
        del t_ms
        rows += maker.make(seen(what, POINTER))
    rows += maker.make(key(2_000))
    assert names(rows) == ["click@0,0", "click@7,5", "key:enter"]
    assert [(row.fx, row.fy) for row in rows] == [(4, 4), (-1, -1), (-1, -1)]


def test_the_steady_clock_is_that_of_the_action():
    maker = RowMaker(board((0, FIRST)), 2, KEYS, BOOT)
    maker.make(seen(KeyPressed(10, "letter", "character"), KEYS, at=1_000, mono_s=50))
    rows = maker.make(seen(KeyPressed(9_010, "enter", "key"), KEYS, at=1_009, mono_s=59))
    assert [(row.at, row.mono_s) for row in rows] == [(1_000, 50), (1_009, 59)]


def test_a_picture_needs_one_steady_situation():
    picture = seen(Picture(1_000, bytes(THUMB_BYTES)), SCREEN)
    (row,) = RowMaker(board((0, FIRST)), 2, ALL, BOOT).make(picture)
    assert isinstance(row, StoredThumb)
    assert row.app == 5
    changing = board((0, FIRST), (1_100, SECOND))
    assert RowMaker(changing, 2, ALL, BOOT).make(picture) == []
    idle = board((0, replace(FIRST, idle=True)))
    assert RowMaker(idle, 2, ALL, BOOT).make(picture) == []


def test_what_is_open_is_told_at_the_end():
    maker = RowMaker(board((0, FIRST)), 2, KEYS, BOOT)
    typed = key(10, "digit", "character")
    assert maker.make(typed) == []
    assert maker.settle(1_000, typed) == []
    assert names(maker.finish(typed)) == ["type:digits/1"]


@given(
    steps=st.lists(
        st.tuples(st.integers(1, 400), st.sampled_from([FIRST, SECOND, EXCLUDED])), max_size=12
    ),
    times=st.lists(st.integers(0, 5_000), max_size=30),
)
def test_no_row_ever_comes_from_a_moment_in_an_excluded_program(steps, times):
    made, now, excluded = Board(), 0, []
    made.begin(2, 0)
    made.publish(FIRST, 0)
    for step, context in steps:
        if made.current is EXCLUDED:
            excluded.append((now, now + step))
        now += step
        made.publish(context, now)
    if made.current is EXCLUDED:
        excluded.append((now, 10**9))
    maker = RowMaker(made, 2, KEYS, BOOT)
    for t_ms in sorted(times):
        rows = maker.make(key(t_ms))
        if any(start <= t_ms < end for start, end in excluded):
            assert rows == []
