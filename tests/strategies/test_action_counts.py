"""Counting as a task: the gradient is the counts, whatever the weights; what follows is told."""

from datetime import date
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deskbound_client.learn.trainer import train
from deskbound_strategies import recents, sketch
from deskbound_strategies.action_counts import TASK, ActionCounts
from deskbound_strategies.baselines import Markov, score
from deskbound_strategies.task import Unit, find_task, load_weights, weights_of
from deskbound_strategies.vocabulary import GAP_UNKNOWN, TOKENS
from tests.helpers.learning import contract, generated_units, some_units

FEW = ActionCounts(30, "0" * 64)


def unit_of(tokens):
    tokens = np.asarray(tokens, np.int64)
    zeros = np.zeros_like(tokens)
    return Unit(tokens, zeros, np.full_like(tokens, GAP_UNKNOWN), zeros)


def gradients(task, model, unit):
    loss = task.loss_per_unit(model, task.collate([unit])).sum()
    found = torch.autograd.grad(loss, list(model.parameters()), materialize_grads=True)
    return [one.to_dense().numpy()[:, 0] for one in found]


def test_it_is_installed_under_its_name():
    assert find_task("action_counts") is TASK
    assert TASK.name == "action_counts"
    assert TASK.actions == len(TOKENS)


@given(st.lists(st.integers(0, 29), min_size=1, max_size=40), st.integers(0, 2**31))
@settings(deadline=None, max_examples=15)
def test_the_gradient_is_the_counts_whatever_the_weights(tokens, seed):
    model = FEW.build_model(0)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 1e6, generator=generator)
    singles, pairs, triples, again = gradients(FEW, model, unit_of(tokens))
    wanted = -np.bincount(tokens, minlength=30) * sketch.SINGLE_WEIGHT / sketch.SCALE
    np.testing.assert_allclose(singles, wanted, atol=1e-5)
    wanted = np.zeros(900)
    for a, b in pairwise(tokens):
        wanted[a * 30 + b] -= sketch.PAIR_WEIGHT / sketch.SCALE
    np.testing.assert_allclose(pairs, wanted, atol=1e-5)
    cells, signs = sketch.triple_cells(*(np.array(tokens[n:][: max(len(tokens) - 2, 0)])
                                         .astype(np.int64) for n in range(3)))  # fmt: skip
    wanted = np.zeros(sketch.CELLS)
    np.subtract.at(wanted, cells, signs * sketch.TRIPLE_WEIGHT / sketch.SCALE)
    np.testing.assert_allclose(triples, wanted, atol=1e-5)
    wanted = -recents.weighted(np.array(tokens))
    np.testing.assert_allclose(again, wanted, atol=1e-6)


def test_padding_counts_nothing():
    units = some_units([9, 2, 1, 5], seed=3)
    model = TASK.build_model(0)
    alone = [gradients(TASK, model, unit) for unit in units]
    batch = TASK.loss_per_unit(model, TASK.collate(units)).sum()
    together = torch.autograd.grad(batch, list(model.parameters()))
    for place, found in enumerate(together):
        wanted = sum(one[place] for one in alone)
        np.testing.assert_allclose(found.to_dense().numpy()[:, 0], wanted, atol=1e-6)


def test_a_round_of_it_counts_and_tells_as_the_counts_themselves_would():
    """With hardly any noise and every unit sampled, it guesses as pooled Markov does."""
    days = [date(2026, 3, day) for day in (2, 3, 4, 5, 6)]
    units = [unit for day in days for unit in generated_units("developer", day)]
    held_out = generated_units("developer", date(2026, 3, 9))
    terms = contract(
        task=TASK.name, sampling_rate=1.0, noise_multiplier=1e-4, clip=100.0, steps=1, divisor=1.0,
        learning_rate=1.0,
    )  # fmt: skip
    model = TASK.build_model(0)
    change = train(TASK, weights_of(model), units, terms)
    load_weights(model, change)
    told, plain = TASK.evaluate(model, held_out), score(Markov(2, units), held_out)
    assert told.positions == plain.positions
    assert told.hit1 >= plain.hit1 - 0.02
    assert told.hit5 >= plain.hit5 - 0.03


@pytest.mark.parametrize("length", [1, 2, 3])
def test_scores_are_chances_at_every_place(length):
    model = TASK.build_model(0)
    found = TASK.scores(model, TASK.collate(some_units([length, length])))
    assert found.shape == (2, length, len(TOKENS))
    np.testing.assert_allclose(found.exp().sum(-1), 1.0)
