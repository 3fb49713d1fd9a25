"""The optimizer: per-unit clipping as a plain loop does it, broken units, noise on the lattice."""

import numpy as np
import pytest
import torch
from opacus import GradSampleModule

from deskbound_client.learn.trainer import private_optimizer
from deskbound_strategies.mechanism import Lattice
from deskbound_strategies.next_action import TASK
from tests.helpers.learning import contract, repeatable, some_units

SIZES = [2, 3, 17, 40, 1, 40, 9]


def prepared(terms, seed=3):
    """A model that is past its first steps: its heads are no longer zero."""
    torch_rng = torch.Generator().manual_seed(seed)
    model = TASK.build_model(seed)
    with torch.no_grad():
        model.heads.weight.normal_(0.0, 0.3, generator=torch_rng)
    optimizer = private_optimizer(model, terms, repeatable(seed))
    return model, GradSampleModule(model, batch_first=True, loss_reduction="sum"), optimizer


def accumulate(model, optimizer, units):
    TASK.loss_per_unit(model, TASK.collate(units)).sum().backward()
    optimizer.clip_and_accumulate()


def loop_gradients(model, units) -> np.ndarray:
    """(units, d): one backward pass per unit, each alone in its batch."""
    rows = []
    for unit in units:
        model.zero_grad()
        TASK.loss_per_unit(model, TASK.collate([unit])).sum().backward()
        rows.append(torch.cat([p.grad.flatten() for p in model.parameters()]).double().numpy())
    return np.stack(rows)


@pytest.mark.parametrize("clip", [1e-3, 0.7, 100.0])
def test_the_sum_is_that_of_a_plain_autograd_loop(clip):
    units = some_units(SIZES)
    plain = TASK.build_model(3)
    model, sampled, optimizer = prepared(contract(clip=clip))
    plain.load_state_dict(model.state_dict())
    accumulate(sampled, optimizer, units)
    rows = loop_gradients(plain, units)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    wanted = (rows * np.minimum(1.0, clip / np.maximum(norms, 1e-30))).sum(axis=0)
    found = optimizer.clipped_sum.numpy()
    assert np.linalg.norm(found - wanted) <= 1e-4 * np.linalg.norm(wanted)
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6 * clip)


def test_chunks_add_up():
    units = some_units(SIZES)
    _, sampled, together = prepared(contract())
    accumulate(sampled, together, units)
    _, sampled, apart = prepared(contract())
    for unit in units:
        accumulate(sampled, apart, [unit])
    np.testing.assert_allclose(apart.clipped_sum, together.clipped_sum, rtol=1e-4, atol=1e-7)


def test_no_unit_weighs_more_than_the_clip():
    for unit in some_units(SIZES, seed=5):
        _, sampled, optimizer = prepared(contract(clip=0.25))
        accumulate(sampled, optimizer, [unit])
        assert torch.linalg.vector_norm(optimizer.clipped_sum) <= 0.25 * (1 + 2**-20)


@pytest.mark.parametrize("broken", [float("nan"), float("inf"), -float("inf"), 1e38])
def test_a_broken_unit_contributes_nothing_and_spoils_nothing(broken):
    units = some_units([5, 5, 5])
    _, sampled, optimizer = prepared(contract())
    accumulate(sampled, optimizer, [units[0], units[2]])
    _, sampled, spoiled = prepared(contract())
    TASK.loss_per_unit(sampled, TASK.collate(units)).sum().backward()
    for parameter in spoiled.params:
        parameter.grad_sample[1].fill_(broken)
    spoiled.clip_and_accumulate()
    if np.isfinite(broken):  # a finite giant is clipped like any other unit
        spoiled_by = torch.linalg.vector_norm(spoiled.clipped_sum - optimizer.clipped_sum)
        assert spoiled_by == pytest.approx(1.0, rel=1e-6)
    else:
        np.testing.assert_allclose(spoiled.clipped_sum, optimizer.clipped_sum, rtol=1e-4, atol=1e-7)


def test_a_unit_with_nothing_to_predict_has_no_gradient():
    _, sampled, optimizer = prepared(contract())
    accumulate(sampled, optimizer, some_units([1, 1]))
    assert not optimizer.clipped_sum.any()


def test_a_step_releases_the_noised_sum_over_the_divisor():
    terms = contract(clip=0.5, noise_multiplier=2.0, divisor=4.0, learning_rate=1.0)
    model, _, optimizer = prepared(terms)
    before = torch.cat([p.detach().flatten().clone() for p in model.parameters()]).double()
    optimizer.step()  # no unit was sampled: noise alone
    after = torch.cat([p.detach().flatten() for p in model.parameters()]).double()
    lattice = Lattice(0.5, before.numel(), 2.0)
    noise = (before - after).numpy() * 4.0
    wanted = lattice.scale * lattice.step
    # 28,816 draws: the standard error of their deviation is 0.42 %.
    assert noise.std() == pytest.approx(wanted, rel=0.02)
    assert abs(noise.mean()) < 5 * wanted / len(noise) ** 0.5
    grads = torch.cat([p.grad.flatten() for p in model.parameters()]).double().numpy()
    steps = grads * 4.0 / lattice.step
    # Powers of two divide exactly; float32 keeps multiples below 2^24 exactly.
    np.testing.assert_array_equal(steps, np.rint(steps))


def test_the_sum_is_forgotten_after_a_step():
    _, sampled, optimizer = prepared(contract())
    accumulate(sampled, optimizer, some_units([9]))
    optimizer.step()
    assert not optimizer.clipped_sum.any()


def test_the_noise_of_two_steps_is_not_the_same():
    model, _, optimizer = prepared(contract())
    optimizer.step()
    first = [p.grad.clone() for p in model.parameters()]
    optimizer.step()
    assert all((a != p.grad).any() for a, p in zip(first, model.parameters(), strict=True))
