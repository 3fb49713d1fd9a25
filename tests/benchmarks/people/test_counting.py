import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.people.counting import (
    NEVER,
    Chain,
    blend_ranks,
    blended,
    chain_ranks,
    recency_ranks,
    score,
)
from deskbound_strategies.baselines import GUESSES, Markov, most_recent
from deskbound_strategies.task import Unit

tokens = st.lists(st.integers(0, 6), min_size=1, max_size=40).map(np.array)


def a_unit(done) -> Unit:
    nothing = np.zeros(len(done), np.int64)
    return Unit(done, nothing, nothing, nothing)


def place(guesses, token) -> int:
    return list(guesses).index(token) if token in guesses else NEVER


@given(past=tokens, future=tokens, order=st.integers(0, 3))
def test_ranks_are_the_places_among_a_laptops_own_guesses(past, future, order):
    chain = Chain(order)
    chain.learn(past.tolist())
    # The laptop's baseline does not count a unit's first action, for nothing guesses it.
    chain.counts[()][past[0]] -= 1
    if not chain.counts[()][past[0]]:
        del chain.counts[()][past[0]]
    guess = Markov(order, [a_unit(past)])
    history = [*past.tolist(), *future.tolist()]
    for found, end in zip(chain_ranks(chain, past, future), range(len(past), 99), strict=False):
        expected = place(guess(history[:end]), history[end])
        assert (found if found < GUESSES else NEVER) == expected


@given(past=tokens, future=tokens, order=st.integers(0, 2))
def test_counting_on_is_counting_anew_before_each_guess(past, future, order):
    grown = Chain(order)
    grown.learn(past.tolist())
    found = chain_ranks(grown, past, future, online=True)
    history = [*past.tolist(), *future.tolist()]
    for step, rank in enumerate(found):
        anew = Chain(order)
        anew.learn(history[: len(past) + step])
        assert rank == anew.rank(history[: len(past) + step], history[len(past) + step])
    whole = Chain(order)
    whole.learn(history)
    assert grown.counts == whole.counts


@given(past=tokens, future=tokens)
def test_what_was_done_lately_comes_first(past, future):
    history = [*past.tolist(), *future.tolist()]
    for step, rank in enumerate(recency_ranks(past, future)):
        end = len(past) + step
        expected = place(most_recent(history[:end]), history[end])
        assert (rank if rank < GUESSES else NEVER) == expected


@given(past=tokens, future=tokens, order=st.integers(0, 3), strength=st.floats(0.1, 50))
def test_blended_chances_are_chances_and_ranks_are_their_order(past, future, order, strength):
    chain = Chain(order)
    chain.learn(past.tolist())
    found = blend_ranks(chain, past, future, strength)
    history = [*past.tolist(), *future.tolist()]
    for step, rank in enumerate(found):
        anew = Chain(order)
        anew.learn(history[: len(past) + step])
        chances = blended(anew, history[: len(past) + step], strength)
        assert sum(chances.values()) == pytest.approx(1.0)
        ordered = sorted(chances, key=lambda token: (-chances[token], token))
        assert rank == place(ordered, history[len(past) + step])


def test_a_blend_is_the_prior_where_little_was_seen_and_the_counts_where_much_was():
    chain = Chain(1)
    chain.learn([0, 1] * 10 + [0, 2] * 2)
    once = blended(chain, [2], 4.0)  # 2 was followed by 0, once
    assert once[0] == pytest.approx((1 + 4 * 12 / 24) / 5)
    often = blended(chain, [0], 4.0)
    assert often[1] == pytest.approx((10 + 4 * 10 / 24) / 16)


def test_scores_are_shares_of_all_positions():
    found = score([np.array([0, 1, 4]), np.array([5, NEVER])])
    assert (found.positions, found.hit1, found.hit5) == (5, 0.2, 0.6)
    assert found.mrr == pytest.approx((1 + 1 / 2 + 1 / 5 + 1 / 6) / 5)
