import numpy as np
import pytest

from deskbound_audit.attack.membership import roc
from deskbound_audit.attack.wiener import Wiener

CHANCES = np.random.default_rng(1)
COUNT, DIMENSION, RATE, ROUNDS = 60, 800, 0.5, 6
PRIOR = {0.0: 1 - RATE, 1.0: RATE}


@pytest.fixture(scope="module")
def gradients():
    shared = CHANCES.standard_normal(DIMENSION)
    rows = CHANCES.standard_normal((COUNT, DIMENSION)) + 0.7 * shared
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def releases(gradients, took_part, noise):
    sampled = (CHANCES.random((ROUNDS, COUNT)) < RATE) & took_part
    return sampled @ gradients + noise * CHANCES.standard_normal((ROUNDS, DIMENSION))


def test_without_noise_members_are_certain_although_gradients_overlap(gradients):
    took_part = CHANCES.random(COUNT) < 0.5
    scores = Wiener(gradients).scores(releases(gradients, took_part, 1e-3), 1e-3, PRIOR)
    assert roc(scores, took_part).area > 0.98  # but for those that were never sampled


def test_it_is_better_than_the_bare_inner_product(gradients):
    """The mean over some runs: gradients that share a direction hide each other."""
    plain, filtered = [], []
    for _ in range(20):
        took_part = CHANCES.random(COUNT) < 0.5
        sums = releases(gradients, took_part, 0.5)
        plain.append(roc((sums @ gradients.T).sum(axis=0), took_part).area)
        filtered.append(roc(Wiener(gradients).scores(sums, 0.5, PRIOR), took_part).area)
    assert np.mean(filtered) > np.mean(plain) + 0.02


def test_much_noise_leaves_ratios_near_zero(gradients):
    took_part = CHANCES.random(COUNT) < 0.5
    scores = Wiener(gradients).scores(releases(gradients, took_part, 50.0), 50.0, PRIOR)
    assert np.abs(scores).max() < 0.5


def test_what_lies_outside_the_span_is_noise_alone(gradients):
    wiener = Wiener(gradients)
    assert wiener.free == DIMENSION - COUNT
    assert np.abs(wiener.outside(gradients[:3], gradients[:3])).max() < 1e-9
    noise = CHANCES.standard_normal((4, DIMENSION))
    sizes = np.diag(wiener.outside(noise, noise)) / wiener.free
    assert sizes == pytest.approx(np.ones(4), abs=0.25)


def test_the_true_gradients_explain_releases_best(gradients):
    took_part = CHANCES.random(COUNT) < 0.5
    sums = releases(gradients, took_part, 0.5)
    true, thrice = Wiener(gradients), Wiener(3 * gradients)
    assert true.evidence(sums, 0.5, PRIOR) > thrice.evidence(sums, 0.5, PRIOR)
    longer = releases(3 * gradients, took_part, 0.5)
    assert thrice.evidence(longer, 0.5, PRIOR) > true.evidence(longer, 0.5, PRIOR)
