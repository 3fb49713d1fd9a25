import contextlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbound_client.capture.control import Control
from deskbound_client.capture.gate import Context
from deskbound_client.capture.inbox import Inbox
from deskbound_client.capture.pulse import TROUBLE_SECONDS, Pulse
from deskbound_client.capture.recorder import UNCONFIRMED_SECONDS, Recorder
from deskbound_client.capture.signals import KEYS, POINTER, RHYTHM
from deskbound_client.capture.situation import Board
from deskbound_client.store.rows import StoredAction, StoredGap
from deskbound_client.store.writer import Writer
from deskbound_strategies.errors import DiskFullError
from deskbound_strategies.observations import KeyPressed, Scrolled
from deskbound_strategies.vocabulary import TOKENS

OPEN = Context(
    known=True, app=5, excluded=False, private=False, exposed=False, password=False,
    scheduled=True, remote=False, locked=False, idle=False, number=1,
)  # fmt: skip


class MemoryVault:
    """Keeps rows as the real one does: all of a call, or none if they are not wanted any more."""

    def __init__(self):
        self.rows = []
        self.full = False

    @contextlib.contextmanager
    def committing(self):
        yield

    def append(self, rows, *, still_wanted=lambda: True):
        if self.full:
            raise DiskFullError("There is no room.", "Make some.")
        if not still_wanted():
            return 0
        self.rows += rows
        return len(rows)


class Bench:
    """A recorder whose steps are taken by hand."""

    def __init__(self, folder, limit=1_000):
        self.now = 1_000.0
        self.set_by = 0.0  # how far the wall clock is from where it was
        self.began = 0  # server time at which the watch first saw the word of now
        self.control = Control.create(folder / "control")
        self.control.set_streams(KEYS | POINTER)
        self.board, self.inbox, self.vault = Board(), Inbox(limit), MemoryVault()
        self.board.publish(OPEN, 0)
        self.board.begin(self.control.word(), 0)
        self.writer = Writer(self.vault, self.control, clock=lambda: self.now)
        self.recorder = Recorder(
            self.inbox,
            self.board,
            self.control,
            self.writer,
            boot=1,
            clock=lambda: self.now + self.set_by,
            steady=lambda: self.now,
        )
        self.recorder.step()

    def key(self, t_ms, name="enter"):
        self.inbox.put(KeyPressed(t_ms, name, "key"), KEYS, self.control.generation)

    def go(self, confirmed_ms=None):
        self.board.begin(self.control.word(), self.began)
        if confirmed_ms is not None:
            self.board.confirm(confirmed_ms)
        self.now += 0.3
        self.recorder.step()
        self.now += 0.3
        self.recorder.step()

    @property
    def names(self):
        return [TOKENS[r.token].name for r in self.vault.rows if isinstance(r, StoredAction)]


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def test_an_observation_waits_until_its_moment_is_confirmed(bench):
    bench.key(1_000)
    bench.go(confirmed_ms=1_200)
    assert bench.names == []
    bench.go(confirmed_ms=1_250)
    assert bench.names == ["key:enter"]


def test_what_two_taps_saw_is_put_in_the_order_of_the_server(bench):
    bench.key(1_020, "home")
    bench.inbox.put(Scrolled(1_010, "up"), POINTER, bench.control.generation)
    bench.key(1_000, "tab")
    bench.go(confirmed_ms=9_000)
    assert bench.names == ["key:tab", "scroll-up", "key:home"]


def test_a_pause_drops_the_queue_the_open_gesture_and_the_uncommitted(bench):
    bench.inbox.put(KeyPressed(900, "letter", "character"), KEYS, bench.control.generation)
    bench.key(1_000)
    bench.board.confirm(9_000)
    bench.recorder.step()  # encoded, with the writer, not yet committed
    bench.inbox.put(KeyPressed(1_100, "letter", "character"), KEYS, bench.control.generation)
    bench.control.pause()
    bench.go(confirmed_ms=20_000)
    bench.control.resume()
    bench.go(confirmed_ms=30_000)
    assert bench.names == []
    bench.key(31_000, "tab")
    bench.go(confirmed_ms=40_000)
    assert bench.names == ["key:tab"]


def test_a_key_pressed_during_a_pause_and_delivered_after_it_is_dropped(bench):
    bench.control.pause()
    bench.go()
    bench.control.resume()
    bench.key(1_000)  # the callback runs under the new word
    bench.began = 1_500
    bench.key(1_600, "tab")
    bench.go(confirmed_ms=9_000)
    assert bench.names == ["key:tab"]


def test_consent_taken_back_drops_what_waits(bench):
    bench.key(1_000)
    bench.control.set_streams(0)
    bench.go(confirmed_ms=9_000)
    bench.control.set_streams(KEYS)
    bench.go(confirmed_ms=10_000)
    assert bench.names == []


def test_a_full_disk_is_waited_out_and_nothing_is_lost(bench):
    bench.vault.full = True
    bench.key(1_000)
    bench.go(confirmed_ms=9_000)
    assert bench.recorder.disk_full
    assert bench.names == []
    bench.vault.full = False
    bench.go()
    assert bench.names == ["key:enter"]
    assert not bench.recorder.disk_full


def test_counts_are_of_rows_on_the_disk(bench):
    bench.key(1_000)
    bench.vault.full = True
    bench.go(confirmed_ms=9_000)
    assert bench.recorder.counts() == {}
    bench.vault.full = False
    bench.go()
    assert bench.recorder.counts() == {"keys": 1}
    bench.now += 100
    assert bench.recorder.counts() == {}


def test_rows_count_also_while_so_many_come_that_some_always_wait(bench):
    at = 1_000
    for _ in range(20):
        for name in ("home", "delete") * 43:
            bench.key(at, name)
            at += 1
        bench.board.confirm(at + 1_000)
        bench.now += 0.1
        bench.recorder.step()
        assert bench.writer.waiting, "some always wait"
    assert bench.recorder.counts() == {"keys": bench.writer.stored}
    assert bench.writer.stored > 1_000


def test_what_stays_unconfirmed_is_dropped_with_a_hole(bench):
    bench.key(1_000)
    bench.go(confirmed_ms=1_000)
    for _ in range(UNCONFIRMED_SECONDS + 1):
        bench.now += 1
        bench.recorder.step()
    bench.go(confirmed_ms=9_000)
    assert bench.names == []
    holes = [row for row in bench.vault.rows if isinstance(row, StoredGap)]
    assert [hole.cause for hole in holes] == ["lag"]


def test_a_hold_up_of_the_whole_process_drops_nothing(bench):
    bench.key(1_000)
    bench.go(confirmed_ms=1_000)
    bench.now += 3_600  # asleep, or stopped: the watch could not confirm anything either
    bench.recorder.step()
    bench.go(confirmed_ms=9_000)
    assert bench.names == ["key:enter"]


@pytest.mark.parametrize("set_by", [-315_576_000, -3_600, 3_600, 315_576_000])
def test_a_clock_that_is_set_drops_nothing_and_leaves_the_counts_right(bench, set_by):
    bench.key(1_000)
    bench.go(confirmed_ms=1_000)
    bench.set_by = set_by
    bench.go(confirmed_ms=9_000)
    assert bench.names == ["key:enter"]
    assert [row for row in bench.vault.rows if isinstance(row, StoredGap)] == []
    assert bench.recorder.counts() == {"keys": 1}
    bench.now += 100
    assert bench.recorder.counts() == {}


def test_what_does_not_fit_becomes_a_hole(tmp_path):
    bench = Bench(tmp_path, limit=3)
    for t_ms in range(5):
        bench.key(t_ms * 100)
    bench.go(confirmed_ms=9_000)
    assert len(bench.names) == 3
    assert any(isinstance(row, StoredGap) and row.cause == "lag" for row in bench.vault.rows)


def test_a_finishing_recorder_commits_what_may_be_kept(bench):
    bench.inbox.put(KeyPressed(1_000, "letter", "character"), KEYS, bench.control.generation)
    bench.board.confirm(1_500)
    bench.recorder.start()
    bench.recorder.stop()
    bench.recorder.join(10)
    assert not bench.recorder.is_alive()
    assert bench.names == ["type:letters/1"]
    assert bench.recorder.faults == 0


def test_an_unexpected_fault_ends_the_thread_and_is_counted(bench):
    bench.recorder._maker = None
    bench.key(1_000)
    bench.board.confirm(9_000)
    bench.recorder.start()
    bench.recorder.join(10)
    assert not bench.recorder.is_alive()
    assert bench.recorder.faults == 1


@given(steps=st.lists(st.sampled_from(["key", "step", "pause", "resume", "bump"]), max_size=40))
def test_only_what_was_pressed_in_the_present_open_state_is_ever_stored(tmp_path_factory, steps):
    bench = Bench(tmp_path_factory.mktemp("recorder"))
    t_ms, pressed = 1_000, {}
    for step in steps:
        stored_before = len(bench.vault.rows)
        if step == "key":
            t_ms += 1_000
            if not bench.control.paused:
                pressed[len(pressed)] = bench.control.generation
                bench.key(t_ms)
        elif step == "step":
            open_now = [g for g in pressed.values() if g == bench.control.generation]
            bench.go(confirmed_ms=t_ms + 300)
            new = len(bench.vault.rows) - stored_before
            assert new <= (0 if bench.control.paused else len(open_now))
        else:
            getattr(bench.control, step)()
            assert len(bench.vault.rows) == stored_before
    bench.control.close()


@pytest.fixture
def pulse(bench):
    bench.inbox.pulse = Pulse(lambda: bench.now)
    return bench.inbox.pulse


def type_for(bench, seconds, confirmed=lambda at: at - 300):
    """Press a key twice a second, as the watch confirms what is older than that."""
    for at in range(1_000, 1_000 + seconds * 1_000, 500):
        bench.key(at, "home" if at % 1_000 else "end")
        bench.go(confirmed_ms=confirmed(at))


def test_rows_that_come_are_no_trouble_however_long_somebody_types(bench, pulse):
    type_for(bench, 60)
    assert pulse.in_trouble() == set()
    assert pulse.seen()[KEYS] > 90
    assert len(bench.names) > 100


def test_input_of_which_nothing_is_stored_is_trouble(bench, pulse):
    """Whatever is broken on the way: the watch confirms nothing, or the disk takes nothing."""
    type_for(bench, int(TROUBLE_SECONDS), confirmed=lambda _: None)
    assert bench.names == []
    assert pulse.in_trouble() == {KEYS}


def test_a_full_disk_is_trouble_and_its_end_is_the_end_of_it(bench, pulse):
    bench.vault.full = True
    type_for(bench, int(TROUBLE_SECONDS))
    assert pulse.in_trouble() == {KEYS}
    assert bench.recorder.disk_full
    bench.vault.full = False
    bench.go(confirmed_ms=90_000)
    assert bench.names
    assert pulse.in_trouble() == set()


def test_what_the_second_look_keeps_out_is_no_trouble(bench, pulse):
    bench.board.publish(replace(OPEN, excluded=True), 900)
    type_for(bench, int(TROUBLE_SECONDS) + 5)
    assert bench.names == []
    assert pulse.in_trouble() == set()


def test_pauses_between_actions_count_as_rhythm_where_they_are_kept(bench):
    bench.control.set_streams(KEYS | RHYTHM)
    bench.recorder.step()
    for at, name in ((1_000, "home"), (1_400, "end")):
        bench.key(at, name)
    bench.go(confirmed_ms=9_000)
    assert bench.recorder.counts() == {"keys": 2, "rhythm": 1}, "the first has nothing before it"


def told(bench):
    """What the status would say of the time before."""
    pulse = bench.inbox.pulse
    return bench.recorder.counts(), pulse.seen(), pulse.holes(bench.now)


def test_after_forgetting_nothing_is_said_of_the_time_before(bench):
    bench.key(1_000)
    bench.inbox.put_hole(StoredGap(990, 995, "lock"))
    bench.go(confirmed_ms=9_000)
    bench.now += 1.0
    bench.recorder.step()
    before = told(bench)
    assert all(before)
    bench.control.pause()
    bench.go()
    bench.control.resume()
    bench.go()
    assert told(bench)[2], "a pause takes no hole away"
    bench.control.bump()
    bench.recorder.step()
    assert told(bench) == ({}, {}, [])
