"""The executor's loop, with an endpoint that behaves and keeps no network."""

import threading
from collections import deque

from deskbound_client.federation import executor
from deskbound_client.federation.executor import serve
from deskbound_strategies import wire
from deskbound_strategies.errors import RefusalCode, UnreachableError
from tests.client.federation.test_client_app import task
from tests.client.federation.test_participant import FakeLaptop


class FakeTask:
    def __init__(self, made, *, lost=False, alive=True):
        self.made, self.lost, self.answers, self.left = made, lost, [], False
        self.alive = alive

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.left = True

    def is_alive(self):
        return self.alive

    def pull(self, max_bytes):
        return self.made

    def answer(self, content):
        if self.lost:
            raise UnreachableError("gone", "")
        self.answers.append(content)


class FakeEndpoint:
    """Hands out tasks, then goes away as a SuperNode does that the agent stops."""

    def __init__(self, stop, *tasks):
        self.stop, self.tasks, self.claims = stop, deque(tasks), 0

    def claim(self, patience=30.0):
        self.claims += 1
        if self.tasks:
            return self.tasks.popleft()
        self.stop.set()
        raise UnreachableError("stopped", "")


def run(laptop, *tasks):
    stop, said = threading.Event(), []
    endpoint = FakeEndpoint(stop, *tasks)
    serve(endpoint, laptop, said.append, stop)
    return said, endpoint


def test_tasks_are_answered_one_after_the_other(monkeypatch):
    monkeypatch.setattr(executor, "POLL_SECONDS", 0)
    tasks = FakeTask(task()), FakeTask(task(bundle=b"evil"))
    said, _ = run(FakeLaptop(), *tasks)
    assert said == ["willing", "claimed", "answered", "claimed", "answered"]
    assert isinstance(wire.parse_reply(tasks[0].answers[0]), wire.Reply)
    assert all(one.left for one in tasks)


def test_silence_answers_nothing_and_holds_the_claim_until_the_supernode_is_gone(monkeypatch):
    monkeypatch.setattr(executor, "POLL_SECONDS", 0)
    held = FakeTask(task())
    said, endpoint = run(FakeLaptop(days=()), held)
    assert said[:2] == ["willing", "claimed"]
    assert said[2].split()[0] == "silent"
    assert said[2].split()[1].isdecimal()
    assert held.answers == []
    assert endpoint.claims == 2


def test_who_is_not_willing_claims_nothing():
    stop, said = threading.Event(), []
    endpoint = FakeEndpoint(stop, FakeTask(task()))

    class Unwilling(FakeLaptop):
        def is_willing(self):
            stop.set()
            return False

    serve(endpoint, Unwilling(), said.append, stop)
    assert said == ["unwilling"]
    assert endpoint.claims == 0


def test_an_answer_that_found_no_supernode_is_lost_and_the_loop_goes_on(monkeypatch):
    monkeypatch.setattr(executor, "POLL_SECONDS", 0)
    second = FakeTask(task())
    said, _ = run(FakeLaptop(), FakeTask(task(), lost=True), second)
    assert said == ["willing", "claimed", "lost", "claimed", "answered"]
    assert len(second.answers) == 1


class Patient(FakeEndpoint):
    """A SuperNode that stays, with nothing to hand out, for so many looks."""

    def __init__(self, stop, *tasks, looks=5):
        super().__init__(stop, *tasks)
        self.looks = looks

    def claim(self, patience=30.0):
        if not self.tasks and self.looks:
            self.looks -= 1
            return None
        return super().claim()


def test_a_contract_waits_while_the_owner_is_there(monkeypatch):
    monkeypatch.setattr(executor, "POLL_SECONDS", 0)
    stop, said, looks, laptop = threading.Event(), [], [], FakeLaptop()
    waiting = FakeTask(task())
    endpoint = Patient(stop, waiting)

    def may_work():
        looks.append((list(laptop.said), waiting.answers == [], waiting.left))
        return len(looks) > 3

    serve(endpoint, laptop, said.append, stop, may_work=may_work)
    assert looks[:4] == [([], True, False)] * 4, "nothing of it is looked at"
    # Willing all the while: the connection does not tell whether somebody sits there.
    assert said == ["willing", "claimed", "answered"]
    assert len(waiting.answers) == 1


def stop_task(**more):
    return FakeTask(task(content=wire.stop_message(b"order", b"proof"), **more))


def test_an_order_to_stop_does_not_wait_for_the_owner_to_go(monkeypatch):
    monkeypatch.setattr(executor, "POLL_SECONDS", 0)
    stop, said, order = threading.Event(), [], stop_task()
    endpoint = FakeEndpoint(stop, order)
    serve(endpoint, FakeLaptop(), said.append, stop, may_work=lambda: False)
    assert said == ["willing", "claimed", "parting", "answered"]
    assert wire.parse_reply(order.answers[0]) is RefusalCode.STOP_MALFORMED
    assert order.left


def test_a_contract_of_a_supernode_that_is_gone_gives_way_to_what_the_next_one_brings(monkeypatch):
    monkeypatch.setattr(executor, "POLL_SECONDS", 0)
    stop, said, old, order = threading.Event(), [], FakeTask(task()), stop_task()
    serve(FakeEndpoint(stop, old, order), FakeLaptop(), said.append, stop, may_work=lambda: False)
    assert said == ["willing", "claimed", "claimed", "parting", "answered"]
    assert old.left
    assert old.answers == []


def test_a_contract_that_nobody_waits_for_any_more_is_not_worked_on(monkeypatch):
    monkeypatch.setattr(executor, "POLL_SECONDS", 0)
    laptop, stale = FakeLaptop(), FakeTask(task(), alive=False)
    said, _ = run(laptop, stale)
    assert said == ["willing", "claimed", "lost"]
    assert laptop.said == []
    assert stale.left


def test_an_order_to_stop_comes_through_while_a_round_is_worked_on(monkeypatch):
    monkeypatch.setattr(executor, "POLL_SECONDS", 0)
    order, contract = stop_task(), FakeTask(task())

    class Training(FakeLaptop):
        def train(self, accepted, units):
            self.listen()
            assert len(order.answers) == 1, "it was answered while this was under way"
            return super().train(accepted, units)

    said, _ = run(Training(), contract, order)
    assert said == ["willing", "claimed", "claimed", "parting", "answered", "answered"]


def test_a_supernode_that_hangs_holds_training_up_once_and_is_then_left_alone(monkeypatch):
    monkeypatch.setattr(executor, "POLL_SECONDS", 0)
    clock, patience = [1000.0], []
    monkeypatch.setattr(executor.time, "monotonic", lambda: clock[0])

    class Hanging(FakeEndpoint):
        def claim(self, patience_=30.0):
            if self.tasks:
                return super().claim()
            if "claimed" not in said or self.stop.is_set():
                raise UnreachableError("gone", "")
            patience.append(patience_)
            clock[0] += patience_
            raise UnreachableError("no answer in time", "")

    class Training(FakeLaptop):
        def train(self, accepted, units):
            for _ in range(100):
                self.listen()
            clock[0] += executor.HANGS_SECONDS
            self.listen()
            stop.set()
            return super().train(accepted, units)

    stop, said = threading.Event(), []
    serve(Hanging(stop, FakeTask(task())), Training(), said.append, stop)
    assert patience == [executor.LISTEN_SECONDS] * 2
    assert said == ["willing", "claimed", "answered"]


def test_a_pause_lets_go_of_the_contract_that_waits(monkeypatch):
    monkeypatch.setattr(executor, "POLL_SECONDS", 0)
    stop, said, waiting = threading.Event(), [], FakeTask(task())

    class Pausing(FakeLaptop):
        def is_willing(self):
            if "claimed" in said:
                stop.set()
                return False
            return True

    endpoint = FakeEndpoint(stop, waiting)
    serve(endpoint, Pausing(), said.append, stop, may_work=lambda: False)
    assert said == ["willing", "claimed", "unwilling"]
    assert waiting.left
    assert waiting.answers == []


def test_what_a_task_brought_is_charged_whatever_is_made_of_it(monkeypatch):
    monkeypatch.setattr(executor, "POLL_SECONDS", 0)
    stop, counts = threading.Event(), []
    good, bad = task(), task(bundle=b"evil" * 100)
    endpoint = FakeEndpoint(stop, FakeTask(good), FakeTask(bad))
    serve(endpoint, FakeLaptop(), lambda _: None, stop, received=counts.append)
    assert counts == [good.size, bad.size]
    assert good.size > sum(
        len(value) for record in good.content.values() for value in record.values()
    )
    assert bad.size >= 400
