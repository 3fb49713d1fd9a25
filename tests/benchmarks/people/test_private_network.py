"""The benchmark's network: what units add is clipped one by one, and noise costs what it says."""

import numpy as np
import pytest
import torch

from benchmarks.people import network as learning
from benchmarks.people.network import (
    LAGS,
    POWER,
    Kept,
    Lessons,
    Network,
    before,
    chances,
    clipped_sum,
    every_kept,
    keep,
    learn,
    lessons,
    measured,
    taught_by_counts,
)
from benchmarks.people.private_network import Learning, Row, row_for, sigma_for
from benchmarks.people.results import Terms
from benchmarks.people.sets import Crowd, Person
from benchmarks.people.tallies import DELTA, read, tally
from deskbound_strategies.accounting import SampledGaussian, epsilon_prv

SIZE = 9


@pytest.fixture(scope="module")
def crowd():
    """Three people who do the same nine things in the same order, with slips."""
    rng = np.random.default_rng(1)
    people = []
    for _ in range(3):
        tokens = np.where(rng.random(400) < 0.8, np.arange(400) % SIZE, rng.integers(0, SIZE, 400))
        people.append(Person(tokens, np.cumsum(rng.choice([2, 300], 400, p=[0.9, 0.1]))))
    return Crowd("made up", tuple(people), SIZE)


def alone(network, found, number, clip, power):
    """One unit's clipped gradient by plain autograd."""
    scores = network(torch.from_numpy(found.contexts[number]))
    wanted = torch.from_numpy(found.tokens[number])[:, None]
    right = scores.softmax(-1).gather(1, wanted)
    loss = ((1 - right**power) / power if power else -right.log()).mean()
    gradients = torch.autograd.grad(loss, list(network.parameters()))
    norm = torch.sqrt(sum(one.pow(2).sum() for one in gradients))
    return [one * min(1.0, clip / float(norm)) for one in gradients]


@pytest.mark.parametrize("power", [0.0, POWER])
@pytest.mark.parametrize("clip", [0.05, 0.5, 50.0])
def test_the_sum_is_that_of_units_clipped_one_by_one(crowd, clip, power, monkeypatch):
    monkeypatch.setattr(learning, "_POSITIONS_AT_ONCE", 60)  # several parts, and padding
    found, network = lessons(crowd, list(crowd.people), "session", 64), Network(SIZE, 1)
    sampled = np.arange(0, len(found), 3)
    worth = torch.linspace(0.1, 1.0, len(found))
    total = clipped_sum(network, found, sampled, clip, worth=worth, power=power)
    wanted = [alone(network, found, number, clip, power) for number in sampled]
    for place, one in enumerate(total.values()):
        expected = torch.stack([each[place] for each in wanted])
        expected = torch.tensordot(worth[sampled], expected, 1)
        torch.testing.assert_close(one, expected, atol=1e-5, rtol=1e-4)


def test_nothing_sampled_adds_nothing(crowd):
    found = lessons(crowd, list(crowd.people), "session", 64)
    total = clipped_sum(Network(SIZE, 1), found, np.array([], np.int64), 0.5)
    assert all(not one.any() for one in total.values())


def test_contexts_end_with_the_last_action_and_begin_with_nobody():
    assert before(np.array([4, 5, 6, 7]), SIZE).tolist() == [
        [9, 9, 9], [9, 9, 4], [9, 4, 5], [4, 5, 6]
    ]  # fmt: skip
    assert LAGS == 3


def test_no_unit_is_longer_than_asked_and_none_spans_a_pause(crowd):
    found = lessons(crowd, list(crowd.people), "session", 16)
    assert max(map(len, found.tokens)) <= 15  # the first action of a unit is not guessed
    assert sorted(map(len, found.tokens)) == list(map(len, found.tokens))


def test_every_unit_is_its_owners(crowd):
    found = lessons(crowd, list(crowd.people), "session", 64)
    for number, person in enumerate(crowd.people):
        mine = lessons(crowd, [person], "session", 64)
        held = [
            one.tolist() for one, of in zip(found.tokens, found.owner, strict=True) if of == number
        ]
        assert held == [one.tolist() for one in mine.tokens]


@pytest.mark.parametrize("weights", [None, np.array([0.2, 0.5, 1.0])])
def test_noise_is_that_of_every_laptop(crowd, monkeypatch, weights):
    """Without units to learn from, a round's gradient is the noise of three laptops alone."""
    monkeypatch.setattr(learning, "ROUNDS", 1)
    found, seen = lessons(crowd, list(crowd.people), "session", 64), []

    def watched(network, *_, **__):
        return {name: torch.zeros_like(one) for name, one in network.named_parameters()}

    monkeypatch.setattr(learning, "clipped_sum", watched)
    network = Network(SIZE, 1)
    learn(network, found, 2.0, 1, weights=weights)
    seen = torch.cat([one.grad.flatten() for one in network.parameters()])
    each = np.ones(3) if weights is None else weights
    held = float(each[found.owner].sum())
    deviation = 2.0 * learning.CLIP * float((each**2).sum()) ** 0.5 / (learning.RATE * held)
    assert float(seen.std()) == pytest.approx(deviation, rel=0.05)


def test_an_epsilon_is_spent_and_no_more_also_with_counts_before():
    event = SampledGaussian(learning.RATE, sigma_for(2.0), learning.ROUNDS)
    assert epsilon_prv([event], DELTA) == pytest.approx(2.0, abs=0.01)
    both = row_for(2.0, "counts")
    assert both.sigma > sigma_for(2.0)
    assert both.counted is not None


def test_it_learns_the_habit_and_counts_give_it_a_start(crowd, monkeypatch):
    monkeypatch.setattr(learning, "ROUNDS", 60)
    parts = [person.split() for person in crowd.people]
    past = [one for one, _ in parts]
    network = Network(SIZE, 1)
    untrained = measured(network, parts).hit1
    learn(network, lessons(crowd, past, "session", 64), 0.0, 1)
    assert measured(network, parts).hit1 > 0.5 > untrained
    tallies = tally(crowd, past, "session")
    counts = read(tallies.summed(np.ones(tallies.units)), SIZE)
    assert measured(taught_by_counts(SIZE, counts, 1), parts).hit1 > 0.5


def test_there_are_as_many_lessons_as_units():
    found = Lessons((np.zeros((1, 3), int),), (np.zeros(1, int),), np.zeros(1, int), 1)
    assert len(found) == 1


def test_a_network_is_kept_with_what_it_is_of_and_guesses_as_before(crowd, tmp_path):
    parts, network = [person.split() for person in crowd.people], Network(SIZE, 1, (8, 12))
    terms = Terms("made up", "test", "session", 64, "network", 4.0)
    keep(network, tmp_path / "new", Kept(terms, 2, fold=3))
    [(found, same)] = every_kept(tmp_path / "new")
    assert found == Kept(terms, 2, fold=3)
    assert measured(same, parts) == measured(network, parts)


def test_what_it_expects_at_a_place_is_told_by_what_came_before(crowd):
    network, history = Network(SIZE, 1), crowd.people[0].tokens[:50]
    places = np.array([3, 20, 49])
    expected = chances(network, history, places)
    np.testing.assert_allclose(expected.sum(1), 1.0, atol=1e-6)
    other = np.r_[history[:20], (history[20:] + 1) % SIZE]
    np.testing.assert_array_equal(chances(network, other, places)[:2], expected[:2])
    wanted = network(torch.from_numpy(history[17:20])).softmax(-1)
    np.testing.assert_allclose(expected[1], wanted.detach(), rtol=1e-5)


def test_people_who_are_left_out_change_nothing(crowd, monkeypatch):
    monkeypatch.setattr(learning, "ROUNDS", 3)
    how = Learning(crowd, "session", 64, weigh="all", power=POWER)
    row, parts = Row(4.0, 0.5, 0.5), [person.split() for person in crowd.people]
    others = [past for past, _ in parts[1:]]
    one, same = how.network(others, row, 1, ""), how.network(others, row, 1, "")
    everybody = how.network([past for past, _ in parts], row, 1, "")
    assert measured(one, parts) == measured(same, parts) != measured(everybody, parts)
