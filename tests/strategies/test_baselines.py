"""Baselines: each by hand on a few actions."""

import numpy as np
import pytest

from deskbound_strategies.baselines import Markov, baselines, most_recent, repeat_last, score
from deskbound_strategies.task import Unit


def unit(*tokens: int) -> Unit:
    zeros = np.zeros(len(tokens), dtype=np.int64)
    return Unit(np.array(tokens, dtype=np.int64), zeros, zeros, zeros)


def test_the_most_frequent_action_is_counted_where_it_can_be_predicted():
    # The first action of a unit is never predicted, so it does not count.
    guess = Markov(0, [unit(9, 1, 1, 2), unit(9, 2, 1)])
    assert guess([7, 7]) == (1, 2)


def test_a_markov_chain_knows_what_follows_and_falls_back():
    guess = Markov(1, [unit(1, 2, 1, 2, 1, 3)])
    assert tuple(guess([1])) == (2, 3, 1)
    assert tuple(guess([8])) == (1, 2, 3)  # ties go to the smaller token


def test_order_two_sees_two_actions():
    guess = Markov(2, [unit(1, 2, 3, 9, 2, 4, 9, 2, 4)])
    assert guess([1, 2])[0] == 3
    assert guess([9, 2])[0] == 4
    assert guess([2])[0] == 4


def test_at_most_five_guesses():
    many = [unit(0, token) for token in range(1, 9)]
    assert tuple(Markov(1, many)([0])) == (1, 2, 3, 4, 5)


def test_more_guesses_and_coarser_ones_can_be_asked_for():
    """Labels are what is guessed; contexts are the actions themselves."""
    many, labels = (
        [unit(0, token) for token in (1, 2, 3, 4, 5, 6, 7, 7)],
        [token // 4 for token in range(9)],
    )
    assert tuple(Markov(1, many, most=9)([0])) == (7, 1, 2, 3, 4, 5, 6)
    assert tuple(Markov(1, many, labels)([0])) == (1, 0)
    assert tuple(Markov(1, [unit(8, 1, 8, 5), unit(1, 4)], labels)([1])) == (1, 2, 0)
    assert repeat_last([8, 3], labels) == [0]
    assert tuple(most_recent([8, 1, 5, 2], labels)) == (0, 1, 2)
    assert len(most_recent(list(range(20)), most=12)) == 12
    fitted = baselines(many, labels, most=1)
    assert {name: tuple(guess([8, 0])) for name, guess in fitted.items()} == {
        "most frequent": (1,), "repeat last": (0,), "most recently used": (0,),
        "Markov 1": (1,), "Markov 2": (1,),
    }  # fmt: skip


def test_repeating_and_recency():
    assert list(repeat_last([1, 2, 3])) == [3]
    assert list(most_recent([5, 1, 2, 1, 3, 3])) == [3, 1, 2, 5]
    assert len(most_recent(list(range(20)))) == 5


def test_scores_by_hand():
    metrics = score(repeat_last, [unit(1, 1, 2, 2), unit(4), unit(5, 6)])
    assert (metrics.positions, metrics.hit1, metrics.hit5) == (4, 0.5, 0.5)
    metrics = score(most_recent, [unit(1, 2, 1, 2)])
    assert (metrics.hit1, metrics.hit5) == (0.0, pytest.approx(2 / 3))
    assert score(repeat_last, []).positions == 0


def test_all_are_there_and_a_laptop_without_data_gets_no_error():
    fitted = baselines([])
    assert list(fitted) == [
        "most frequent", "repeat last", "most recently used", "Markov 1", "Markov 2",
    ]  # fmt: skip
    assert score(fitted["Markov 2"], [unit(1, 2)]).hit5 == 0.0
