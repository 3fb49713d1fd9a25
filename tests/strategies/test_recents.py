"""What was used lately, how often it comes again, and what is read of that under noise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbound_strategies.recents import CELLS, LONG, RANKS, WEIGHT, follow, read, used, weighted

UNITS = st.lists(st.integers(0, 8), max_size=40)


@given(UNITS)
def test_the_latest_actions_stand_first_and_each_once(tokens):
    found = used(np.array(tokens, np.int64))
    assert found.shape == (len(tokens), RANKS)
    for place, row in enumerate(found.tolist()):
        wanted = list(dict.fromkeys(reversed(tokens[: place + 1])))[:RANKS]
        assert row == wanted + [-1] * (RANKS - len(wanted))


@given(UNITS)
def test_an_action_hits_one_rank_at_most_and_misses_those_before(tokens):
    found = weighted(np.array(tokens, np.int64)) / WEIGHT * max(1, len(tokens) - 1)
    hits, misses = np.zeros(RANKS), np.zeros(RANKS)
    for place in range(1, len(tokens)):
        lately = list(dict.fromkeys(reversed(tokens[:place])))[:RANKS]
        for rank, one in enumerate(lately):
            if one == tokens[place]:
                hits[rank] += 1
                break
            misses[rank] += 1
    np.testing.assert_allclose(found, [*hits, *misses], atol=1e-9)


@given(UNITS)
def test_a_usual_unit_contributes_no_more_however_long_it_is(tokens):
    found = weighted(np.array(tokens, np.int64))
    assert np.linalg.norm(found) <= WEIGHT * np.sqrt(RANKS) + 1e-12
    longer = weighted(np.tile(np.array([1, 2, 1], np.int64), LONG))
    assert longer.max() > 2 * WEIGHT


@given(UNITS, st.integers(0, 8))
def test_going_on_by_an_action_is_what_the_longer_history_has(tokens, came):
    rows = used(np.array([*tokens, came], np.int64))
    before = rows[-2:-1] if tokens else np.full((1, RANKS), -1)
    assert follow(before, np.array([came])).tolist() == rows[-1:].tolist()


def test_chances_are_those_of_the_counts():
    tokens = np.random.default_rng(1).integers(0, 6, 5_000)
    tokens = np.where(np.arange(5_000) % 3 == 2, np.roll(tokens, 2), tokens)
    found = read(weighted(tokens), 0.0)
    rows = used(tokens)
    for rank in range(RANKS):
        share = np.mean(rows[:-1, rank] == tokens[1:])
        assert found[rank] == pytest.approx(share, abs=0.005)
    assert found.sum() < 1


def test_what_does_not_stand_out_of_the_noise_is_no_chance():
    cells = np.array([50.0, 20.0, 2.9, -4.0, 60.0, 30.0, 20.0, 9.0])
    found = read(cells, 1.0)
    assert found[0] == pytest.approx(50 / 110)
    assert found[1] == pytest.approx(60 / 110 * 20 / 50)
    assert not found[2:].any()
    assert not read(cells, 20.0).any()
    assert read(np.r_[[5.0] * RANKS, [-9.0] * RANKS], 1.0).sum() < 1, "misses lost in noise"
    assert len(cells) == CELLS
