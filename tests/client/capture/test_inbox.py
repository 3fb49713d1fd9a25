import pytest

from deskbound_client.capture.inbox import Holes, Inbox
from deskbound_client.capture.signals import KEYS
from deskbound_client.store.rows import StoredGap
from deskbound_strategies.observations import KeyPressed

ENTER = KeyPressed(1, "enter", "key")


def test_what_is_put_is_taken_once_in_order():
    inbox = Inbox(10)
    for t_ms in range(3):
        inbox.put(KeyPressed(t_ms, "enter", "key"), KEYS, 7)
    assert inbox.arrived.is_set()
    taken = inbox.take()
    assert [seen.what.t_ms for seen in taken] == [0, 1, 2]
    assert {(seen.stream, seen.generation) for seen in taken} == {(KEYS, 7)}
    assert inbox.take() == []
    assert not inbox.arrived.is_set()


def test_a_full_inbox_drops_the_newest_and_says_so():
    inbox = Inbox(2)
    for t_ms in range(5):
        inbox.put(KeyPressed(t_ms, "enter", "key"), KEYS, 1)
    assert [seen.what.t_ms for seen in inbox.take()] == [0, 1]
    (hole,) = inbox.take_holes()
    assert hole.cause == "lag"
    assert inbox.take_holes() == []


class Hours:
    """The wall clock and the one that nobody sets."""

    def __init__(self):
        self.wall = self.steady = 100.0
        self.found = []
        self.holes = Holes(5, self.found.append, lambda: self.steady)

    def mark(self, cause, at, *, present):
        self.steady += at - self.wall
        self.wall = float(at)
        self.holes.mark(cause, present=present, at=self.wall)


def test_a_hole_is_recorded_when_it_is_over_and_long_enough():
    hours = Hours()
    hours.mark("crash", 100, present=True)
    hours.mark("lock", 101, present=True)
    hours.mark("crash", 103, present=True)
    hours.mark("lock", 104, present=False)  # three seconds: too short
    hours.mark("crash", 107, present=False)
    hours.mark("crash", 108, present=False)
    assert hours.found == [StoredGap(100, 107, "crash")]


def test_open_holes_are_recorded_at_the_end():
    hours = Hours()
    hours.mark("lock", 100, present=True)
    hours.steady += 100
    hours.holes.close(200)
    assert hours.found == [StoredGap(100, 200, "lock")]


@pytest.mark.parametrize("set_by", [-315_576_000, -3_600, 3_600, 315_576_000])
def test_a_hole_is_as_long_as_it_was_whatever_the_wall_clock_says(set_by):
    hours = Hours()
    hours.mark("crash", 100, present=True)
    hours.steady += 7
    hours.holes.mark("crash", present=False, at=107 + set_by)
    hours.mark("lock", 107, present=True)
    hours.steady += 2
    hours.holes.mark("lock", present=False, at=109 + set_by)
    assert hours.found == [StoredGap(100 + set_by, 107 + set_by, "crash")]


def test_a_clock_set_forward_leaves_a_hole_and_one_set_back_a_mark():
    hours = Hours()
    hours.holes.clock_set(3_600.0, 5_000)
    hours.holes.clock_set(-3_600.0, 1_400)
    hours.holes.clock_set(0.0, 1_500)
    assert hours.found == [StoredGap(1_400, 5_000, "clock"), StoredGap(1_400, 1_400, "clock")]


def test_what_did_not_fit_while_the_clock_was_set_back_ends_no_earlier_than_it_began():
    now = [1_000.0]
    inbox = Inbox(0, lambda: now[0])
    inbox.put(ENTER, KEYS, 1)
    now[0] = 500.0
    assert inbox.take_holes() == [StoredGap(500, 500, "lag")]
