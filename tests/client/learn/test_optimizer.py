"""The optimizer: per-unit clipping as a plain loop does it, broken units, noise on the lattice."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from opacus import GradSampleModule
from torch import nn
from torch.optim import SGD

from deskbound_client.learn.optimizer import LatticeOptimizer
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


def gradients(model, unit):
    loss = TASK.loss_per_unit(model, TASK.collate([unit])).sum()
    return list(torch.autograd.grad(loss, list(model.parameters()), materialize_grads=True))


@pytest.mark.parametrize("clip", [1e-3, 0.7, 100.0])
def test_units_added_one_by_one_are_that_sum(clip):
    """As the trainer adds them, beside the batched way of Opacus."""
    units = some_units(SIZES)
    model, _, optimizer = prepared(contract(clip=clip))
    for unit in units:
        optimizer.add_unit(gradients(model, unit))
    rows = loop_gradients(model, units)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    wanted = (rows * np.minimum(1.0, clip / np.maximum(norms, 1e-30))).sum(axis=0)
    np.testing.assert_allclose(optimizer.clipped_sum.numpy(), wanted, rtol=1e-5, atol=1e-7 * clip)


@pytest.mark.parametrize("broken", [math.nan, math.inf, -math.inf])
def test_a_broken_unit_that_is_added_adds_nothing_and_raises_nothing(broken):
    model, _, optimizer = prepared(contract())
    found = gradients(model, some_units([9])[0])
    found[0].view(-1)[0] = broken
    optimizer.add_unit(found)
    assert not optimizer.clipped_sum.any()


def test_a_sparse_gradient_is_added_as_the_dense_one_it_stands_for():
    model = nn.Embedding(50, 3)
    indices = torch.tensor([[4, 4, 17]])  # a cell named twice counts twice, and clips as such
    sparse = torch.sparse_coo_tensor(indices, torch.randn(3, 3), (50, 3), check_invariants=True)
    sums = []
    for gradient in (sparse, sparse.to_dense()):
        optimizer = private_optimizer(model, contract(clip=0.5), repeatable(1))
        optimizer.add_unit([gradient])
        sums.append(optimizer.clipped_sum.numpy())
    np.testing.assert_allclose(sums[0], sums[1], rtol=1e-6)
    assert np.linalg.norm(sums[0]) <= 0.5 * (1 + 2**-20)


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


SPECIAL = st.one_of(
    st.sampled_from(
        [0.0, -0.0, math.nan, math.inf, -math.inf, 1e-45, -1e-45, 1.1754942e-38, 3.4028235e38, 1.0]
    ),
    st.floats(width=32, allow_nan=False, allow_infinity=False),
)
UNITS = st.integers(0, 6).flatmap(lambda n: hnp.arrays(np.float32, (n, 8), elements=SPECIAL))


def one_step(rows, lattice, source) -> tuple[np.ndarray, np.ndarray]:
    """Return (sum before noise, gradient after it) of a step of the real optimizer."""
    layer = nn.Linear(3, 2)  # 8 parameters in two tensors
    optimizer = LatticeOptimizer(SGD(layer.parameters(), lr=1.0), lattice, 1.0, source)
    for row in rows:
        weight, bias = optimizer.params
        weight.grad_sample = torch.from_numpy(row[:6].reshape(1, 2, 3).copy())
        bias.grad_sample = torch.from_numpy(row[6:].reshape(1, 2).copy())
        optimizer.clip_and_accumulate()
    before = optimizer.clipped_sum.numpy().copy()
    optimizer.step()
    after = torch.cat([parameter.grad.flatten() for parameter in optimizer.params])
    return before, after.double().numpy()


@given(rows=UNITS, clip=st.sampled_from([1e-3, 1.0, 50.0]), sigma=st.sampled_from([0.5, 2.0]))
@settings(deadline=None, max_examples=300)
def test_whatever_the_gradients_are_a_lattice_point_leaves(rows, clip, sigma):
    """NaN, infinities, zeros, denormals and giants, and what plain exact arithmetic makes of them.

    Without noise (bits that draw zeros) it is the clipped sum, rounded; with noise it is a lattice
    point as well.
    """
    lattice = Lattice(clip, 8, sigma)
    before, bare = one_step(rows, lattice, bytes)
    finite = [row.astype(np.longdouble) for row in rows if np.isfinite(row).all()]
    norms = [np.sqrt(np.sum(row * row)) for row in finite]
    clipped = [
        row * min(np.longdouble(1), clip / norm) if norm > 0 else row
        for row, norm in zip(finite, norms, strict=True)
    ]
    wanted = np.sum(clipped, axis=0) if clipped else np.zeros(8)
    slack = 2.0**-40 * clip * max(1, len(rows))
    assert np.all(np.abs(before - wanted) <= slack)
    assert np.linalg.norm(before) <= len(finite) * clip * (1 + 2.0**-20)
    assert np.array_equal(bare, np.rint(before / lattice.step) * lattice.step)
    _, noised = one_step(rows, lattice, None)
    steps = noised / lattice.step
    assert np.isfinite(noised).all()
    assert np.array_equal(steps, np.rint(steps))
    assert np.linalg.norm(noised - bare) <= 20 * lattice.scale * lattice.step * math.sqrt(8)


@given(rows=UNITS, place=st.integers(0, 6), broken=st.sampled_from([math.nan, math.inf, -math.inf]))
@settings(deadline=None, max_examples=100)
def test_a_broken_unit_leaves_the_sum_of_the_others_bit_for_bit(rows, place, broken):
    """Adjacent data: the unit that overflowed adds exactly nothing."""
    lattice = Lattice(1.0, 8, 1.0)
    bad = np.full((1, 8), 1.0, np.float32)
    bad[0, place] = broken
    with_it = np.concatenate([rows[:place], bad, rows[place:]])
    assert np.array_equal(one_step(with_it, lattice, bytes)[0], one_step(rows, lattice, bytes)[0])
