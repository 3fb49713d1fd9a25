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


def test_a_hole_is_recorded_when_it_is_over_and_long_enough():
    found = []
    holes = Holes(5, found.append)
    holes.mark("crash", present=True, at=100)
    holes.mark("crash", present=True, at=103)
    holes.mark("lock", present=True, at=101)
    holes.mark("lock", present=False, at=104)  # three seconds: too short
    holes.mark("crash", present=False, at=107)
    holes.mark("crash", present=False, at=108)
    assert found == [StoredGap(100, 107, "crash")]


def test_open_holes_are_recorded_at_the_end():
    found = []
    holes = Holes(5, found.append)
    holes.mark("lock", present=True, at=100)
    holes.close(200)
    assert found == [StoredGap(100, 200, "lock")]
