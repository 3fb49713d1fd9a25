"""Whole runs in memory: what is released, what is not, and what a crash at any line leaves."""

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deskbound_server import releases, rounds, stop_orders
from deskbound_server.database import Database
from deskbound_server.job import Job
from deskbound_server.log import Log
from deskbound_server.model_store import ModelStore
from deskbound_server.publication import Cause, Check
from deskbound_server.rounds import RunStoppedError, conduct, new_run
from deskbound_server.schema import RoundState, RunState
from deskbound_strategies import dsse, round_proof
from deskbound_strategies.checkpoint import Trust
from deskbound_strategies.codec import TensorSpec, decode, encode
from deskbound_strategies.contract import PAYLOAD_TYPE, RoundContract
from deskbound_strategies.dp_fedavg import Clock, Progress
from deskbound_strategies.errors import (
    DiskFullError,
    RefusalCode,
    RoundFailedError,
    VerificationError,
)
from deskbound_strategies.log_rules import LogRules
from deskbound_strategies.note import SIGNATURE, Note, Verifier, cosign
from deskbound_strategies.stop_order import StopReason
from deskbound_strategies.weighing import Told, weight
from deskbound_strategies.wire import parse_request, refusal_content, reply_content
from tests.helpers.crash import AtLine, Crash
from tests.helpers.fake_grid import FakeClock, FakeGrid, FakeNode
from tests.helpers.log import REVIEWER_HEX, Pen, a_manifest, witness
from tests.helpers.server import new_plan

LAYOUT = (TensorSpec("w", (3,)),)


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
        self.pens = {node: Pen(node) for node in self.grid.nodes}
        for node, pen in self.pens.items():
            self.database.add_laptop(node, f"{node:064x}", "", pen.anchor)
        self.log_key = Ed25519PrivateKey.generate()
        self.verifier = Verifier("log.example/1", SIGNATURE, self.log_key.public_key())
        self.witnesses: list[Verifier] = []

    def answer(self, message):
        request = parse_request(message.content)
        payload = dsse.verify(request.envelope, PAYLOAD_TYPE, self.key.public_key())
        contract = RoundContract.from_bytes(payload)
        self.contracts.append(contract)
        node = message.metadata.dst_node_id
        trust, anchor = Trust(self.verifier), self.pens[node].anchor
        round_proof.verify(request.proof, request.envelope, contract, trust, anchor)
        update = self.update(decode(request.weights, LAYOUT))
        digest = contract.digest()
        return reply_content(digest, "0.1.0", update, self.pens[node].receipt(digest))

    def update(self, weights):
        return encode({"w": np.ones(3, np.float32)}, LAYOUT)

    def job(self, plan, run=None, loss=None):
        return Job(
            run=run or self.run, plan=plan, layout=LAYOUT, vocabulary_hash="a" * 64,
            first_weights=lambda: {"w": np.full(3, plan.seed, np.float32)},
            database=self.database, models=ModelStore(self.folder / "models"), key=self.key,
            log=self.log(), witnesses=self.witnesses,
            grid=self.grid, clock=Clock(self.clock.now, self.clock.wait), held_out_loss=loss,
        )  # fmt: skip

    def log(self):
        public = self.key.public_key()
        lock = self.folder / "log.lock"
        return Log(self.database, self.verifier, self.log_key, public, lock)

    def final(self):
        last = self.database.last_released(self.run)
        assert last is not None
        return decode(ModelStore(self.folder / "models").load(last.model_out), LAYOUT)["w"]

    def audit(self):
        """The whole log by its rules, from leaf 0, as a stranger reads it."""
        rules = LogRules(self.key.public_key())
        for leaf in self.database.leaves():
            rules.add(leaf)
        return rules

    def states(self):
        return [(row.number, row.state.value) for row in self.database.rounds(self.run)]


def test_a_liar_moves_the_mean_and_not_the_median(tmp_path):
    for aggregation, reached in (("mean", 34.0), ("median", 1.0), ("trimmed-mean", 1.0)):
        (tmp_path / aggregation).mkdir()
        plan = new_plan(rounds=1, cohort=3, minimum_cohort=3, aggregation=aggregation, trim=0.34)
        bench = Bench(tmp_path / aggregation, plan, laptops=3)
        values = iter([100.0, 1.0, 1.0])
        bench.update = lambda _, told=values: encode({"w": np.full(3, next(told), "f4")}, LAYOUT)
        conduct(bench.job(plan))
        np.testing.assert_array_equal(bench.final(), [reached] * 3)
        assert {one.aggregation for one in bench.contracts} == {plan.combining}
        assert {one.aggregation for one in bench.audit().contracts.values()} == {plan.combining}


def test_where_laptops_are_weighed_average_ones_move_the_model_as_they_would_alone(tmp_path):
    plan = new_plan(rounds=2, told_mean=7.0, weighing="told")
    bench = Bench(tmp_path, plan)
    share = weight(Told(7.0, 1.0), 7.0)
    bench.update = lambda _: encode({"w": np.full(3, 2.0 * share, "f4")}, LAYOUT)
    conduct(bench.job(plan))
    np.testing.assert_allclose(bench.final(), [4.0] * 3, rtol=1e-6)
    assert {one.told_mean for one in bench.audit().contracts.values()} == {7.0}


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


def test_how_far_a_round_is_stands_in_the_record_while_it_is_open_and_costs_no_round(
    tmp_path, monkeypatch
):
    plan = new_plan(rounds=1)
    bench = Bench(tmp_path, plan)
    bench.grid.nodes[2].seconds = 5.0
    seen, wait = [], bench.clock.wait

    def look(seconds):
        wait(seconds)
        for row in bench.database.rounds(bench.run):
            seen.append(bench.database.progress(row.digest))

    bench.clock.wait = look
    conduct(bench.job(plan))
    assert seen[-1] == Progress(asked=2, admitted=1, refused=0, rejected=0)
    (row,) = bench.database.rounds(bench.run)
    assert bench.database.progress(row.digest) is None, "and goes when the round closes"

    (tmp_path / "second").mkdir()
    unlucky = Bench(tmp_path / "second", plan)

    def full(*_):
        raise DiskFullError("There is no room.", "Make some.")

    monkeypatch.setattr(unlucky.database, "note_progress", full)
    conduct(unlucky.job(plan))
    assert unlucky.states() == [(1, "released")]


def test_contracts_name_the_releases_that_are_named_when_they_are_written(tmp_path):
    plan = new_plan(rounds=3)
    bench = Bench(tmp_path, plan)
    made = [
        releases.add(bench.log(), bench.database, a_manifest(version), REVIEWER_HEX).manifest
        for version in ("0.1.0", "0.1.1")
    ]
    honest, seen = bench.answer, []

    def look(message):
        reply = honest(message)
        seen.append(bench.contracts[-1].named_releases)
        if len(seen) == 2:
            releases.withdraw(bench.database, made[0])
        if len(seen) == 4:
            releases.withdraw(bench.database, made[1])
        return reply

    bench.grid.nodes = {n: FakeNode(look) for n in (1, 2)}
    conduct(bench.job(plan))
    assert seen[::2] == [tuple(sorted(made)), (made[1],), ()]
    assert set(bench.audit().releases) == set(made), "a stranger sees them all"


def test_a_name_that_the_log_does_not_hold_gets_into_no_contract(tmp_path):
    plan = new_plan(rounds=1)
    bench = Bench(tmp_path, plan)
    bench.database.name_release("ab" * 32, [])
    with pytest.raises(VerificationError, match="a release that is not in the log"):
        conduct(bench.job(plan))
    assert bench.contracts == []
    assert bench.database.leaves() == []


def a_stop_from(bench):
    """What ``deskbound-server stop`` does to the database and the log."""
    return stop_orders.issue(bench.log(), bench.database, bench.key, StopReason.FAULT, 2_000)


def leaves_of(bench):
    """The kind of each leaf, in order."""
    return [leaf.split(b'"')[1].decode() for leaf in bench.database.leaves()]


def test_a_stop_ends_a_round_that_is_under_way_at_once_and_releases_nothing(tmp_path):
    plan = new_plan(rounds=3, deadline_seconds=10_000)
    bench = Bench(tmp_path, plan)
    honest, answers = bench.answer, []

    def answer(message):
        answers.append(message)
        if len(answers) == 4:  # the second laptop in the second round
            a_stop_from(bench)
            return None
        return honest(message)

    bench.grid.nodes = {n: FakeNode(answer) for n in (1, 2)}
    with pytest.raises(RunStoppedError):
        conduct(bench.job(plan))
    assert bench.clock.now() < 1_000 + 10, "nobody waited for the deadline"
    run = bench.database.find_run(bench.run)
    assert (run.state, run.reason) == (RunState.STOPPED, "stop-order")
    assert bench.states() == [(1, "released"), (2, "abandoned")]
    kinds = leaves_of(bench)
    assert "contract" not in kinds[kinds.index("stop") :]
    assert kinds[kinds.index("stop") + 1 :] == ["receipt"], "of the laptop that had answered"
    assert list(bench.audit().stops)


def test_no_model_is_released_after_a_stop_even_if_all_replies_were_in(tmp_path, monkeypatch):
    plan = new_plan(rounds=1)
    bench = Bench(tmp_path, plan)
    settle = rounds._settle

    def stopped_meanwhile(*given):
        a_stop_from(bench)
        return settle(*given)

    monkeypatch.setattr(rounds, "_settle", stopped_meanwhile)
    with pytest.raises(RunStoppedError):
        conduct(bench.job(plan))
    assert leaves_of(bench) == ["contract", "stop", "receipt", "receipt"]
    assert bench.database.last_released(bench.run) is None


def test_a_queued_run_that_was_stopped_does_not_begin_and_a_finished_one_stays_so(tmp_path):
    plan = new_plan(rounds=1)
    bench = Bench(tmp_path, plan)
    conduct(bench.job(plan))
    queued = new_run(bench.database, plan, 20)
    _, ended = a_stop_from(bench)
    assert [one.id for one in ended] == [queued]
    assert bench.database.find_run(bench.run).state is RunState.FINISHED
    asked = len(bench.contracts)
    with pytest.raises(RunStoppedError):
        conduct(bench.job(plan, queued))
    assert len(bench.contracts) == asked
    assert bench.database.find_run(queued).state is RunState.STOPPED


def test_an_operator_may_resume_a_run_after_a_stop_under_a_new_contract(tmp_path):
    plan = new_plan(rounds=1)
    bench = Bench(tmp_path, plan)
    a_stop_from(bench)
    bench.database.set_run(bench.run, RunState.QUEUED)
    conduct(bench.job(plan))
    assert leaves_of(bench) == ["stop", "contract", "receipt", "receipt", "model"]
    bench.audit()


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
        "before the model": (rounds, "next_model"),
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


def test_a_crash_before_any_line_leaves_a_log_that_everybody_accepts(tmp_path):
    plan = new_plan(rounds=2)

    def a_bench(name):
        (tmp_path / name).mkdir()
        return Bench(tmp_path / name, plan)

    calm = a_bench("calm")
    with AtLine(rounds.__file__) as counted:
        conduct(calm.job(plan))
    assert len(counted.last) > 80
    for n in sorted(counted.last.values()):
        stormy = a_bench(f"line-{n}")
        with pytest.raises(Crash), AtLine(rounds.__file__, n):
            conduct(stormy.job(plan))
        stormy.audit()
        stormy.clock.wait(1)
        conduct(stormy.job(plan))
        rules = stormy.audit()
        assert stormy.final().tobytes() == calm.final().tobytes()
        assert set(rules.contracts) == {row.digest for row in stormy.database.rounds(stormy.run)}
        assert sorted(rules.released) == [(stormy.run, 1), (stormy.run, 2)]
        leaves = stormy.database.leaves()
        assert len(set(leaves)) == len(leaves), "something was logged twice"
        released = [row for row in stormy.database.rounds(stormy.run) if row.model_out]
        assert all(rules.receipts[row.digest] == rules.counts.keys() for row in released)
        stormy.database.close()


def moody(bench, values):
    """Let both laptops answer each contract with the next of these values on every weight."""
    told, known = iter(values), {}

    def update(weights):
        digest = bench.contracts[-1].digest()
        if digest not in known:
            known[digest] = next(told)
        return encode({"w": np.full(3, known[digest], np.float32)}, LAYOUT)

    bench.update = update


def size(weights):
    """Held-out loss for which a larger model is a worse one."""
    return float(np.abs(weights["w"]).max())


def height(weights):
    """Held-out loss for which upwards is worse: Adam hides the size of a lie, not its sign."""
    return 100.0 + float(weights["w"].max())


@pytest.mark.parametrize("optimizer", ["fedavg", "fedavgm", "fedadam"])
def test_a_model_that_is_held_back_changes_nothing_that_is_released_after_it(tmp_path, optimizer):
    terms = {"rounds": 3, "server_optimizer": optimizer, "held_out_margin": 0.1}
    (tmp_path / "calm").mkdir()
    (tmp_path / "poisoned").mkdir()
    plan = new_plan(**terms)
    calm, bench = Bench(tmp_path / "calm", plan), Bench(tmp_path / "poisoned", plan)
    moody(calm, [-0.5, -0.25, -0.5])
    conduct(calm.job(plan, loss=height))
    moody(bench, [-0.5, 400.0, -0.25, 500.0, -0.5])
    conduct(bench.job(plan, loss=height))
    assert bench.final().tobytes() == calm.final().tobytes()
    assert bench.states() == [
        (1, "released"), (2, "held-back"), (2, "released"), (3, "held-back"), (3, "released"),
    ]  # fmt: skip
    rules = bench.audit()
    assert sorted(rules.released) == [(bench.run, number) for number in (1, 2, 3)]
    held = [r for r in bench.database.rounds(bench.run) if r.state is RoundState.HELD_BACK]
    assert all(rules.receipts[row.digest] for row in held), "who took part stays in the log"
    assert {row.check.cause for row in held} == {Cause.WORSE}
    files = {path.stem for path in (bench.folder / "models").iterdir()}
    assert len(files) == len({path.stem for path in (calm.folder / "models").iterdir()})


def test_models_held_back_in_a_row_end_the_run_and_a_resumed_one_tries_once_more(tmp_path):
    plan = new_plan(rounds=2, attempts=1, held_back_in_a_row=2, held_out_margin=1.0)
    bench = Bench(tmp_path, plan)
    moody(bench, [0.5, 400.0, 500.0, 550.0, 0.25])
    with pytest.raises(RoundFailedError, match="2 models in a row"):
        conduct(bench.job(plan, loss=size))
    row = bench.database.find_run(bench.run)
    assert (row.state, row.reason) == (RunState.FAILED, "held-back")
    with pytest.raises(RoundFailedError):
        conduct(bench.job(plan, loss=size))
    conduct(bench.job(plan, loss=size))
    assert [state for _, state in bench.states()] == [
        "released", "held-back", "held-back", "held-back", "released",
    ]  # fmt: skip
    np.testing.assert_array_equal(bench.final(), [0.75] * 3)


def test_a_model_that_is_not_finite_is_held_back_without_any_data(tmp_path):
    plan = new_plan(rounds=1, server_learning_rate=100.0, norm_bound=1e38)
    bench = Bench(tmp_path, plan)
    moody(bench, [1e37, 0.5])
    conduct(bench.job(plan))
    assert bench.states() == [(1, "held-back"), (1, "released")]
    assert bench.database.rounds(bench.run)[0].check == Check(Cause.NOT_FINITE, None, None)


def test_a_crash_before_any_line_keeps_what_was_held_back(tmp_path):
    plan = new_plan(rounds=2, held_out_margin=1.0)

    def a_bench(name):
        (tmp_path / name).mkdir()
        bench = Bench(tmp_path / name, plan)

        def update(weights):
            # Honest, but to round 2 until a model of it was held back.
            lie = bench.contracts[-1].round == 2 and not any(
                row.state is RoundState.HELD_BACK for row in bench.database.rounds(bench.run)
            )
            return encode({"w": np.full(3, 400.0 if lie else 0.5, np.float32)}, LAYOUT)

        bench.update = update
        return bench

    calm = a_bench("calm")
    with AtLine(rounds.__file__) as counted:
        conduct(calm.job(plan, loss=size))
    assert [state for _, state in calm.states()] == ["released", "held-back", "released"]
    settled = [
        n for line, n in counted.last.items() if line > rounds._settle.__code__.co_firstlineno
    ]
    for n in sorted(settled):
        stormy = a_bench(f"line-{n}")
        with pytest.raises(Crash), AtLine(rounds.__file__, n):
            conduct(stormy.job(plan, loss=size))
        stormy.clock.wait(1)
        conduct(stormy.job(plan, loss=size))
        assert stormy.final().tobytes() == calm.final().tobytes()
        assert [s for _, s in stormy.states() if s != "abandoned"] == [
            "released", "held-back", "released",
        ]  # fmt: skip
        stormy.audit()
        stormy.database.close()


def test_what_a_round_leaves_in_the_log(tmp_path):
    plan = new_plan(rounds=2)
    bench = Bench(tmp_path, plan)
    conduct(bench.job(plan))
    rules = bench.audit()
    assert rules.size == 2 * (1 + 2 + 1)
    for row in bench.database.rounds(bench.run):
        assert rules.released[bench.run, row.number] == row.model_out
        assert rules.receipts[row.digest] == {pen.anchor for pen in bench.pens.values()}
    head = Note.parse(bench.database.checkpoint()).text.splitlines()
    assert int(head[1]) == rules.size, "witnesses see the last model without another contract"


def two_runs(bench, plan):
    """Conduct a second run, whole, while the first laptop's answer to the first is on its way."""
    honest, second = bench.answer, new_run(bench.database, plan, 11)

    def slowly(message):
        answer = honest(message)
        bench.grid.nodes[1] = FakeNode(honest)
        conduct(bench.job(plan, second))
        return answer

    bench.grid.nodes[1] = FakeNode(slowly)
    return second


def test_two_runs_take_turns_and_end_in_any_order(tmp_path):
    """The receipts of the run that ends first count further than those it overtakes."""
    plan = new_plan(rounds=2)
    bench = Bench(tmp_path, plan)
    second = two_runs(bench, plan)
    conduct(bench.job(plan))
    for run in (bench.run, second):
        assert bench.database.find_run(run).state is RunState.FINISHED
    rules = bench.audit()
    assert len(rules.released) == 4
    for pen in bench.pens.values():
        assert rules.counts[pen.anchor] == {1, 2, 3, 4}
        assert rules.anchors.get(pen.anchor).count == 4


def test_one_count_for_two_runs_breaks_a_round_and_not_the_log(tmp_path):
    plan = new_plan(rounds=2, attempts=2)
    bench = Bench(tmp_path, plan)
    two_runs(bench, plan)
    first, counts = bench.pens[1], iter([1, 1, 2, 3, 4])
    first.receipt = lambda digest, real=first.receipt: real(digest, count=next(counts))
    conduct(bench.job(plan))
    rules = bench.audit()
    assert len(rules.released) == 4
    failed = [row for row in bench.database.rounds(bench.run) if row.state is RoundState.FAILED]
    assert [row.number for row in failed] == [1]
    assert rules.counts[first.anchor] == {1, 2, 3, 4}


class Remembering(Bench):
    """Laptops that hold each log to the head they followed last, as real ones do."""

    def __init__(self, folder, plan, **more):
        super().__init__(folder, plan, **more)
        self.seen, self.forks, self.refuses = {}, 0, set()

    def answer(self, message):
        node = message.metadata.dst_node_id
        if node in self.refuses:  # before it looks at the log
            return refusal_content(RefusalCode.CLIP_TOO_HIGH)
        anchor = self.pens[node].anchor
        request = parse_request(message.content)
        payload = dsse.payload_of(request.envelope, PAYLOAD_TYPE)
        contract = RoundContract.from_bytes(payload)
        trust = Trust(self.verifier)
        proven = round_proof.verify(request.proof, request.envelope, contract, trust, anchor)
        if anchor in self.seen and not proven.extends(self.seen[anchor]):
            self.forks += 1
            return None
        self.seen[anchor] = proven.checkpoint
        return super().answer(message)


def test_a_laptop_that_refused_a_round_is_still_shown_that_the_log_grew(tmp_path):
    plan = new_plan(rounds=1, cohort=3)
    bench = Remembering(tmp_path, plan, laptops=3)
    conduct(bench.job(plan))
    for refuses in ({3}, set()):
        bench.refuses = refuses
        run = new_run(bench.database, plan, 12)
        bench.clock.wait(1)
        conduct(bench.job(plan, run))
    assert bench.forks == 0
    assert bench.audit().counts[bench.pens[3].anchor] == {1, 2}


def test_a_vault_that_left_and_joined_anew_is_still_shown_that_the_log_grew(tmp_path):
    plan = new_plan(rounds=1)
    bench = Remembering(tmp_path, plan)
    conduct(bench.job(plan))
    pen = bench.pens[2]
    bench.database.revoke_laptop(2)
    bench.database.add_laptop(7, f"{7:064x}", "", pen.anchor)
    bench.pens[7] = pen
    bench.grid.nodes = {1: bench.grid.nodes[1], 7: FakeNode(bench.answer)}
    conduct(bench.job(plan, new_run(bench.database, plan, 12)))
    assert bench.forks == 0
    assert bench.audit().anchors.get(pen.anchor).count == 2


def test_an_older_copy_s_update_does_not_count(tmp_path):
    plan = new_plan(rounds=2, attempts=1)
    bench = Bench(tmp_path, plan)
    bench.pens[2].receipt = lambda digest, real=bench.pens[2].receipt: real(digest, count=1)
    with pytest.raises(RoundFailedError):
        conduct(bench.job(plan))
    assert bench.states() == [(1, "released"), (2, "failed")]
    assert bench.database.rounds(bench.run)[1].rejected == {"receipt": 1}
    assert len(bench.audit().released) == 1


def test_a_laptop_nobody_enrolled_here_is_not_asked(tmp_path):
    plan = new_plan(rounds=1, cohort=3)
    bench = Bench(tmp_path, plan)
    bench.grid.nodes[9] = FakeNode(lambda _: pytest.fail("it was asked"))
    conduct(bench.job(plan))
    assert len(bench.audit().released) == 1


def test_receipts_of_a_closed_round_are_logged_before_the_next_contract(tmp_path):
    plan = new_plan(rounds=2, enough=2, cohort=3)
    bench = Bench(tmp_path, plan, laptops=3)
    bench.grid.nodes[3] = FakeNode(bench.answer, seconds=0.5)
    present = bench.grid.get_node_ids

    def look():
        bench.clock.wait(1)  # between one round and the next
        return present()

    bench.grid.get_node_ids = look
    conduct(bench.job(plan))
    rules = bench.audit()
    first = bench.database.rounds(bench.run)[0]
    assert rules.receipts[first.digest] == {pen.anchor for pen in bench.pens.values()}
    assert rules.anchors.get(bench.pens[3].anchor).count >= 1


def test_rounds_wait_for_witnesses_but_not_for_ever(tmp_path):
    plan = new_plan(rounds=1, witness_seconds=30, gather_seconds=1)
    bench = Bench(tmp_path, plan)
    key, verifier = witness(1)
    bench.witnesses = [verifier]
    begun = bench.clock.now()
    conduct(bench.job(plan))
    assert bench.clock.now() - begun >= 30

    bench.run = new_run(bench.database, plan, 12)
    honest_wait, begun = bench.clock.wait, bench.clock.now()

    def wait(seconds):
        honest_wait(seconds)
        note = Note.parse(bench.database.checkpoint())
        line = cosign(note.text, verifier.name, key, 5)
        size = int(note.text.split("\n")[1])
        bench.database.keep_checkpoint(size, note.with_signatures([line]).to_bytes())

    bench.clock.wait = wait
    seen = []
    bench.grid.nodes = {n: FakeNode(lambda m: seen.append(m) or bench.answer(m)) for n in (1, 2)}
    conduct(bench.job(plan))
    assert bench.clock.now() - begun < 5
    proof = parse_request(seen[0].content).proof
    assert str(verifier.name) in proof.decode("ascii")
