"""What counts teach a network: their guesses, again and again the same, and nothing of contexts."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
import torch

from deskbound_strategies.action_counts import TASK as COUNTS
from deskbound_strategies.model import CONTEXT_ROWS
from deskbound_strategies.next_action import TASK
from deskbound_strategies.recents import used
from deskbound_strategies.task import load_weights
from deskbound_strategies.taught import made_up, seed_of, taught_by_counts
from deskbound_strategies.vocabulary import TOKENS
from tests.helpers.learning import counts_of, generated_units

DAYS = [date(2026, 3, day) for day in (2, 3)]


@pytest.fixture(scope="module")
def counted():
    return counts_of([unit for day in DAYS for unit in generated_units("developer", day)])


@pytest.fixture(scope="module")
def taught(counted):
    return taught_by_counts(counted.read(), 3, steps=80)


def network(weights):
    model = TASK.build_model(0)
    load_weights(model, weights)
    return model


def test_before_its_first_round_it_guesses_as_the_counts_do(counted, taught):
    tomorrow = generated_units("developer", date(2026, 3, 4))
    counts = COUNTS.evaluate(counted, tomorrow)
    fresh = TASK.evaluate(TASK.build_model(3), tomorrow)
    found = TASK.evaluate(network(taught), tomorrow)
    assert counts.hit1 > fresh.hit1 + 0.3, "else there was nothing to be taught"
    assert found.hit1 > counts.hit1 - 0.02
    assert found.hit5 > counts.hit5 - 0.02


def test_application_pause_and_hour_change_no_guess(taught):
    unit, *_ = generated_units("developer", date(2026, 3, 4))
    other = replace(unit, apps=unit.apps[::-1] + 1, gaps=unit.gaps * 0, hours=unit.hours * 0 + 3)
    model = network(taught)
    first, second = (TASK.scores(model, TASK.collate([one])) for one in (unit, other))
    assert torch.equal(first, second)
    assert not taught["embedding.weight"][CONTEXT_ROWS].any()
    assert taught["embedding.weight"][: CONTEXT_ROWS.start].any(axis=1).all()


def test_the_same_counts_and_seed_make_the_same_bytes_whatever_else_was_drawn(counted):
    def made(seed):
        found = taught_by_counts(counted.read(), seed, steps=3)
        return b"".join(one.tobytes() for one in found.values())

    threads, state = torch.get_num_threads(), torch.get_rng_state()
    first = made(5)
    np.random.default_rng().random()
    torch.manual_seed(99)
    torch.set_num_threads(2)
    assert made(5) == first != made(6)
    assert torch.get_num_threads() == 2
    torch.set_num_threads(threads)
    torch.set_rng_state(state)


def test_sequences_are_made_of_what_followed(counted):
    counts = counted.read()
    found = made_up(counts, np.random.default_rng(1), 200, 12)
    assert found.tokens.shape == found.chances.shape[:2] == (200, 12)
    np.testing.assert_allclose(found.chances.sum(dim=2), 1.0, rtol=1e-4)
    tokens = found.tokens.numpy()
    lately = np.stack([used(row) for row in tokens])
    for place in (1, 7, 11):
        past = tokens[:, place - 1], tokens[:, place], lately[:, place]
        wanted = counts.after_history(*past)
        np.testing.assert_allclose(found.chances[:, place], wanted, atol=1e-6)
    unlikely = found.chances[:, :-1].gather(2, found.tokens[:, 1:, None])
    assert float((unlikely < 1e-4).float().mean()) < 0.02, "what hardly follows hardly comes"


def test_counts_of_nothing_and_of_noise_alone_teach_something_finite():
    for cells in (counts_of([]), counts_of([], noise=1.0)):
        found = taught_by_counts(cells.read(), 1, steps=2)
        assert all(np.isfinite(one).all() for one in found.values())
        assert len(cells.read().after) == len(TOKENS)


def test_the_seed_is_read_off_the_hash():
    assert seed_of("f" * 64) == 2**60 - 1
    assert seed_of("0" * 14 + "a" + "f" * 49) == 10
