"""Every code has words, every state a badge, lengths of time are short."""

import pytest

from deskbound_server.admission import AdmissionCode
from deskbound_server.schema import RoundState, RunState
from deskbound_server.ui.words import badge, code_words, plan_words, seconds_words
from deskbound_strategies.dp_fedavg import ReplyFault
from deskbound_strategies.errors import RefusalCode
from tests.helpers.server import new_plan


@pytest.mark.parametrize("code", [*RefusalCode, *AdmissionCode, *ReplyFault])
def test_every_code_is_said_in_words(code):
    assert code_words(code.value).endswith(".")
    assert "does not know" not in code_words(code.value)


def test_a_code_of_another_version_is_said_so():
    assert "does not know" in code_words("<script>")


@pytest.mark.parametrize("state", [*RunState, *RoundState, "interrupted"])
def test_every_state_has_a_badge(state):
    assert badge(str(state.value if hasattr(state, "value") else state))[1]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-3, "0 s"), (59.4, "59 s"), (61, "1 min 1 s"), (3 * 3600 + 120, "3 h 2 min"),
     (90_000, "1 d 1 h")],
)  # fmt: skip
def test_a_length_of_time_has_two_units_at_most(seconds, words):
    assert seconds_words(seconds) == words


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"enough": 3}, "until 3 replies count"),
        ({"aggregation": "trimmed-mean", "trim": 0.2}, "without 20% at each end"),
        (
            {"weighing": "told", "told_mean": 300.0},
            "count by what they told (on average 300 clips)",
        ),
        ({"held_out": "none"}, "tried on nothing"),
        ({"held_out": "generated"}, "made-up days"),
    ],
)
def test_settings_are_said_in_sentences(changes, words):
    assert any(words in sentence for _, sentence in plan_words(new_plan(**changes)))


def test_a_plan_that_takes_every_unit_says_so_and_another_how_likely_each_is():
    every = dict(plan_words(new_plan(sampling_rate=1.0, steps=1)))
    some = dict(plan_words(new_plan(sampling_rate=0.25, steps=4)))
    assert "In one step a laptop takes every session, clips it" in " ".join(every.values())
    said = "In each of 4 steps a laptop takes each session with probability 0.25, clips it"
    assert said in " ".join(some.values())
