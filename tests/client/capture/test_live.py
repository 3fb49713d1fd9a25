"""Capture of real input: Xvfb, openbox, real programs, XTEST."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import pytest
from Xlib import X
from Xlib import display as xdisplay

from deskbound_client.capture import signals
from deskbound_client.capture.settings import CaptureConfig
from deskbound_client.capture.status import read_status
from deskbound_strategies.vocabulary import APPS, GAP_UNKNOWN, TOKENS, Kind, cell_at
from tests.helpers.display import agree, capturing, desktop, eventually

__all__ = ["desktop"]
pytestmark = pytest.mark.display


# A shell that is still starting dies of the ctrl+c that a test presses, and its window with it.
_HARDY = "trap '' INT QUIT TSTP; while :; do cat > /dev/null; done"


@dataclass
class Work:
    """Two programs side by side on the private desktop."""

    terminal: int
    calculator: int


@pytest.fixture(scope="module")
def programs(desktop) -> Iterator[Work]:
    terminal = desktop.open("xterm", "-e", "sh", "-c", _HARDY)
    calculator = desktop.open("xcalc")
    desktop.place(terminal, 20, 40, 600, 300)
    desktop.place(calculator, 700, 40, 300, 300)
    yield Work(terminal, calculator)
    desktop.close_all()


@pytest.fixture
def work(desktop, programs) -> Iterator[Work]:
    desktop.activate(programs.terminal)
    yield programs
    for window in desktop.windows() - {programs.terminal, programs.calculator}:
        desktop.close(window)


def test_no_window_is_active_so_nothing_is_read(desktop, tmp_path):
    desktop.close_all()
    with capturing(tmp_path / "home", desktop) as session:
        desktop.type("abcdef\n")
        desktop.click(5, 5)
        session.settled()
        assert session.names() == []
        assert session.capture._board.current.known is False


def test_typed_text_becomes_a_burst_and_keys_keep_their_names(desktop, work, tmp_path):
    with capturing(tmp_path / "home", desktop) as session:
        desktop.type("wholly secret\n")
        desktop.press("Control_L", "c")
        desktop.press("Shift_L", "Left")
        desktop.press("F5")
        names = session.until(
            "type:letters/8-15", "key:enter", "shortcut:ctrl+c", "shortcut:shift+arrow", "key:f5"
        )
    keys = [name for name in names if not name.startswith("switch")]
    assert keys == [
        "type:letters/8-15", "key:enter", "shortcut:ctrl+c", "shortcut:shift+arrow", "key:f5",
    ]  # fmt: skip


def test_a_held_key_counts_once(desktop, work, tmp_path):
    with capturing(tmp_path / "home", desktop) as session:
        down = desktop._code("Down")[0]
        from Xlib.ext import xtest

        xtest.fake_input(desktop.connection, X.KeyPress, down)
        desktop.connection.sync()
        repeats = desktop.connection.get_keyboard_control().global_auto_repeat
        assert repeats == X.AutoRepeatModeOn
        time.sleep(0.9)  # the server itself repeats a held key after 0.66 s
        xtest.fake_input(desktop.connection, X.KeyRelease, down)
        desktop.press("Home")
        names = session.until("key:home")
    assert names.count("key:down") == 1


def test_clicks_land_in_their_cells_and_windows(desktop, work, tmp_path):
    with capturing(tmp_path / "home", desktop) as session:
        desktop.click(320, 190)
        desktop.press("Escape")
        desktop.click(330, 190, button=3)
        desktop.press("Escape")
        desktop.drag((100, 100), (500, 300))
        desktop.press("Escape")
        desktop.scroll(-3)
        desktop.press("Escape")
        session.until("scroll-down", "key:escape")
        session.settled()
        rows = [row for row in session.actions() if row.stream == signals.POINTER]
    found = [(TOKENS[row.token].kind, TOKENS[row.token].argument) for row in rows]
    width, height = 1280, 720
    # A machine that is busy between two turns of the wheel makes two gestures of them.
    assert [pair for pair, _ in groupby(found)] == [
        (Kind.CLICK, cell_at(320 / width, 190 / height)),
        (Kind.RIGHT_CLICK, cell_at(330 / width, 190 / height)),
        (Kind.DRAG, cell_at(100 / width, 100 / height)),
        (Kind.SCROLL_DOWN, 0),
    ]
    assert all(0 <= row.fx < 16 and 0 <= row.fy < 16 for row in rows[:3])
    assert abs(rows[0].fx - 8) <= 1  # the middle of the terminal
    assert {row.fx for row in rows[3:]} == {-1}


def test_a_double_click_is_one_action(desktop, work, tmp_path):
    with capturing(tmp_path / "home", desktop) as session:
        desktop.click(320, 190, times=2)
        desktop.press("Escape")
        names = session.until("key:escape")
    assert [name.split("@")[0] for name in names if "click" in name] == ["double-click"]


def test_switching_programs_gives_categories_and_never_names(desktop, work, tmp_path):
    with capturing(tmp_path / "home", desktop) as session:
        desktop.activate(work.calculator)
        session.until("switch:calculator")  # what comes amid a switch may be of either window
        desktop.type("12")
        session.until("type:digits/2-3")
        desktop.activate(work.terminal)
        session.until("switch:terminal")
        rows = session.actions()
    typed = next(row for row in rows if TOKENS[row.token].kind is Kind.TYPE)
    assert APPS[typed.app] == "calculator"
    assert all(row.bucket == 0 for row in rows)


def test_an_unknown_program_is_other_with_a_local_number(desktop, work, tmp_path):
    desktop.open("xmessage", "-buttons", "", "-name", "diary", "x")
    with capturing(tmp_path / "home", desktop) as session:
        desktop.type("abc")
        desktop.press("Escape")
        session.until("switch:other", "key:escape")
        rows = session.actions()
        expected = session.vault.app_bucket("xmessage")
    assert {row.bucket for row in rows} == {expected}


def test_an_excluded_program_leaves_no_row_and_no_picture(desktop, work, tmp_path):
    desktop.activate(work.calculator)
    config = CaptureConfig(excluded_apps=("calculator",), thumbnail_seconds=1)
    with capturing(tmp_path / "home", desktop, config=config) as session:
        for _ in range(5):  # back and forth as fast as the window manager can
            desktop.type("1234567890")
            desktop.click(850, 200)
            desktop.activate(work.terminal)
            desktop.press("Escape")
            desktop.activate(work.calculator)
            desktop.press("F1")
        desktop.activate(work.terminal)
        session.notices(work.terminal)
        desktop.press("Tab")
        session.until("key:tab")
        session.settled()
        names, rows = session.names(), session.actions()
    assert not any(name.startswith("type") or name == "key:f1" for name in names)
    assert {APPS[row.app] for row in rows} == {"terminal"}


@pytest.mark.parametrize(
    ("kept", "absent"),
    [
        (signals.KEYS, {"pointer", "windows"}),
        (signals.POINTER, {"keys", "windows"}),
        (signals.WINDOWS, {"keys", "pointer"}),
    ],
)
def test_only_what_was_agreed_to_is_kept(desktop, work, tmp_path, kept, absent):
    with capturing(tmp_path / "home", desktop, streams=kept) as session:
        desktop.type("abc\n")
        desktop.click(320, 190)
        session.settled()  # what comes amid a switch is nobody's, and kept for nobody
        desktop.activate(work.calculator)
        session.settled()
        desktop.press("Escape")
        eventually(lambda: bool(session.actions()), "a row")
        session.settled()
        rows = session.actions()
        assert session.thumbs() == []
    assert {row.stream for row in rows} == {kept}
    assert {row.gap for row in rows} == {GAP_UNKNOWN}  # no rhythm either
    if kept != signals.WINDOWS:
        assert {APPS[row.app] for row in rows} == {"other"}
        assert {row.bucket for row in rows} == {0}


def test_without_any_consent_nothing_even_listens(desktop, work, tmp_path):
    with capturing(tmp_path / "home", desktop, streams=signals.UPDATES) as session:
        desktop.type("abc\n")
        eventually(lambda: read_status(session.home / "run" / "capture.json") is not None, "status")
        keepers = [*session.capture._taps._keepers.values(), session.capture._watch]
        assert not any(keeper.running for keeper in keepers)
        assert session.names() == []
        assert session.vault.days() == []


def test_consent_given_and_taken_back_while_running(desktop, work, tmp_path):
    with capturing(tmp_path / "home", desktop, streams=signals.POINTER) as session:
        keys = session.capture._taps._keepers[signals.KEYS]
        desktop.press("F1")
        agree(session.vault, session.control, signals.POINTER | signals.KEYS)
        eventually(lambda: keys.running, "the keyboard tap")
        eventually(keys._listener.ready.is_set, "ready")
        session.notices(work.terminal)
        desktop.press("F2")
        assert session.until("key:f2") == ["key:f2"]
        agree(session.vault, session.control, signals.POINTER)
        desktop.press("F3")
        eventually(lambda: not keys.running, "the tap to end")
        session.settled()
        assert session.names() == ["key:f2"]


def test_a_bit_in_the_control_file_is_no_consent(desktop, work, tmp_path):
    with capturing(tmp_path / "home", desktop, streams=signals.POINTER) as session:
        session.control.set_streams(signals.POINTER | signals.KEYS | signals.SCREEN)
        eventually(lambda: session.control.streams == signals.POINTER, "the bits to be taken back")
        session.notices(work.terminal)
        desktop.press("F1")
        desktop.click(300, 200)
        session.until("click@1,1")
        session.settled()
        assert session.names() == ["click@1,1"]
        assert session.thumbs() == []


def test_nothing_is_stored_after_a_pause_under_load(desktop, work, tmp_path):
    with capturing(tmp_path / "home", desktop) as session:
        for _ in range(5):
            session.notices(work.terminal)
            for _ in range(40):
                desktop.press("F2")
                desktop.press("F3")
            session.control.pause()
            before = len(session.actions())  # pause has returned: no commit is under way
            for _ in range(40):
                desktop.press("F9")
            session.control.resume()
            session.notices(work.terminal)
            session.settled()
            # what was queued before the pause does not come back with the resume either
            rows = session.actions()
            assert len(rows) == before
        assert "key:f9" not in session.names()


def test_pictures_show_the_active_window_and_nothing_else(desktop, work, tmp_path):
    config = CaptureConfig(thumbnail_seconds=1)
    with capturing(tmp_path / "home", desktop, streams=signals.SCREEN, config=config) as session:
        eventually(lambda: bool(session.thumbs()), "a thumbnail")
        thumb = session.thumbs()[0]
    cells = [nibble for byte in thumb.pixels for nibble in (byte >> 4, byte & 15)]
    lit = {(i % 64, i // 64) for i, cell in enumerate(cells) if cell}
    assert lit  # the terminal is white
    assert (
        max(x for x, _ in lit) <= 620 // 20 + 1
    )  # 20 pixels a cell; the calculator is right of it
    assert max(y for _, y in lit) <= 345 // 20 + 1


def test_a_lock_screen_closes_the_gate(desktop, work, tmp_path):
    config = CaptureConfig(gap_seconds=0)
    with capturing(tmp_path / "home", desktop, config=config) as session:
        connection = xdisplay.Display(desktop.name)
        screen = connection.screen()
        cover = screen.root.create_window(
            0, 0, 1280, 720, 0, screen.root_depth, override_redirect=True, background_pixel=0
        )
        cover.map()
        connection.sync()
        desktop.type("password\n")
        eventually(lambda: session.capture._board.current.locked is True, "the lock")
        desktop.type("password\n")
        # What is over before the next tick is no hole, and on a busy machine ticks are rare.
        eventually(lambda: "lock" in session.capture._holes._since, "a tick amid the lock")
        cover.destroy()
        connection.sync()
        eventually(lambda: session.capture._board.current.locked is False, "the unlocking")
        session.notices(work.terminal)
        desktop.press("F5")
        names = session.until("key:f5")
        eventually(lambda: any(gap.cause == "lock" for gap in session.gaps()), "the hole")
        connection.close()
    assert not any(name.startswith("type") or name == "key:enter" for name in names)


def test_a_dead_tap_is_started_again_and_the_hole_recorded(desktop, work, tmp_path):
    config = CaptureConfig(gap_seconds=0)
    with capturing(tmp_path / "home", desktop, config=config) as session:
        callback = session.capture._keys
        decoder, callback._decoder = callback._decoder, None  # every key now raises inside
        desktop.press("F1")
        eventually(lambda: session.capture._taps.faults >= 1, "the death of the tap")
        callback._decoder = decoder
        keeper = session.capture._taps._keepers[signals.KEYS]
        eventually(lambda: keeper.running and keeper._listener.ready.is_set(), "a new tap")
        desktop.press("F2")
        names = session.until("key:f2")
        eventually(lambda: any(gap.cause == "crash" for gap in session.gaps()), "the hole")
        eventually(
            lambda: (read_status(session.home / "run" / "capture.json") or 0).faults >= 1, "status"
        )
    assert "key:f1" not in names


def test_another_layout_keeps_the_classes_right(desktop, work, tmp_path):
    with capturing(tmp_path / "home", desktop) as session:
        desktop.start("setxkbmap", "fr").wait()
        try:
            eventually(lambda: session.capture._keys._decoder.keymap.keys[10].shortcut != "digit",
                       "the new layout")  # fmt: skip
            plain = desktop._code("F4")  # the connection must learn of it too
            assert plain
            from Xlib.ext import xtest

            for code in (10, 11, 12):  # the digit row, which types symbols without shift
                xtest.fake_input(desktop.connection, X.KeyPress, code)
                xtest.fake_input(desktop.connection, X.KeyRelease, code)
            desktop.connection.sync()
            session.until("type:mixed/2-3")
        finally:
            desktop.start("setxkbmap", "us").wait()


def test_status_counts_rows_on_the_disk(desktop, work, tmp_path):
    path = tmp_path / "home" / "run" / "capture.json"
    with capturing(tmp_path / "home", desktop) as session:
        desktop.press("F5")
        session.until("key:f5")
        eventually(lambda: (read_status(path) or 0).rows_last_minute.get("keys") == 1, "the count")
        status = read_status(path)
        assert status.state == "open"
        assert status.streams == ("keys", "pointer", "windows", "screen", "rhythm")
        session.control.pause()
        eventually(lambda: read_status(path).state == "paused", "the pause")
        assert path.stat().st_mode & 0o777 == 0o600
    assert read_status(path).state == "stopped"


def test_a_clean_end_keeps_what_was_under_way(desktop, work, tmp_path):
    with capturing(tmp_path / "home", desktop) as session:
        desktop.type("unfinished")
        # the program it is typed in, and ten letters
        eventually(lambda: session.capture._recorder._order == 11, "the keys")
        session.capture.stop()
        assert "type:letters/8-15" in session.names()
