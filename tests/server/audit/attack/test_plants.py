"""A planted fault does what its name says, in the laptop's real code, and is gone afterwards."""

import numpy as np
import pytest

from deskbound_audit.attack import plants
from deskbound_client.learn import optimizer
from deskbound_strategies import mechanism, noise
from deskbound_strategies.mechanism import Lattice, privatise

LATTICE = Lattice(1.0, 4000, 2.0)
NOTHING = np.zeros(4000)


def spread(sums) -> float:
    return float(np.std(sums) / LATTICE.sensitivity)


def test_everything_is_put_back():
    before = (mechanism.add_noise, mechanism.rounded_gaussian, optimizer.clip_scales)
    for plant in plants.PLANTS.values():
        with pytest.raises(RuntimeError), plant():
            raise RuntimeError
    assert before == (mechanism.add_noise, mechanism.rounded_gaussian, optimizer.clip_scales)
    assert noise.rounded_gaussian is mechanism.rounded_gaussian


def test_a_fault_that_cannot_be_planted_is_an_error():
    with pytest.raises(LookupError), plants.replaced("add_noise", object(), None):
        pass


def test_noise_off_leaves_the_rounded_sum():
    with plants.noise_off():
        assert not privatise(NOTHING, LATTICE).any()
        assert privatise(NOTHING + 0.1, LATTICE) == pytest.approx(np.full(4000, 0.1), abs=1e-4)
    assert spread(privatise(NOTHING, LATTICE)) == pytest.approx(2.0, rel=0.1)


def test_half_of_sigma_is_half():
    with plants.half_sigma():
        assert spread(privatise(NOTHING, LATTICE)) == pytest.approx(1.0, rel=0.1)


def test_without_clipping_the_laptops_optimizer_scales_nothing():
    with plants.clip_off():
        assert optimizer.clip_scales(np.array([50.0, np.inf]), 1.0).tolist() == [1.0, 0.0]
    assert optimizer.clip_scales(np.array([50.0]), 1.0).tolist() == [0.02]


def test_noise_from_a_known_seed_can_be_made_again():
    with plants.known_seed():
        drawn = [privatise(NOTHING, LATTICE) for _ in range(2)]
    for number, one in enumerate(drawn):
        assert (one == plants.guessed(LATTICE, plants.PLANTED_SEED, number)).all()
        assert (one != plants.guessed(LATTICE, plants.PLANTED_SEED + 1, number)).any()
    assert spread(drawn[0]) == pytest.approx(2.0, rel=0.1)


def test_the_same_noise_comes_twice_and_then_anew():
    with plants.noise_twice():
        first, second, third = (privatise(NOTHING, LATTICE) for _ in range(3))
    assert (first == second).all()
    assert (first != third).any()
