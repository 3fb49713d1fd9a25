import math

import numpy as np
import pytest

from deskbound_audit.attack.membership import most_allowed, roc


def test_sure_scores_find_all_and_equal_scores_tell_nothing():
    members = np.array([True, False, True, False])
    sure = roc(np.array([2.0, -1.0, 3.0, -2.0]), members)
    assert (sure.area, sure.found_at_low) == (1.0, 1.0)
    same = roc(np.zeros(4), members)
    assert (same.area, same.found_at_low) == (0.5, 0.0)


def test_the_area_is_the_chance_that_a_member_scores_higher():
    chances = np.random.default_rng(1)
    members = chances.random(300) < 0.5
    scores = chances.standard_normal(300) + members
    pairs = scores[members][:, None] > scores[~members][None]
    assert roc(scores, members).area == pytest.approx(pairs.mean())


def test_the_foot_of_the_curve_allows_no_more_false_alarms_than_it_says():
    members = np.repeat([True, False], 1000)
    scores = np.concatenate([np.linspace(1, 2, 1000), np.linspace(0, 1.1, 1000)])
    above = np.sort(scores[1000:])[-11]
    assert roc(scores, members).found_at_low == pytest.approx(
        (scores[:1000] > above).mean(), abs=2e-3
    )


def test_without_members_or_others_there_is_no_curve():
    with pytest.raises(ValueError, match="members"):
        roc(np.zeros(3), np.ones(3, dtype=bool))


def test_what_epsilon_allows():
    assert most_allowed(0.1, 0.0, 0.0) == pytest.approx(0.1)
    assert most_allowed(0.01, 1.0, 1e-6) == pytest.approx(0.01 * math.e + 1e-6)
    assert most_allowed(0.5, 5.0, 0.0) == pytest.approx(1 - math.exp(-5) * 0.5)
