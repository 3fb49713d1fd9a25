"""Rounds in memory, with laptops that drop out, refuse, repeat, lie and dawdle."""

from enum import StrEnum

import numpy as np
import pytest
from flwr.app import ArrayRecord, ConfigRecord, Error, RecordDict

from deskbound_strategies.aggregation import StreamingMean
from deskbound_strategies.codec import TensorSpec, decode, encode, encoded_size
from deskbound_strategies.contract import RoundContract
from deskbound_strategies.dp_fedavg import (
    MAX_ASKS,
    Clock,
    DpFedAvg,
    Progress,
    gather,
    sample_cohort,
)
from deskbound_strategies.errors import Refusal, RefusalCode
from deskbound_strategies.wire import (
    contract_message,
    parse_request,
    refusal_content,
    reply_content,
)
from tests.helpers.fake_grid import FakeClock, FakeGrid, FakeNode

LAYOUT = (TensorSpec("w", (4,)),)
DIGEST = "ab" * 32
RECEIPT = b"receipt"


class Reject(StrEnum):
    BAD = "bad"


def contract(**changes) -> RoundContract:
    terms = {
        "run": "0" * 32, "round": 1, "task": "t", "profile": "research",
        "vocabulary_hash": "v", "anchors": "c" * 64, "model_hash": "m", "unit": "session",
        "unit_seconds": 600,
        "unit_actions": 256, "sampling_rate": 0.1, "noise_multiplier": 1.0, "clip": 1.0,
        "steps": 2, "divisor": 8.0, "local_optimizer": "sgd", "learning_rate": 0.1,
        "aggregation": "plain", "minimum_cohort": 2, "issued": 1_000, "deadline": 1_060,
        "client_version_min": "0.1.0", "client_version_below": "0.2.0",
    }  # fmt: skip
    return RoundContract(**(terms | changes))


def judge(_node, reply):
    try:
        return decode(reply.update, LAYOUT)
    except Refusal:
        return Reject.BAD


def update(value: float) -> RecordDict:
    return reply_content(
        DIGEST, "0.1.0", encode({"w": np.full(4, value, np.float32)}, LAYOUT), RECEIPT
    )


def request(node: int) -> RecordDict:
    return contract_message(b"{}", b"proof for %d" % node, b"weights")


def says(content) -> FakeNode:
    return FakeNode(lambda _: content)


def run(
    nodes: dict[int, FakeNode], *, enough: int = 0, cohort=None, report=lambda _: None, **terms
):
    clock = FakeClock()
    grid = FakeGrid(clock, nodes)
    strategy = DpFedAvg(
        grid, judge, max_update_bytes=encoded_size(LAYOUT), enough=enough,
        clock=Clock(clock.now, clock.wait), report=report,
    )  # fmt: skip
    agreed = contract(**terms)
    asked = list(nodes) if cohort is None else cohort
    outcome = strategy.run_round(agreed, request, asked, StreamingMean(LAYOUT))
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
        node = message.metadata.dst_node_id
        assert parse_request(message.content).proof == b"proof for %d" % node
        assert message.metadata.ttl <= 60


def test_refusals_are_counted_by_code_and_never_averaged():
    refusal = refusal_content(RefusalCode.SIGMA_TOO_LOW)
    outcome, _, _ = run(
        {1: says(refusal), 2: says(refusal), 3: says(update(1)), 4: says(update(3))}
    )
    assert outcome.refused == {"sigma-too-low": 2}
    np.testing.assert_array_equal(outcome.mean["w"], [2.0] * 4)
    assert outcome.missing == 0


def test_how_far_a_round_is_is_told_in_counts_that_end_as_its_outcome():
    told = list[Progress]()
    nodes = {
        1: says(update(1)), 2: FakeNode(lambda _: refusal_content(RefusalCode.SIGMA_TOO_LOW), 4),
        3: says(None),
    }  # fmt: skip
    outcome, _, _ = run(nodes, report=told.append)
    assert told[0] == Progress(3, 0, 0, 0)
    assert told[-1] == Progress(3, outcome.admitted, 1, 0)
    sums = [one.admitted + one.refused + one.rejected for one in told]
    assert sums == sorted(sums)


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
        reply_content(DIGEST, "not a version", b"", RECEIPT),
        reply_content(DIGEST, "0.1.0", b"\0" * (encoded_size(LAYOUT) + 1), RECEIPT),
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
    poisoned = reply_content(DIGEST, "0.1.0", b"\0" * encoded_size(LAYOUT), RECEIPT)
    outcome, _, _ = run({1: says(poisoned), 2: says(update(1)), 3: says(update(3))})
    assert outcome.rejected == {"bad": 1}


def leaving(*away: tuple[float, float], value: float = 3, seconds: float = 5) -> FakeNode:
    """A laptop that would answer in so many seconds, were it not away now and then."""
    return FakeNode(lambda _: update(value), seconds=seconds, away=away)


def asked(grid: FakeGrid, node: int) -> list[bytes]:
    """What a laptop was sent, message by message."""
    sent = [one for one in grid.sent if one.metadata.dst_node_id == node]
    return [repr(sorted(one.content["deskbound"].items())).encode() for one in sent]


def test_a_laptop_that_comes_back_is_asked_again_and_the_same():
    outcome, grid, clock = run({1: says(update(1)), 2: leaving((1_002, 1_010))})
    assert (outcome.admitted, outcome.missing, outcome.outstanding) == (2, 0, {})
    np.testing.assert_array_equal(outcome.mean["w"], [2.0] * 4)
    first, second = asked(grid, 2)
    assert first == second
    assert len(asked(grid, 1)) == 1, "who answered is left alone"
    assert 1_015 <= clock.now() < 1_020, "asked as soon as it is back, and no longer waited for"


def test_a_laptop_is_asked_three_times_at_most():
    restless = leaving(*((1_002 + 6 * number, 1_005 + 6 * number) for number in range(9)))
    outcome, grid, clock = run({1: says(update(1)), 2: restless})
    assert len(asked(grid, 2)) == MAX_ASKS == 3
    assert outcome.mean is None
    assert (outcome.admitted, outcome.missing) == (1, 1)
    assert clock.now() >= contract().deadline


def test_a_laptop_that_stays_is_asked_once_however_long_it_takes():
    outcome, grid, _ = run({1: says(update(1)), 2: says(None)})
    assert len(asked(grid, 2)) == 1
    assert outcome.missing == 1


def test_a_laptop_that_refused_and_left_is_not_asked_again():
    refuser = FakeNode(lambda _: refusal_content(RefusalCode.CLIP_TOO_HIGH), away=((1_002, 1_008),))
    outcome, grid, _ = run({1: refuser, 2: says(update(1)), 3: leaving(seconds=30)})
    assert len(asked(grid, 1)) == 1
    assert outcome.refused == {"clip-too-high": 1}


def signing_off(seconds: float = 3.0, **when) -> FakeNode:
    """Flower reports in its place that it signed off; asked again, it answers."""
    answers = iter([Error(0, "gone"), update(3)])
    return FakeNode(lambda _: next(answers), seconds=seconds, **when)


def test_a_laptop_that_signed_off_is_waited_for_while_the_cohort_needs_it():
    outcome, grid, clock = run({1: says(update(1)), 2: signing_off()})
    assert (outcome.admitted, outcome.missing) == (2, 0)
    assert len(asked(grid, 2)) == 2
    assert clock.now() < 1_012


def test_a_laptop_that_signed_off_is_not_waited_for_once_enough_others_are_in():
    outcome, grid, clock = run({1: says(update(1)), 2: signing_off(), 3: says(update(3))})
    assert (outcome.admitted, outcome.missing) == (2, 1)
    assert len(asked(grid, 2)) == 1
    assert clock.now() < 1_005


def test_where_others_are_waited_for_anyway_it_is_asked_again_too():
    outcome, grid, _ = run(
        {1: says(update(1)), 2: signing_off(), 3: says(update(2)), 4: leaving(seconds=30, value=6)}
    )
    assert (outcome.admitted, outcome.missing) == (4, 0)
    assert len(asked(grid, 2)) == 2


def test_a_laptop_that_was_gone_when_it_was_asked_first_is_waited_for_while_it_is_needed():
    outcome, grid, clock = run({1: says(update(1)), 2: leaving((999, 1_010))})
    assert (outcome.admitted, outcome.missing) == (2, 0)
    assert len(asked(grid, 2)) == 1, "the first message was never taken"
    assert clock.now() < 1_020


def test_nobody_is_waited_for_beyond_the_deadline():
    outcome, _, clock = run({1: says(update(1)), 2: leaving((1_002, 9_999))})
    assert (outcome.admitted, outcome.missing, outcome.mean) == (1, 1, None)
    assert contract().deadline <= clock.now() < contract().deadline + 1


def test_what_a_laptop_sent_before_it_left_counts_once():
    """It was heard, so that it is not asked again when it is back."""
    both = FakeNode(lambda _: update(3), seconds=1.9, away=((1_001.95, 1_003),))
    outcome, grid, _ = run({1: leaving(seconds=20, value=1), 2: both})
    assert outcome.rejected == {}
    assert outcome.admitted == 2
    np.testing.assert_array_equal(outcome.mean["w"], [2.0] * 4)
    assert len(asked(grid, 2)) == 1


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
