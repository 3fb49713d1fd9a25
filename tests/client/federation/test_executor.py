"""The executor's loop, with an endpoint that behaves and keeps no network."""

import threading
from collections import deque

from deskbound_client.federation import executor
from deskbound_client.federation.executor import serve
from deskbound_strategies import wire
from deskbound_strategies.errors import UnreachableError
from tests.client.federation.test_client_app import task
from tests.client.federation.test_participant import FakeLaptop


class FakeTask:
    def __init__(self, made, *, lost=False):
        self.made, self.lost, self.answers, self.left = made, lost, [], False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.left = True

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

    def claim(self):
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


def test_a_task_waits_unread_while_the_owner_is_there(monkeypatch):
    monkeypatch.setattr(executor, "POLL_SECONDS", 0)
    stop, said, looks = threading.Event(), [], []
    endpoint = FakeEndpoint(stop, FakeTask(task()))

    def may_work():
        looks.append(endpoint.claims)
        return len(looks) > 3

    serve(endpoint, FakeLaptop(), said.append, stop, may_work=may_work)
    assert looks[:4] == [0, 0, 0, 0]
    # Willing all the while: the connection does not tell whether somebody sits there.
    assert said == ["willing", "claimed", "answered"]


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
