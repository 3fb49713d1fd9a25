"""Whole runs in memory: what is released, what is not, and what a crash at any line leaves."""

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deskbound_server import rounds
from deskbound_server.database import Database
from deskbound_server.model_store import ModelStore
from deskbound_server.rounds import Job, conduct, new_run
from deskbound_server.schema import RoundState, RunState
from deskbound_strategies import dsse
from deskbound_strategies.codec import TensorSpec, decode, encode
from deskbound_strategies.contract import PAYLOAD_TYPE, RoundContract
from deskbound_strategies.dp_fedavg import Clock
from deskbound_strategies.errors import RefusalCode, RoundFailedError
from deskbound_strategies.wire import parse_request, refusal_content, reply_content
from tests.helpers.fake_grid import FakeClock, FakeGrid, FakeNode
from tests.helpers.server import new_plan

LAYOUT = (TensorSpec("w", (3,)),)


class Crash(BaseException):
    """As if the process had been killed here."""


class Bench:
    """A server's folder, a clock and laptops that answer with +1 on every weight."""

    def __init__(self, folder, plan, *, laptops=2):
        self.folder, self.key = folder, Ed25519PrivateKey.generate()
        self.database = Database.open(folder / "deskbound.db")
        self.clock = FakeClock()
        self.grid = FakeGrid(self.clock, {n: FakeNode(self.answer) for n in range(1, laptops + 1)})
        self.contracts: list[RoundContract] = []
        self.run = new_run(self.database, plan, 10)
        (folder / "models").mkdir()

    def answer(self, message):
        request = parse_request(message.content)
        payload = dsse.verify(request.envelope, PAYLOAD_TYPE, self.key.public_key())
        contract = RoundContract.from_bytes(payload)
        self.contracts.append(contract)
        return reply_content(
            contract.digest(), "0.1.0", self.update(decode(request.weights, LAYOUT))
        )

    def update(self, weights):
        return encode({"w": np.ones(3, np.float32)}, LAYOUT)

    def job(self, plan):
        return Job(
            run=self.run, plan=plan, layout=LAYOUT, vocabulary_hash="a" * 64,
            first_weights=lambda seed: {"w": np.full(3, seed, np.float32)},
            database=self.database, models=ModelStore(self.folder / "models"), key=self.key,
            grid=self.grid, clock=Clock(self.clock.now, self.clock.wait),
        )  # fmt: skip

    def final(self):
        last = self.database.last_released(self.run)
        assert last is not None
        return decode(ModelStore(self.folder / "models").load(last.model_out), LAYOUT)["w"]

    def states(self):
        return [(row.number, row.state.value) for row in self.database.rounds(self.run)]


def test_a_run_releases_a_model_per_round(tmp_path):
    plan = new_plan(rounds=3, seed=5)
    bench = Bench(tmp_path, plan)
    conduct(bench.job(plan))
    assert bench.database.find_run(bench.run).state is RunState.FINISHED
    np.testing.assert_array_equal(bench.final(), [8.0] * 3)
    rows = bench.database.rounds(bench.run)
    assert [row.state for row in rows] == [RoundState.RELEASED] * 3
    assert [row.model_in for row in rows[1:]] == [row.model_out for row in rows[:-1]]
    assert {c.digest() for c in bench.contracts} == {row.digest for row in rows}


def test_the_contract_is_on_disk_before_it_is_sent(tmp_path):
    plan = new_plan(rounds=1)
    bench = Bench(tmp_path, plan)
    seen = []
    honest = bench.answer

    def look(message):
        seen.append(bench.states())
        return honest(message)

    bench.grid.nodes = {n: FakeNode(look) for n in (1, 2)}
    conduct(bench.job(plan))
    assert seen == [[(1, "open")]] * 2


def test_too_few_replies_end_the_run_unreleased(tmp_path):
    plan = new_plan(rounds=2, attempts=2)
    bench = Bench(tmp_path, plan)
    refusal = refusal_content(RefusalCode.CLIP_TOO_HIGH)
    bench.grid.nodes[2] = FakeNode(lambda _: refusal)
    with pytest.raises(RoundFailedError):
        conduct(bench.job(plan))
    assert bench.states() == [(1, "failed"), (1, "failed")]
    row = bench.database.find_run(bench.run)
    assert (row.state, row.reason) == (RunState.FAILED, "too-few-replies")
    assert [r.refused for r in bench.database.rounds(bench.run)] == [{"clip-too-high": 1}] * 2


def test_too_few_laptops_are_not_even_asked(tmp_path):
    plan = new_plan(rounds=2)
    bench = Bench(tmp_path, plan, laptops=1)
    with pytest.raises(RoundFailedError):
        conduct(bench.job(plan))
    assert bench.contracts == []
    assert bench.states() == []
    assert bench.database.find_run(bench.run).reason == "too-few-laptops"


def test_a_failed_attempt_is_followed_by_a_fresh_contract(tmp_path):
    plan = new_plan(rounds=1, attempts=2, deadline_seconds=5)
    bench = Bench(tmp_path, plan)
    moods = iter([None, "answer"])
    bench.grid.nodes[2] = FakeNode(lambda m: bench.answer(m) if next(moods) else None)
    conduct(bench.job(plan))
    assert bench.states() == [(1, "failed"), (1, "released")]
    digests = [row.digest for row in bench.database.rounds(bench.run)]
    assert digests[0] != digests[1]


@pytest.mark.parametrize("optimizer", ["fedavg", "fedavgm", "fedadam"])
@pytest.mark.parametrize(
    "place", ["before the contract", "while asking", "before the model", "before the release"]
)
def test_a_crash_anywhere_changes_nothing_that_is_released(tmp_path, monkeypatch, place, optimizer):
    plan = new_plan(rounds=4, server_optimizer=optimizer, server_learning_rate=0.5)
    (tmp_path / "calm").mkdir()
    (tmp_path / "stormy").mkdir()
    calm, stormy = Bench(tmp_path / "calm", plan), Bench(tmp_path / "stormy", plan)
    conduct(calm.job(plan))

    calls = {"n": 0}

    def crashing(real):
        def call(*arguments, **options):
            calls["n"] += 1
            if calls["n"] == 3:
                raise Crash
            return real(*arguments, **options)

        return call

    target = {
        "before the contract": (Database, "open_round"),
        "while asking": (rounds.DpFedAvg, "run_round"),
        "before the model": (rounds, "advance"),
        "before the release": (Database, "close_round"),
    }[place]
    with monkeypatch.context() as patch:
        patch.setattr(*target, crashing(getattr(*target)))
        with pytest.raises(Crash):
            conduct(stormy.job(plan))
    assert stormy.database.find_run(stormy.run).state is RunState.RUNNING
    stormy.clock.wait(1)
    conduct(stormy.job(plan))

    assert stormy.final().tobytes() == calm.final().tobytes()
    released = [number for number, state in stormy.states() if state == "released"]
    assert released == [1, 2, 3, 4]
    assert (3, "open") not in stormy.states()
    asked = [contract.digest() for contract in stormy.contracts]
    assert all(asked.count(digest) == len(stormy.grid.nodes) for digest in asked)
