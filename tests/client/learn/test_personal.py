"""The personal head: own counts beside the shared model's word, learned by going along."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.people.counting import Chain, blended
from deskbound_client.learn.personal import ORDER, STRENGTH, PersonalHead, PersonalModel
from deskbound_strategies.errors import Refusal
from deskbound_strategies.next_action import TASK
from deskbound_strategies.task import weights_of
from tests.helpers.learning import generated_units, some_units

SIZE = 7
TOKENS = st.lists(st.integers(0, SIZE - 1), max_size=60)
WORDS = st.lists(st.floats(0.001, 1.0), min_size=SIZE, max_size=SIZE)
NOTHING = np.full(SIZE, 1.0 / SIZE)  # the word of a model that knows nothing
WEIGHTS = weights_of(TASK.build_model(1))


def certain(token):
    """The word of a model that is all but sure."""
    word = np.full(SIZE, 0.01)
    word[token] = 1.0 - 0.01 * (SIZE - 1)
    return word


def head_of(tokens, word=lambda place: NOTHING):
    """The head of somebody who did this beside a model that said ``word`` of each action."""
    head = PersonalHead()
    for place, token in enumerate(tokens):
        head.learn(tokens[max(0, place - ORDER) : place], token, word(place))
    return head


@given(TOKENS, TOKENS, WORDS)
def test_chances_are_chances_whatever_was_done(past, recent, words):
    guessed = head_of(past).guess(recent, np.array(words) / sum(words))
    for chances in (guessed.own, guessed.personal, guessed.mixed):
        assert chances.sum() == pytest.approx(1.0)
        assert (chances > 0).all()


@given(TOKENS.filter(len), TOKENS)
def test_own_counts_are_the_blend_that_is_known_from_the_literature(past, recent):
    """The same, but that nobody's word is worth ``STRENGTH`` sightings of anything at first."""
    chain = Chain(ORDER)
    chain.learn(past)
    known = blended(chain, recent, STRENGTH)
    plain = np.array([known.get(token, 0.0) for token in range(SIZE)])
    worth = 1.0  # of the empty context's word, down those that were seen
    for length in range(1, min(ORDER, len(recent)) + 1):
        followers = chain.counts.get(tuple(recent[len(recent) - length :]))
        if followers is None:
            break
        worth *= STRENGTH / (followers.total() + STRENGTH)
    first = np.bincount(past, minlength=SIZE)
    smoothed = (first + STRENGTH / SIZE) / (len(past) + STRENGTH)
    found = head_of(past).guess(recent, NOTHING).own
    assert found == pytest.approx(plain + worth * (smoothed - first / len(past)))


def test_who_did_nothing_yet_has_the_shared_models_word():
    assert PersonalHead().guess([1, 2], certain(3)).personal == pytest.approx(certain(3))


def test_own_habits_win_where_they_were_seen_often_and_only_there():
    routine = [0, 1, 2] * 40
    head = head_of(routine, lambda place: certain(routine[place]))
    assert head.guess([0, 1], certain(5)).personal.argmax() == 2
    assert head.guess([3, 4], certain(5)).personal.argmax() == 5


def test_a_model_that_is_always_wrong_is_no_longer_listened_to():
    head = head_of([0, 1, 2] * 40, lambda place: certain(5))
    guessed = head.guess([3, 4], certain(5))
    assert guessed.personal.argmax() == guessed.own.argmax() != 5


def test_a_model_that_learned_to_be_right_is_listened_to_again():
    rng = np.random.default_rng(1)
    chaos = rng.integers(0, SIZE, 2_000).tolist()
    head = head_of(chaos, lambda place: certain(5) if place < 1_000 else certain(chaos[place]))
    assert head.guess([1, 2], certain(4)).personal.argmax() == 4


def test_a_model_that_goes_along_guesses_before_it_learns():
    """Seven actions that come again: at first nothing of them is known, then everything."""
    routine = some_units([7], seed=3)
    model = PersonalModel(TASK, WEIGHTS, [])
    before, after = model.follow(routine)[0], model.follow(routine)[0]
    assert before.positions == after.positions == 6
    assert (before.hit1, after.hit1) == (0.0, 1.0)


def test_beside_a_model_that_knows_nothing_own_counts_are_what_is_left():
    past, then = (generated_units("support", date(2026, 11, day))[:20] for day in (12, 13))
    alone, personal = PersonalModel(TASK, weights_of(TASK.build_model(0)), past).follow(then)
    assert alone.positions == personal.positions == sum(len(unit) - 1 for unit in then)
    assert alone.hit1 > 0.2
    assert personal.hit1 == pytest.approx(alone.hit1, abs=0.05)


def test_what_is_forgotten_is_gone_from_the_next_model():
    """It is made from the units that there are, and from nothing else."""
    units = some_units([9, 9, 9], seed=4)
    (latest,) = some_units([3], seed=5)
    forgotten = PersonalModel(TASK, WEIGHTS, units[:1] + units[2:]).forecast(latest)
    whole = PersonalModel(TASK, WEIGHTS, units).forecast(latest)
    assert forgotten == PersonalModel(TASK, WEIGHTS, [units[0], units[2]]).forecast(latest)
    assert forgotten != whole
    assert [chance for _, chance in whole] == sorted((c for _, c in whole), reverse=True)


def test_weights_of_another_task_are_refused():
    with pytest.raises(Refusal):
        PersonalModel(TASK, {}, [])
