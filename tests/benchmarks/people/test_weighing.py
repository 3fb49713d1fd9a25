"""Laptops weigh by a number that was told with noise, and their noise weighs as they do."""

import numpy as np
import pytest

from benchmarks.people import weighing
from benchmarks.people.private_counts import DELTA, released, tally
from benchmarks.people.sets import Crowd, Person
from deskbound_strategies.accounting import SampledGaussian, epsilon_prv


def test_who_holds_more_counts_more_and_nobody_more_than_once():
    owner = np.repeat([0, 1, 2], [3000, 400, 10])
    found = weighing.weights(owner, 4, np.random.default_rng(1))
    assert found[0] > found[1] > found[2:].max()
    assert found.min() > 0
    assert found.max() < 1


def test_the_number_is_told_with_the_noise_that_is_charged(monkeypatch):
    monkeypatch.setattr(weighing, "HALF", 1e12)  # so weights are the numbers themselves
    owner = np.repeat(np.arange(2000), 1000)
    told = weighing.weights(owner, 2000, np.random.default_rng(1)) * weighing.HALF
    assert told.mean() == pytest.approx(1000, abs=3)
    assert told.std() == pytest.approx(weighing.EVENT.noise_multiplier, rel=0.05)
    assert weighing.EVENT.sampling_rate == 1.0
    alone = epsilon_prv([weighing.EVENT], DELTA)
    assert 0 < alone < 0.2
    with_rest = [weighing.EVENT, SampledGaussian(0.2, 4.0, 200)]
    assert epsilon_prv(with_rest, DELTA) < 1.01 * epsilon_prv(with_rest[1:], DELTA)


def test_counts_and_noise_of_a_laptop_are_weighed_alike():
    rng = np.random.default_rng(1)
    people = [Person(rng.integers(0, 5, 300), np.arange(300) * 400) for _ in range(3)]
    crowd = Crowd("made up", tuple(people), 5)
    tallies, weights = tally(crowd, people, "session"), np.array([0.5, 0.2, 0.0])
    exact = [
        released(tallies, 0.0, np.random.default_rng(2), weights=one)
        for one in (*np.diag(weights), weights)
    ]
    np.testing.assert_allclose(sum(exact[:3]), exact[3])
    assert not exact[2].any()
    noised = released(tallies, 2.0, np.random.default_rng(2), weights=weights)
    alone = released(tallies, 2.0, np.random.default_rng(2), weights=np.array([1.0, 0, 0]))
    single = released(tallies, 0.0, np.random.default_rng(2), weights=np.array([1.0, 0, 0]))
    ratio = (noised - exact[3]).std() / (alone - single).std()
    assert ratio == pytest.approx(np.linalg.norm(weights), rel=0.02)
