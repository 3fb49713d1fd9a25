"""The model: causal, normalised over the vocabulary, deterministic, small."""

import pytest
import torch

from deskbound_strategies.model import (
    ARGUMENT_COLUMN,
    COLUMNS,
    HAS_ARGUMENT,
    HEADS,
    NextActionModel,
    log_probabilities,
    token_scores,
)
from deskbound_strategies.task import Unit, collate, weights_of
from deskbound_strategies.vocabulary import TOKENS, Kind
from tests.helpers.learning import some_units


def lively(seed: int = 1) -> NextActionModel:
    model = NextActionModel(seed)
    with torch.no_grad():
        model.heads.weight.normal_(0.0, 0.5, generator=torch.Generator().manual_seed(seed))
    return model


def test_token_probabilities_sum_to_one():
    logits = torch.randn(7, COLUMNS, generator=torch.Generator().manual_seed(1))
    total = token_scores(log_probabilities(logits)).exp().sum(dim=-1)
    torch.testing.assert_close(total, torch.ones(7))


def test_every_token_has_its_own_columns():
    for token, column, has in zip(TOKENS, ARGUMENT_COLUMN, HAS_ARGUMENT, strict=True):
        owners = [head for head in HEADS if token.kind in head.kinds]
        assert len(owners) == int(has)
        assert all(head.start <= column < head.stop for head in owners)
    assert HEADS[-1].stop == COLUMNS
    assert {kind for head in HEADS for kind in head.kinds} == set(Kind) - {
        Kind.SCROLL_UP, Kind.SCROLL_DOWN, Kind.SCROLL_SIDEWAYS,
    }  # fmt: skip


def test_a_new_model_finds_every_argument_of_a_kind_equally_likely():
    found = NextActionModel(1)(collate(some_units([4])))
    torch.testing.assert_close(found[0, 0, : len(Kind)].exp(), torch.full((len(Kind),), 1 / 12))


def test_nothing_is_known_of_the_future():
    model = lively()
    (unit,) = some_units([12])
    batch = collate([unit])
    before = model(batch)
    for name in ("tokens", "apps", "gaps", "hours"):
        getattr(batch, name)[0, 8:] = 1
    after = model(batch)
    torch.testing.assert_close(before[0, :8], after[0, :8], rtol=0, atol=0)
    assert (before[0, 8:] != after[0, 8:]).any()


def test_padding_and_neighbours_change_nothing():
    model = lively()
    units = some_units([3, 12, 7])
    together = model(collate(units))
    for row, unit in zip(together, units, strict=True):
        alone = model(collate([unit]))[0]
        torch.testing.assert_close(row[: len(unit)], alone, rtol=1e-4, atol=1e-5)


def test_it_looks_further_back_than_a_markov_chain():
    model = lively()
    (unit,) = some_units([30])
    batch = collate([unit])
    before = model(batch)[0, -1]
    batch.tokens[0, 2] = (batch.tokens[0, 2] + 1) % len(TOKENS)
    assert (model(batch)[0, -1] != before).any()


def test_weights_depend_on_the_seed_alone():
    torch.manual_seed(1)
    first = weights_of(NextActionModel(7))
    torch.manual_seed(2)
    same, other = weights_of(NextActionModel(7)), weights_of(NextActionModel(8))
    assert all((first[name] == same[name]).all() for name in first)
    assert (first["embedding.weight"] != other["embedding.weight"]).any()


def test_the_model_is_small():
    assert sum(p.numel() for p in NextActionModel(0).parameters()) < 40_000


@pytest.mark.parametrize("length", [1, 256])
def test_shapes(length):
    assert NextActionModel(0)(collate(some_units([length]))).shape == (1, length, COLUMNS)


def test_a_long_unit_is_read_as_a_short_one_is():
    """What is kept of distances and what is made anew, for units beyond it, are the same."""
    model = lively()
    (unit,) = some_units([300])
    short = Unit(unit.tokens[:200], unit.apps[:200], unit.gaps[:200], unit.hours[:200])
    found = model(collate([unit]))[:, :200]
    torch.testing.assert_close(found, model(collate([short])), atol=1e-5, rtol=1e-4)
