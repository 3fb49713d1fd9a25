"""Rounds in memory, with laptops that drop out, refuse, repeat, lie and dawdle."""

from enum import StrEnum

import numpy as np
import pytest
from flwr.app import ArrayRecord, ConfigRecord, Error, RecordDict

from deskbound_strategies.aggregation import StreamingMean
from deskbound_strategies.codec import TensorSpec, decode, encode, encoded_size
from deskbound_strategies.contract import RoundContract
from deskbound_strategies.dp_fedavg import Clock, DpFedAvg, gather, sample_cohort
from deskbound_strategies.errors import Refusal, RefusalCode
from deskbound_strategies.wire import parse_request, refusal_content, reply_content
from tests.helpers.fake_grid import FakeClock, FakeGrid, FakeNode

LAYOUT = (TensorSpec("w", (4,)),)
DIGEST = "ab" * 32


class Reject(StrEnum):
    BAD = "bad"


def contract(**changes) -> RoundContract:
    terms = {
        "run": "0" * 32, "round": 1, "task": "t", "profile": "research",
        "vocabulary_hash": "v", "model_hash": "m", "unit": "session", "unit_seconds": 600,
        "unit_actions": 256, "sampling_rate": 0.1, "noise_multiplier": 1.0, "clip": 1.0,
        "steps": 2, "divisor": 8.0, "local_optimizer": "sgd", "learning_rate": 0.1,
        "aggregation": "plain", "minimum_cohort": 2, "issued": 1_000, "deadline": 1_060,
        "client_version_min": "0.1.0", "client_version_below": "0.2.0",
    }  # fmt: skip
    return RoundContract(**(terms | changes))


def judge(reply):
    try:
        return decode(reply.update, LAYOUT)
    except Refusal:
        return Reject.BAD


def update(value: float) -> RecordDict:
    return reply_content(DIGEST, "0.1.0", encode({"w": np.full(4, value, np.float32)}, LAYOUT))


def says(content) -> FakeNode:
    return FakeNode(lambda _: content)


def run(nodes: dict[int, FakeNode], *, enough: int = 0, cohort=None, **terms):
    clock = FakeClock()
    grid = FakeGrid(clock, nodes)
    strategy = DpFedAvg(
        grid, judge, max_update_bytes=encoded_size(LAYOUT), enough=enough,
        clock=Clock(clock.now, clock.wait),
    )  # fmt: skip
    agreed = contract(**terms)
    asked = list(nodes) if cohort is None else cohort
    outcome = strategy.run_round(agreed, b"{}", b"weights", asked, StreamingMean(LAYOUT))
    return outcome, grid, clock


def test_every_admitted_reply_counts_the_same():
    outcome, grid, clock = run({1: says(update(1)), 2: says(update(2)), 3: says(update(6))})
    np.testing.assert_array_equal(outcome.mean["w"], [3.0] * 4)
    assert (outcome.cohort, outcome.admitted, outcome.missing) == (3, 3, 0)
    assert (outcome.refused, outcome.rejected) == ({}, {})
    assert clock.now() < contract().deadline, "a complete cohort does not wait for the deadline"
    assert grid.largest_pull == 1, "one reply resident at a time"
    for message in grid.sent:
        assert parse_request(message.content).weights == b"weights"
        assert message.metadata.ttl <= 60


def test_refusals_are_counted_by_code_and_never_averaged():
    refusal = refusal_content(RefusalCode.SIGMA_TOO_LOW)
    outcome, _, _ = run(
        {1: says(refusal), 2: says(refusal), 3: says(update(1)), 4: says(update(3))}
    )
    assert outcome.refused == {"sigma-too-low": 2}
    np.testing.assert_array_equal(outcome.mean["w"], [2.0] * 4)
    assert outcome.missing == 0


def test_silence_lasts_until_the_deadline_and_looks_like_any_other_silence():
    outcome, _, clock = run({1: says(None), 2: says(update(1)), 3: says(update(3))})
    assert (outcome.admitted, outcome.missing) == (2, 1)
    assert clock.now() >= contract().deadline
    assert outcome.mean is not None


def test_below_the_minimum_cohort_nothing_is_released():
    outcome, _, _ = run({1: says(update(1)), 2: says(None), 3: says(None)})
    assert outcome.admitted == 1
    assert outcome.mean is None


def test_a_minimum_cohort_of_zero_still_releases_nothing_of_nobody():
    assert run({1: says(None)}, minimum_cohort=0)[0].mean is None


def test_a_reply_sent_twice_counts_once():
    twice = FakeNode(lambda _: update(9), copies=2)
    outcome, _, _ = run({1: twice, 2: says(update(1))})
    np.testing.assert_array_equal(outcome.mean["w"], [5.0] * 4)
    assert outcome.rejected == {"duplicate": 1}


def test_a_laptop_sampled_twice_is_asked_once():
    outcome, grid, _ = run({1: says(update(1)), 2: says(update(3))}, cohort=[1, 1, 2])
    assert len(grid.sent) == 2
    assert outcome.admitted == 2


def test_a_reply_in_the_name_of_another_laptop_does_not_count():
    liar = FakeNode(lambda _: update(9), claims_to_be=2)
    outcome, _, _ = run({1: liar, 2: says(update(1)), 3: says(update(3))})
    assert outcome.rejected == {"foreign": 1}
    np.testing.assert_array_equal(outcome.mean["w"], [2.0] * 4)


def test_a_late_reply_does_not_count():
    late = FakeNode(lambda _: update(9), seconds=61)
    outcome, _, _ = run({1: late, 2: says(update(1)), 3: says(update(3))})
    assert (outcome.admitted, outcome.missing) == (2, 1)
    np.testing.assert_array_equal(outcome.mean["w"], [2.0] * 4)


def test_a_slow_reply_before_the_deadline_counts():
    slow = FakeNode(lambda _: update(4), seconds=30)
    outcome, _, _ = run({1: slow, 2: says(update(2))})
    assert outcome.admitted == 2


@pytest.mark.parametrize(
    "content",
    [
        RecordDict(),
        RecordDict({"deskbound": ConfigRecord({"refusal": "typed text"})}),
        RecordDict({"deskbound": ConfigRecord({"contract_digest": DIGEST})}),
        RecordDict({"deskbound": ArrayRecord([np.ones(4, np.float32)])}),
        reply_content(DIGEST, "not a version", b""),
        reply_content(DIGEST, "0.1.0", b"\0" * (encoded_size(LAYOUT) + 1)),
    ],
)
def test_what_is_no_reply_is_malformed(content):
    outcome, _, _ = run({1: says(content), 2: says(update(1)), 3: says(update(3))})
    assert outcome.rejected == {"malformed": 1}
    assert outcome.admitted == 2


def test_a_reply_that_flower_cannot_even_inflate_harms_only_itself():
    outcome, _, _ = run({1: says(MemoryError()), 2: says(update(1)), 3: says(update(3))})
    assert outcome.rejected == {"malformed": 1}
    assert (outcome.admitted, outcome.missing) == (2, 0)


def test_an_error_in_the_place_of_a_laptop_is_silence_and_its_text_is_dropped():
    broken = says(Error(0, "a secret in an exception's text"))
    outcome, _, _ = run({1: broken, 2: says(update(1)), 3: says(update(3))})
    assert (outcome.cohort, outcome.admitted, outcome.missing) == (3, 2, 1)
    assert outcome.rejected == {}
    assert "secret" not in repr(outcome)


def test_what_admission_rejects_is_counted_under_its_code():
    poisoned = reply_content(DIGEST, "0.1.0", b"\0" * encoded_size(LAYOUT))
    outcome, _, _ = run({1: says(poisoned), 2: says(update(1)), 3: says(update(3))})
    assert outcome.rejected == {"bad": 1}


def test_over_selection_closes_the_round_once_enough_are_in():
    nodes = {n: says(update(n)) for n in range(1, 4)} | {9: says(None)}
    outcome, _, clock = run(nodes, enough=3)
    assert outcome.admitted == 3
    assert clock.now() < contract().deadline


def test_a_laptop_that_left_before_it_was_asked_is_missing():
    outcome, _, _ = run({1: says(update(1)), 2: says(update(3))}, cohort=[1, 2, 77])
    assert (outcome.cohort, outcome.admitted, outcome.missing) == (3, 2, 1)


def test_gather_waits_for_laptops_and_gives_up_in_time():
    clock = FakeClock()
    grid = FakeGrid(clock, {1: says(None)})
    assert gather(grid, 2, 1_010.0, Clock(clock.now, clock.wait)) == [1]
    assert clock.now() >= 1_010.0
    grid.nodes[2] = says(None)
    before = clock.now()
    assert gather(grid, 2, before + 10, Clock(clock.now, clock.wait)) == [1, 2]
    assert clock.now() == before


def test_a_cohort_is_a_sample_without_repetition():
    nodes = list(range(100))
    cohort = sample_cohort(nodes, 20)
    assert len(set(cohort)) == 20
    assert set(cohort) <= set(nodes)
    assert sorted(sample_cohort(nodes, 500)) == nodes
    assert len({tuple(sample_cohort(nodes, 20)) for _ in range(5)}) > 1
