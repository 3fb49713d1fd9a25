"""What laptops guess by own counts and shared ones, held against counting by hand."""

import itertools
from collections import Counter

import numpy as np
import pytest

from benchmarks.people.own_counts import STRENGTH, Fleet
from benchmarks.people.sets import Person
from deskbound_strategies import recents, sketch

SIZE = 12


@pytest.fixture(scope="module")
def parts():
    rng = np.random.default_rng(3)
    people = []
    for _ in range(3):
        tokens = [0, 1]
        for _ in range(400):
            likely = (3 * tokens[-1] + tokens[-2]) % SIZE
            tokens.append(likely if rng.random() < 0.6 else int(rng.integers(SIZE)))
        people.append(Person(np.array(tokens), np.arange(len(tokens))))
    return [person.split() for person in people]


def by_hand(past, future, prior):
    """How often own counts over a prior are right at the first guess."""
    tokens = past.tolist()
    two = Counter(zip(tokens, tokens[1:], tokens[2:], strict=False))
    one = Counter(itertools.pairwise(tokens))
    history, right = [*tokens[-2:], *future.tolist()], 0
    for first, second, third in zip(history, history[1:], history[2:], strict=False):
        followed = np.array([one[second, token] for token in range(SIZE)], float)
        chance = (followed + STRENGTH * prior(first, second)) / (followed.sum() + STRENGTH)
        longer = np.array([two[first, second, token] for token in range(SIZE)], float)
        right += int(np.argmax((longer + STRENGTH * chance) / (longer.sum() + STRENGTH))) == third
    return right


def test_a_laptop_alone_stands_on_its_own_most_frequent_actions(parts):
    wanted = 0
    for past, future in parts:
        popular = np.bincount(past.tokens, minlength=SIZE) / len(past.tokens)
        wanted += by_hand(past.tokens, future.tokens, lambda *_, popular=popular: popular)
    fleet = Fleet.of(parts, SIZE)
    assert fleet.positions == sum(len(future.tokens) for _, future in parts)
    assert fleet.alone() == pytest.approx(wanted / fleet.positions, abs=0.005)


@pytest.mark.parametrize("triples", [True, False])
def test_joined_stands_on_the_shared_counts(parts, triples):
    rng = np.random.default_rng(4)
    cells = [rng.normal(5, 3, size) for size in (SIZE, SIZE**2, sketch.CELLS, recents.CELLS)]
    counts = sketch.read(*cells)

    def shared(first, second):
        if triples:
            return counts.after_two(np.array([first]), np.array([second]))[0]
        return counts.after[second]

    joined = crowd = 0
    for past, future in parts:
        joined += by_hand(past.tokens, future.tokens, shared)
        history = [*past.tokens[-2:], *future.tokens]
        for first, second, third in zip(history, history[1:], history[2:], strict=False):
            crowd += int(np.argmax(shared(first, second))) == third
    fleet = Fleet.of(parts, SIZE)
    found = fleet.shared(counts, triples=triples)
    assert found[0] == pytest.approx(crowd / fleet.positions, abs=0.005)
    assert found[1] == pytest.approx(joined / fleet.positions, abs=0.005)
