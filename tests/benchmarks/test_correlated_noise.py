"""Independent noise is the best there is where every unit may be in every step."""

import itertools

import numpy as np
import pytest
from scipy.optimize import minimize

from benchmarks.correlated_noise import (
    DELTA,
    in_every_step,
    least,
    over_constant,
    over_full,
    products,
)
from deskbound_strategies.accounting import SampledGaussian, epsilon_prv


def signs(steps):
    return np.array(list(itertools.product([-1, 1], repeat=steps)))


def test_products_are_those_of_running_sums():
    sums = np.tril(np.ones((7, 7)))
    np.testing.assert_array_equal(products(7), sums.T @ sums)


def test_a_chain_of_signs_proves_it():
    """The dual certificate: signs that turn at random have the correlations that it takes."""
    steps = 8
    wanted = products(steps)
    roots = np.sqrt(np.diag(wanted))
    correlations = wanted / np.outer(roots, roots)
    turns = (1 - np.diag(correlations, 1)) / 2
    every = signs(steps)
    turned = every[:, 1:] != every[:, :-1]
    chances = 0.5 * np.where(turned, turns, 1 - turns).prod(axis=1)
    assert chances.sum() == pytest.approx(1.0)
    np.testing.assert_allclose((every * chances[:, None]).T @ every, correlations, atol=1e-12)
    error, shares = least(steps)
    inverse = np.diag(1 / shares)
    np.testing.assert_allclose(inverse @ wanted @ inverse, error * correlations)
    assert np.trace(wanted @ inverse) == pytest.approx(error)


def test_a_search_over_all_mechanisms_finds_nothing_better():
    steps = 5
    wanted, every = products(steps), signs(steps)
    lower = np.tril_indices(steps)

    def error(entries):
        factor = np.zeros((steps, steps))
        factor[lower] = entries
        sensitivity = ((every @ factor) ** 2).sum(axis=1).max()
        return np.trace(wanted @ np.linalg.pinv(factor @ factor.T)) * sensitivity

    rng = np.random.default_rng(1)
    found = [
        minimize(error, np.eye(steps)[lower] + rng.normal(0, 0.3, len(lower[0])), method=method).fun
        for method in ("Nelder-Mead", "Powell")
        for _ in range(3)
    ]
    best, shares = least(steps)
    assert min(found) > best * (1 - 1e-9)
    assert error(np.diag(np.sqrt(shares))[lower]) == pytest.approx(best)


def test_noise_that_falls_is_six_per_cent_better_at_most():
    assert over_constant(200) == pytest.approx((8 / 9) ** 0.5, abs=0.002)


def test_the_exact_noise_is_just_below_the_renyi_bound():
    sigma = in_every_step(2.0, steps=50)
    assert 2.0 < epsilon_prv([SampledGaussian(1.0, sigma, 50)], DELTA) < 2.2


def test_sampling_comes_near_to_being_in_every_step():
    assert 1.0 < over_full(0.2, 2.0, steps=50) < 1.12
    assert over_full(0.02, 2.0, steps=50) > 1.3
