"""The benchmark of the personal head: newcomers are strangers, nothing is known in hindsight."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from benchmarks.people import personal
from benchmarks.people.counting import Chain, blend_ranks, score
from benchmarks.people.network import Kept, Network, chances, keep, measured
from benchmarks.people.personal import (
    along,
    by_counts,
    by_networks,
    cold,
    counted,
    follow,
    newcomer,
    others_by_counts,
    others_by_networks,
    ranks,
    told,
)
from benchmarks.people.results import Terms
from benchmarks.people.sets import Crowd, Person
from benchmarks.people.tallies import read, tally
from deskbound_client.learn.personal import ORDER, STRENGTH

SIZE = 12
KNOWN = (0, 10, 30)


def somebody(rng, habit, n=120):
    """Two of three times what the habit says comes next, else anything."""
    tokens = [0]
    for _ in range(n - 1):
        tokens.append(int(habit[tokens[-1]] if rng.random() < 2 / 3 else rng.integers(0, SIZE)))
    return Person(np.array(tokens), np.arange(n) * 5)


@pytest.fixture(scope="module")
def crowd():
    rng = np.random.default_rng(1)
    habit = rng.permutation(SIZE)
    return Crowd("made up", tuple(somebody(rng, habit) for _ in range(10)), SIZE)


@pytest.fixture(autouse=True)
def little(monkeypatch):
    for name, value in (("KNOWN", KNOWN), ("EPSILONS", (np.inf,)), ("GUESSED", 20)):
        monkeypatch.setattr(personal, name, value)


def test_a_rank_is_how_many_are_likelier_and_ties_go_to_the_smaller():
    rows = np.array([[0.2, 0.5, 0.3], [0.4, 0.2, 0.4], [0.4, 0.2, 0.4]])
    assert ranks(rows, np.array([2, 0, 2])).tolist() == [1, 0, 1]


def test_own_counts_alone_are_the_known_baseline(crowd):
    """What was never seen has the last ranks in one and none in the other."""
    past, future = crowd.people[0].split()
    chain = Chain(ORDER)
    chain.learn(past.tokens.tolist())
    known = blend_ranks(chain, past.tokens, future.tokens, STRENGTH)
    history = np.r_[past.tokens, future.tokens]
    word = np.full((len(future.tokens), SIZE), 1 / SIZE)
    alone, _ = follow(counted(past.tokens.tolist()), history, len(past.tokens), word)
    assert np.mean((alone == known) | (known > SIZE)) > 0.95


def test_newcomers_are_not_in_the_crowd_that_guesses_for_them(crowd, monkeypatch):
    asked = []

    def listening(crowd_, people, seed, _):
        asked.append((seed, {id(person.tokens.base) for person in people}))
        tallies = tally(crowd_, people, "session")
        return {(np.inf, 0): read(tallies.summed(np.ones(tallies.units)), crowd_.size)}

    monkeypatch.setattr(personal, "crowds", listening)
    found = cold(crowd, partial(others_by_counts, crowd))
    folds = [fold for fold in range(personal.FOLDS) if fold not in personal.TUNED]
    assert [seed for seed, _ in asked] == folds
    for fold, others in asked:
        mine = {id(person.tokens) for person in crowd.people[fold :: personal.FOLDS]}
        assert not mine & others
        assert len(others) == 8
    assert {len(found[known, "both", (np.inf, 0)]) for known in KNOWN} == {2 * len(folds)}


def test_what_comes_later_changes_no_guess(crowd):
    tallies = tally(crowd, list(crowd.people[1:]), "session")
    word = partial(told, read(tallies.summed(np.ones(tallies.units)), SIZE))
    tokens = crowd.people[0].tokens[:60]
    other = np.r_[tokens[:40], (tokens[40:] + 1) % SIZE]
    for (known, *mine), (_, *theirs) in zip(
        newcomer(word, tokens), newcomer(word, other), strict=True
    ):
        for one, another in zip(mine, theirs, strict=True):
            same = max(0, 40 - max(known, 2))
            assert one[:same].tolist() == another[:same].tolist()


def test_a_crowd_with_the_same_habits_carries_a_beginner(crowd):
    found = cold(crowd, partial(others_by_counts, crowd))

    def right(known, who, which):
        return np.mean(np.concatenate(found[known, who, which]) == 0)

    assert right(0, "own", personal.OWN) < 0.3 < 0.5 < right(0, "both", (np.inf, 0))
    assert right(30, "own", personal.OWN) > right(0, "own", personal.OWN)


def test_all_along_everybody_is_asked_for_the_last_fifth(crowd):
    parts = [person.split() for person in crowd.people]
    found = along(parts, by_counts(crowd, [past for past, _ in parts]))
    sizes = {sum(map(len, every)) for every in found.values()}
    assert sizes == {sum(len(future.tokens) for _, future in parts)}


def test_all_along_a_network_may_be_the_crowd(crowd, tmp_path):
    parts = [person.split() for person in crowd.people]
    terms = Terms(crowd.name, "test", "session", 64, "network", 4.0)
    teller = Network(SIZE, 1)
    keep(teller, tmp_path, Kept(terms, 2))
    keep(teller, tmp_path, Kept(replace(terms, part="validation"), 3))
    keep(Network(SIZE, 2), tmp_path, Kept(replace(terms, model="others"), 2, fold=2))
    named, words = by_networks(tmp_path, crowd.name, "test")
    assert named == replace(terms, epsilon=np.inf)
    found = along(parts, words)
    assert set(found) == {("own", personal.OWN), ("shared", (4.0, 2)), ("both", (4.0, 2))}
    mine = score(found["shared", (4.0, 2)])
    assert mine.hit1 == pytest.approx(measured(teller, parts).hit1)
    keep(teller, tmp_path, Kept(replace(terms, unit="day"), 3))
    for part, kinds in (("test", 2), ("other", 0)):
        with pytest.raises(SystemExit, match=f"holds {kinds} kinds of such networks .* --keep"):
            by_networks(tmp_path, crowd.name, part)


def test_newcomers_are_guessed_by_the_network_that_did_not_learn_from_them(crowd, tmp_path):
    terms = Terms(crowd.name, "test", "session", 64, "network, people left out", 4.0)
    folds = range(len(personal.TUNED), personal.FOLDS)
    for fold in folds:
        keep(Network(SIZE, fold), tmp_path, Kept(terms, 1, fold))
    found = cold(crowd, partial(others_by_networks, tmp_path, crowd))
    wanted = []
    for fold in folds:
        word = partial(chances, Network(SIZE, fold))
        for person in crowd.people[fold :: personal.FOLDS]:
            wanted += [one[2] for one in newcomer(word, person.tokens) if one[0] == 10]
    mine = found[10, "shared", (4.0, 1)]
    assert [one.tolist() for one in mine] == [one.tolist() for one in wanted]
    title = personal.cold_table(crowd, tmp_path).title
    assert title.endswith("shared: network, people left out")
