"""The benchmark's counts are what laptops' own training would send."""

import numpy as np
import pytest

from benchmarks.people import private_counts
from benchmarks.people.counting import Chain, chain_ranks
from benchmarks.people.private_counts import CLIP, FOLDS, folds, ranks, released, tally
from benchmarks.people.sets import Crowd, Person
from deskbound_client.learn.trainer import SGD_MOMENTUM, train
from deskbound_strategies.action_counts import ActionCounts
from deskbound_strategies.task import weights_of
from deskbound_strategies.units import units
from tests.helpers.learning import contract, repeatable

SIZE = 30
TASK = ActionCounts(SIZE, "0" * 64)


@pytest.fixture(scope="module")
def crowd():
    rng = np.random.default_rng(1)
    people = []
    for _ in range(3):
        n = int(rng.integers(300, 900))
        gaps = rng.choice([1, 5, 200, 40_000], n, p=[0.5, 0.44, 0.05, 0.01])
        people.append(Person(rng.geometric(0.2, n).clip(max=SIZE) - 1, np.cumsum(gaps)))
    return Crowd("made up", tuple(people), SIZE)


def sent(crowd, number, kind, **terms):
    """What the training of one laptop comes to, flattened."""
    person = crowd.people[number]
    found = [
        unit
        for day in private_counts.days(person)
        for unit in units(day, kind, private_counts.UNIT_SECONDS, private_counts.UNIT_ACTIONS[kind])
    ]
    asked = contract(
        task=TASK.name, clip=CLIP, divisor=1.0, learning_rate=1.0,
        **{"sampling_rate": 1.0, "noise_multiplier": 1e-3, "steps": 1} | terms,
    )  # fmt: skip
    change = train(TASK, weights_of(TASK.build_model(0)), found, asked, repeatable(number))
    return np.concatenate([change[spec.name].ravel() for spec in TASK.layout()]).astype(float)


@pytest.mark.parametrize("kind", ["session", "day"])
def test_units_are_cut_counted_and_clipped_as_on_a_laptop(crowd, kind):
    tallies = tally(crowd, list(crowd.people), kind)
    wanted = sum(sent(crowd, number, kind) for number in range(3))
    found = tallies.summed(np.ones(tallies.units))
    # Three laptops, a million cells: nobody is further off than six standard deviations.
    np.testing.assert_allclose(found, wanted, atol=6 * 1e-3 * np.sqrt(3) + 1e-4)
    norms = np.sqrt(np.bincount(tallies.unit, tallies.value**2))
    assert norms.max() <= CLIP * (1 + 1e-9)
    assert np.isclose(norms.max(), CLIP), "some unit is clipped, or this shows little"


@pytest.mark.parametrize(("rate", "steps"), [(1.0, 1), (0.2, 6)])
def test_the_noise_is_that_of_all_laptops_and_steps(crowd, rate, steps):
    sigma = 1.5
    laptops = sum(
        sent(crowd, number, "session", sampling_rate=rate, noise_multiplier=sigma, steps=steps)
        for number in range(3)
    )
    tallies = tally(crowd, list(crowd.people), "session")
    here = released(tallies, sigma, np.random.default_rng(2), rate, steps)
    assert laptops.shape == here.shape
    assert abs(here.std() / laptops.std() - 1) < 0.02
    left = np.arange(steps, 0, -1)
    weights = (1 - SGD_MOMENTUM**left) / (1 - SGD_MOMENTUM)
    assert abs(here.std() / (sigma * CLIP * np.sqrt(3 * (weights**2).sum())) - 1) < 0.02


def test_ranks_without_noise_are_those_of_plain_counting(crowd):
    """But for the order among rare ones, where both guess."""
    tallies = tally(crowd, list(crowd.people), "day", clip=1e9)
    cells = tallies.summed(np.ones(tallies.units))
    counts = private_counts.read(cells, SIZE)
    chain = Chain(2)
    for person in crowd.people:
        for day in private_counts.days(person):
            chain.learn([action.token for action in day])
    for person in crowd.people:
        past, future = person.split()
        ours, theirs = (
            ranks(counts, past.tokens, future.tokens),
            chain_ranks(chain, past.tokens, future.tokens),
        )
        assert abs(np.mean(ours == 0) - np.mean(theirs == 0)) < 0.1


@pytest.mark.parametrize(("rate", "steps"), [(1.0, 1), (0.2, 100)])
def test_noise_is_chosen_for_what_all_steps_cost(rate, steps):
    sigma = private_counts.sigma_for(2.0, rate=rate, steps=steps)
    event = private_counts.SampledGaussian(rate, sigma, steps)
    assert abs(private_counts.epsilon_prv([event], private_counts.DELTA) - 2.0) < 0.01


def test_people_who_are_left_out_are_guessed_once_and_from_others_only(crowd):
    parts = [person.split() for person in crowd.people for _ in range(4)]
    every = []
    for learned, held in folds(parts, people_out=True):
        assert not {id(one) for one in learned} & {id(one) for one in held}
        assert len(learned) + len(held) == len(parts)
        every += held
    assert {id(one) for one in every} == {id(one) for one in parts}
    assert len(every) == len(parts) > FOLDS
