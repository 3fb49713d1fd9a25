"""What tests of learning share: small units, a contract, fair bits that can be repeated."""

from datetime import date

import numpy as np
import torch

from deskbound_client.learn.units import units
from deskbound_strategies.action_counts import TASK as COUNTS
from deskbound_strategies.action_counts import CountsModel
from deskbound_strategies.contract import RoundContract
from deskbound_strategies.encoder import Encoder
from deskbound_strategies.generator import generate_day
from deskbound_strategies.noise import ByteSource
from deskbound_strategies.personas import PERSONAS
from deskbound_strategies.task import Unit
from deskbound_strategies.vocabulary import APPS, GAPS, TOKENS, VOCABULARY_HASH, Action
from tests.helpers.log import NO_ANCHORS


def contract(**changes) -> RoundContract:
    terms = {
        "run": "0" * 32, "round": 1, "task": "next_action", "profile": "research",
        "vocabulary_hash": VOCABULARY_HASH, "model_hash": "0" * 64,
        "anchors": NO_ANCHORS, "unit": "session", "unit_seconds": 600,
        "unit_actions": 256, "sampling_rate": 0.5, "noise_multiplier": 1.0,
        "clip": 1.0, "steps": 2, "divisor": 8.0, "local_optimizer": "sgd", "learning_rate": 0.5,
        "aggregation": "plain", "minimum_cohort": 3, "issued": 1, "deadline": 2,
        "client_version_min": "0.1.0", "client_version_below": "0.2.0",
    } | changes  # fmt: skip
    return RoundContract(**terms)


def some_units(sizes, seed: int = 0) -> list[Unit]:
    """Units of random actions, one per size."""
    rng = np.random.default_rng(seed)
    return [
        Unit(
            rng.integers(0, len(TOKENS), n),
            rng.integers(0, len(APPS), n),
            rng.integers(0, GAPS + 1, n),
            rng.integers(0, 24, n),
        )
        for n in sizes
    ]


def generated_actions(persona: str, day: date, seed: int = 1) -> list[Action]:
    encoder, actions = Encoder(), []
    at = 0
    for observation, at in generate_day(PERSONAS[persona], day, seed):
        actions += encoder.feed(observation, at)
    return actions + list(encoder.flush(at))


def generated_units(persona: str, day: date, seed: int = 1) -> list[Unit]:
    return units(generated_actions(persona, day, seed), "session", 600, 256)


def counts_of(found: list[Unit], noise: float = 0.0) -> CountsModel:
    """Counts of units as a round adds them up, with normal noise on every cell."""
    model, generator = CountsModel(COUNTS.actions), torch.Generator().manual_seed(1)
    cells = list(model.parameters())
    for unit in found:
        loss = COUNTS.loss_per_unit(model, COUNTS.collate([unit])).sum()
        gradients = torch.autograd.grad(loss, cells, materialize_grads=True)
        with torch.no_grad():
            for cell, gradient in zip(cells, gradients, strict=True):
                cell.sub_(gradient.to_dense())
    with torch.no_grad():
        for cell in cells if noise else ():
            cell.add_(torch.randn(cell.shape, generator=generator) * noise)
    return model


def repeatable(seed: int) -> ByteSource:
    """Bits that look fair and come again with the same seed; only for tests."""
    return np.random.default_rng(seed).bytes
