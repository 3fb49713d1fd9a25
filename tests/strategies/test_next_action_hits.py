"""Private evaluation: the gradient is the scores, whatever the weights, and what comes is read."""

from datetime import date

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deskbound_client.learn.trainer import train
from deskbound_strategies.next_action import TASK as NEXT_ACTION
from deskbound_strategies.next_action_hits import (
    CELL_WEIGHTS,
    NAMES,
    TASK,
    around,
    read_hits,
    unit_scores,
)
from deskbound_strategies.task import find_task, load_weights, weights_of
from tests.helpers.learning import contract, generated_units, repeatable, some_units

UNITS = generated_units("support", date(2026, 11, 12))[:16]


@pytest.fixture(scope="module")
def trained():
    """A network that knows a little, so that figures are neither all zero nor all one."""
    model = NEXT_ACTION.build_model(3)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    batch = NEXT_ACTION.collate(UNITS)
    for _ in range(30):
        optimizer.zero_grad()
        NEXT_ACTION.loss_per_unit(model, batch).mean().backward()
        optimizer.step()
    return weights_of(model)


def scored(weights, units):
    model = TASK.build_model(0)
    load_weights(model, around(weights))
    with torch.no_grad():
        return unit_scores(model.network, TASK.collate(units)).numpy()


def gradients(model, unit):
    loss = TASK.loss_per_unit(model, TASK.collate([unit])).sum()
    found = torch.autograd.grad(loss, list(model.parameters()), materialize_grads=True)
    names = [name for name, _ in model.named_parameters()]
    return dict(zip(names, (one.numpy() for one in found), strict=True))


def test_it_is_installed_under_its_name_and_asks_for_days_that_are_held_out():
    assert find_task("next_action_hits") is TASK
    assert TASK.held_out
    assert not NEXT_ACTION.held_out


@given(st.integers(1, 40), st.integers(0, 2**31), st.sampled_from([0.0, 1.0, 1e4, 1e30]))
@settings(deadline=None, max_examples=20)
def test_no_weights_get_more_out_of_a_unit_than_its_scores(size, seed, scale):
    """Whatever a server sends: one vector of norm 1 at most on the cells, nothing anywhere else."""
    model = TASK.build_model(0)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 1, generator=generator).mul_(scale)
    found = gradients(model, *some_units([size], seed=seed))
    cells = found.pop("cells")
    assert all(not value.any() for value in found.values())
    assert np.isfinite(cells).all()
    assert np.linalg.norm(cells) <= 1 + 1e-6
    assert (-cells / CELL_WEIGHTS).max() <= 1 + 1e-5
    assert (cells <= 0).all()


def test_scores_are_those_of_the_task_it_tries(trained):
    model = NEXT_ACTION.build_model(0)
    load_weights(model, trained)
    for unit in [*UNITS[:6], *some_units([2, 5], seed=1)]:
        (found,) = scored(trained, [unit])
        wanted = NEXT_ACTION.evaluate(model, [unit])
        named = dict(zip(NAMES, found[2:], strict=True))
        assert named["action", "hit1"] == pytest.approx(wanted.hit1)
        assert named["action", "hit5"] == pytest.approx(wanted.hit5)
        assert named["action", "hit1"] <= named["action", "mrr"] <= 1
        assert named["action", "hit1"] <= named["kind", "hit1"] + 1e-6
        assert found[0] == 1


def test_padding_and_neighbours_change_no_score(trained):
    units = [*UNITS[:3], *some_units([1, 7], seed=2)]
    together = scored(trained, units)
    alone = np.concatenate([scored(trained, [unit]) for unit in units])
    np.testing.assert_allclose(together, alone, atol=1e-6)
    assert not together[3].any(), "a single action has nothing to guess"


def terms(**changes):
    return contract(
        **{"task": TASK.name, "clip": 1.0, "divisor": 1.0, "learning_rate": 1.0, "steps": 1}
        | changes
    )


def test_a_round_tells_the_means_over_units_when_there_is_hardly_any_noise(trained):
    before = around(trained)
    asked = terms(sampling_rate=1.0, noise_multiplier=1e-3)
    change = train(TASK, before, UNITS, asked, repeatable(1))
    found = read_hits(before, {name: before[name] + change[name] for name in before})
    wanted = scored(trained, UNITS)
    for place, name in enumerate(NAMES, start=2):
        units = wanted[:, 1 if name[0] == "argument" else 0].sum()
        assert found[name].value == pytest.approx(wanted[:, place].sum() / units, abs=3e-3)
        assert found[name].error < 3e-3
    assert 0 < found["action", "hit1"].value < found["action", "hit5"].value < 1


def test_the_noise_of_many_steps_does_not_move_the_network_that_is_tried(trained):
    """With the rate of a plan. Each step's noise lies on the network as well; with a rate of 1 it
    would be another network from the second step on."""
    before, wanted = around(trained), scored(trained, UNITS)
    asked = terms(sampling_rate=0.5, noise_multiplier=0.5, steps=20, learning_rate=1e-4)
    change = train(TASK, before, UNITS * 4, asked, repeatable(3))
    found = read_hits(before, {name: before[name] + change[name] for name in before})
    for name in NAMES[:3]:
        place = 2 + NAMES.index(name)
        truth = wanted[:, place].sum() / wanted[:, 0].sum()
        assert found[name].value == pytest.approx(truth, abs=4 * found[name].error + 0.03)
        assert found[name].error < 0.1


def test_errors_are_what_noise_does(trained):
    """Over many rounds the figures scatter about the truth as their errors say."""
    before, wanted = around(trained), scored(trained, UNITS)
    rng = np.random.default_rng(1)
    sums = wanted.sum(axis=0) * CELL_WEIGHTS
    sigma, off = 0.25, []
    for _ in range(200):
        after = {name: value + rng.normal(0, sigma, value.shape).astype(np.float32)
                 for name, value in before.items()}  # fmt: skip
        after["cells"] += sums.astype(np.float32)
        for name, one in read_hits(before, after).items():
            place = 2 + NAMES.index(name)
            units = wanted[:, 1 if name[0] == "argument" else 0].sum()
            off.append((one.value - wanted[:, place].sum() / units) / one.error)
    assert 0.85 < np.std(off) < 1.15
    assert abs(np.mean(off)) < 0.3


def test_where_noise_drowns_the_units_nothing_is_told(trained):
    before = around(trained)
    asked = terms(sampling_rate=0.5, noise_multiplier=50.0)
    change = train(TASK, before, UNITS, asked, repeatable(2))
    assert read_hits(before, {name: before[name] + change[name] for name in before}) == {}
