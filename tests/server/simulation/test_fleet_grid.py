"""Who is there, in which order answers are handed out, and when the clock moves."""

import threading

import pytest
from flwr.app import Message
from flwr.supercore.task_identity import TaskIdentity

from deskbound_simulation.activity import BEGIN
from deskbound_simulation.fleet_grid import Chances, FleetGrid
from deskbound_strategies.errors import RefusalCode
from deskbound_strategies.wire import contract_message, refusal_content


class Hands:
    """An engine whose laptops answer when the test lets them."""

    def __init__(self, workers=4):
        self.workers = workers
        self.may = {laptop: threading.Event() for laptop in range(6)}
        self.contexts = []

    def process(self, message, context):
        self.contexts.append(context)
        laptop = int(context.node_config["partition-id"])
        assert self.may[laptop].wait(30)
        return Message(refusal_content(RefusalCode.INTERNAL), reply_to=message), context


@pytest.fixture
def hands():
    made = Hands()
    yield made
    for one in made.may.values():
        one.set()


def a_grid(hands, rounds_per_day=2, **changes):
    TaskIdentity.run_id, TaskIdentity.task_id, TaskIdentity.node_id = 1, 1, 0
    terms = {"seed": 1, "laptops": 6, "cohort": 4, "availability": 1.0, "dropout": 0.0} | changes
    return FleetGrid(hands, Chances(**terms), rounds_per_day)


def ask(grid, nodes, seconds=60.0):
    messages = [Message(contract_message(b"c", b"p", b"w"), n, "train", ttl=seconds) for n in nodes]
    return dict(zip(nodes, grid.push_messages(messages), strict=True))


def take(grid, ids):
    """What one look at each message gives, by laptop."""
    replies = (reply for one in ids for reply in grid.pull_messages([one]))
    return [reply.metadata.src_node_id - 1 for reply in replies]


def wait_until(grid, done):
    while not done():
        grid.wait(0.0)


def test_answers_are_handed_out_in_the_order_of_laptops_whoever_was_first(hands):
    grid = a_grid(hands, laptops=3, cohort=3)
    ids = ask(grid, list(reversed(list(grid.get_node_ids()))))
    hands.may[2].set()
    hands.may[1].set()
    assert take(grid, ids.values()) == []
    hands.may[0].set()
    taken = []
    wait_until(grid, lambda: taken.extend(take(grid, ids.values())) or len(taken) == 3)
    assert taken == [0, 1, 2]
    assert grid.attempts[0].answered == 3
    assert grid.attempts[0].bytes_down == 3 * 3
    assert grid.now() == BEGIN.timestamp() + 1, "time stands still while somebody works"
    grid.close()


def test_what_is_lost_is_waited_for_until_the_deadline(hands):
    grid = a_grid(hands, dropout=1.0)
    ids = ask(grid, list(grid.get_node_ids()), seconds=500.0)
    for one in hands.may.values():
        one.set()
    wait_until(grid, lambda: grid.now() > BEGIN.timestamp() + 1)
    assert grid.now() == BEGIN.timestamp() + 501
    assert take(grid, ids.values()) == []
    assert list(grid.get_node_ids()) == [], "nobody comes back within the round"
    assert len(list(grid.get_node_ids())) == 4, "the next attempt has a cohort of its own"
    assert grid.now() == BEGIN.timestamp() + 43_200, "two attempts a day"
    grid.close()


def test_the_next_attempt_waits_for_those_who_still_work(hands):
    grid = a_grid(hands, laptops=1, cohort=1)
    ids = ask(grid, list(grid.get_node_ids()))
    threading.Timer(0.05, hands.may[0].set).start()
    list(grid.get_node_ids())
    assert grid.worked == 1
    assert take(grid, ids.values()) == [0], "too late to count, and its receipt is logged"
    grid.close()


def test_what_ends_a_worker_ends_the_simulation(hands):
    grid = a_grid(hands)
    hands.process = lambda *_: (_ for _ in ()).throw(OSError("gone"))
    ask(grid, list(grid.get_node_ids()))
    with pytest.raises(OSError, match="gone"):
        wait_until(grid, lambda: False)
    grid.close()


def test_who_is_there_is_drawn_from_the_seed_alone():
    some = Chances(3, 1000, 100, 0.5, 0.2)
    assert some.asked(0) == Chances(3, 1000, 100, 0.5, 0.2).asked(0) != some.asked(1)
    assert len(some.asked(0)) == 100
    assert some.asked(0) == sorted(some.asked(0))
    assert 130 < len(some.lost(0)) < 270
    assert len(Chances(3, 1000, 1000, 0.5, 0.0).asked(0)) < 600
    assert Chances(3, 1000, 100, 0.0, 0.0).asked(0) == []
