"""Ranks by private counts are those of plain counting, and who is left out taught nothing."""

import numpy as np
import pytest

from benchmarks.people.counting import Chain, chain_ranks
from benchmarks.people.private_counts import FOLDS, folds, ranks
from benchmarks.people.tallies import days, read, tally
from tests.helpers.crowd import SIZE, three_people


@pytest.fixture(scope="module")
def crowd():
    return three_people()


def test_ranks_without_noise_are_those_of_plain_counting(crowd):
    """But for the order among rare ones, where both guess."""
    tallies = tally(crowd, list(crowd.people), "day", clip=1e9)
    cells = tallies.summed(np.ones(tallies.units))
    counts = read(cells, SIZE)
    chain = Chain(2)
    for person in crowd.people:
        for day in days(person):
            chain.learn([action.token for action in day])
    for person in crowd.people:
        past, future = person.split()
        ours, theirs = (
            ranks(counts, past.tokens, future.tokens),
            chain_ranks(chain, past.tokens, future.tokens),
        )
        assert abs(np.mean(ours == 0) - np.mean(theirs == 0)) < 0.1


def test_people_who_are_left_out_are_guessed_once_and_from_others_only(crowd):
    parts = [person.split() for person in crowd.people for _ in range(4)]
    every = []
    for learned, held in folds(parts, people_out=True):
        assert not {id(one) for one in learned} & {id(one) for one in held}
        assert len(learned) + len(held) == len(parts)
        every += held
    assert {id(one) for one in every} == {id(one) for one in parts}
    assert len(every) == len(parts) > FOLDS
