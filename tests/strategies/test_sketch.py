"""Cells of counts: where they lie, what is read from them with and without noise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deskbound_strategies import recents, sketch
from deskbound_strategies.sketch import (
    CELLS,
    PAIR_WEIGHT,
    SINGLE_WEIGHT,
    TRIPLE_WEIGHT,
    pair_cells,
    triple_cells,
)

ACTIONS = 12
SIZES = (ACTIONS, ACTIONS**2, CELLS, recents.CELLS)
TOKENS = st.integers(0, 2**16 - 1)


def counted(history, actions=ACTIONS, times=1.0):
    """Cells after counting a sequence ``times`` over, weighted as units are."""
    tokens = np.asarray(history)
    singles, pairs, triples = np.zeros(actions), np.zeros(actions * actions), np.zeros(CELLS)
    np.add.at(singles, tokens, SINGLE_WEIGHT * times)
    np.add.at(pairs, pair_cells(tokens[:-1], tokens[1:], actions), PAIR_WEIGHT * times)
    cells, signs = triple_cells(tokens[:-2], tokens[1:-1], tokens[2:])
    np.add.at(triples, cells, TRIPLE_WEIGHT * times * signs)
    return singles, pairs, triples, times * recents.weighted(tokens)


def habitual(n=4_000, seed=1):
    """0 1 2 and 3 1 4 by turns at random: what follows 1 is told by what was before it."""
    parts = np.array([[0, 1, 2], [3, 1, 4]])
    return parts[np.random.default_rng(seed).integers(0, 2, n)].ravel()


def test_the_hash_is_published_and_never_changes():
    cells, signs = triple_cells(np.array([0, 1, 422]), np.array([0, 2, 421]), np.array([0, 3, 7]))
    assert cells.tolist() == [904623, 738718, 639863]
    assert signs.tolist() == [1.0, 1.0, -1.0]


@given(TOKENS, TOKENS, TOKENS)
def test_every_triple_has_a_cell_and_a_sign(first, second, third):
    (cell,), (sign,) = triple_cells(np.array([first]), np.array([second]), np.array([third]))
    assert 0 <= cell < CELLS
    assert sign in {-1.0, 1.0}


def test_triples_spread_evenly_over_cells_and_signs():
    first, second = np.meshgrid(np.arange(400), np.arange(400))
    cells, signs = triple_cells(first.ravel(), second.ravel(), np.full(first.size, 7))
    loads = np.bincount(cells, minlength=CELLS)
    expected = first.size / CELLS
    assert abs(loads.var() / expected - 1) < 0.05  # as Poisson's
    assert abs(signs.mean()) < 0.01


def test_two_actions_back_tell_more_than_one():
    found = sketch.read(*counted(habitual()))
    assert abs(found.after[1, 2] - 0.5) < 0.05
    assert abs(found.after[1, 4] - 0.5) < 0.05
    chances = found.after_two(np.array([0, 3]), np.array([1, 1]))
    assert chances[0].argmax() == 2
    assert chances[1].argmax() == 4
    assert chances.max(axis=1).min() > 0.98


@given(st.floats(1e-6, 1e6))
@settings(deadline=None, max_examples=8)  # a million cells each time
def test_nothing_depends_on_the_scale_of_the_cells(scale):
    singles, pairs, triples, again = counted(habitual(200))
    noise = np.random.default_rng(0).normal(0, 1, CELLS)
    plain = sketch.read(singles, pairs, triples + noise, again)
    scaled = sketch.read(singles * scale, pairs * scale, (triples + noise) * scale, again * scale)
    np.testing.assert_allclose(scaled.after, plain.after, rtol=1e-6)
    two = np.array([0, 3]), np.array([1, 1])
    np.testing.assert_allclose(scaled.after_two(*two), plain.after_two(*two), rtol=1e-6, atol=1e-9)


def test_noise_alone_is_read_as_nearly_nothing():
    rng = np.random.default_rng(2)
    found = sketch.read(*(rng.normal(0, 5, size) for size in SIZES))
    assert abs(found.background.deviation / 5 - 1) < 0.01
    np.testing.assert_allclose(found.after.sum(axis=1), 1.0)
    assert found.after_two(np.array([3]), np.array([4])).max() < 0.7


def test_the_noise_is_told_from_what_was_counted():
    singles, pairs, triples, again = counted(np.random.default_rng(3).integers(0, 400, 50_000), 400)
    noisy = triples + np.random.default_rng(4).normal(0, 40, CELLS)
    found = sketch.read(singles, pairs, noisy, again)
    assert abs(found.background.deviation / 40 - 1) < 0.02


def test_what_stands_out_of_the_noise_is_believed_and_what_does_not_is_not():
    cells = counted(habitual())
    rng = np.random.default_rng(5)
    for noise, believed in ((20.0, True), (20_000.0, False)):
        found = sketch.read(*(one + rng.normal(0, noise, len(one)) for one in cells))
        chances = found.after_two(np.array([0, 3]), np.array([1, 1]))
        sure = min(chances[0, 2], chances[1, 4]) > 0.9
        assert bool(sure) is believed


def test_where_only_single_actions_stand_out_the_most_frequent_is_guessed():
    """A small fleet's pairs drown in noise; its favourite actions do not."""
    rng, actions = np.random.default_rng(6), 400
    tokens = rng.permutation(actions)[rng.geometric(0.3, 3_000).clip(max=actions) - 1]
    noisy = (one + rng.normal(0, 25, len(one)) for one in counted(tokens, actions))
    found = sketch.read(*noisy)
    favourite = np.bincount(tokens).argmax()
    assert np.mean(found.after.argmax(axis=1) == favourite) > 0.9


def test_counts_of_nothing_are_chances_all_the_same():
    found = sketch.read(*(np.zeros(size) for size in SIZES))
    np.testing.assert_allclose(found.after, 1 / ACTIONS)
    np.testing.assert_allclose(found.after_two(np.array([1]), np.array([2])), 1 / ACTIONS)


def again_and_again(n=3_000, actions=400, seed=7):
    """Anything at all, and every second time the same thing once more."""
    tokens = np.random.default_rng(seed).integers(0, actions, n)
    return np.repeat(tokens, 2)


def test_where_pairs_drown_what_was_used_last_is_expected_again():
    rng, actions = np.random.default_rng(8), 400
    cells = list(counted(again_and_again(), actions))
    cells[3] *= 600.0  # as 600 units of ten such actions each would add up
    found = sketch.read(*(one + rng.normal(0, 20, len(one)) for one in cells))
    last = rng.integers(0, actions, 50)
    rows = recents.used(last)
    told = found.after_history(np.r_[-1, last[:-1]], last, rows)
    np.testing.assert_allclose(told.sum(axis=1), 1.0)
    assert np.mean(told.argmax(axis=1) == last) > 0.9
    assert told[np.arange(50), last].mean() == pytest.approx(0.5, abs=0.08)
    assert np.mean(found.after_two(last[:-1], last[1:]).argmax(axis=1) == last[1:]) < 0.1


def test_where_counts_stand_out_recency_changes_next_to_nothing():
    found = sketch.read(*counted(habitual()))
    history = habitual(40, seed=9)
    first, second = np.r_[-1, history[:-1]], history
    told = found.after_history(first, second, recents.used(history))
    plain = np.concatenate([found.after[second[:1]], found.after_two(first[1:], second[1:])])
    np.testing.assert_allclose(told, plain, atol=0.02)


def test_without_recency_a_history_tells_what_its_last_two_actions_do():
    rng = np.random.default_rng(10)
    singles, pairs, triples, again = counted(habitual())
    noisy = [one + rng.normal(0, 30, len(one)) for one in (singles, pairs, triples)]
    found = sketch.read(*noisy, np.zeros_like(again))
    first, second = rng.integers(0, ACTIONS, (2, 60))
    used = np.stack([second, (second + 1) % ACTIONS, np.full(60, -1), np.full(60, -1)], axis=1)
    np.testing.assert_allclose(
        found.after_history(first, second, used), found.after_two(first, second), rtol=1e-9
    )
