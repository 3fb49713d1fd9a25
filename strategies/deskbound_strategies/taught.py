"""A network of ``next_action`` that guesses as released private counts do, before its first round.

What is made of counts that were released tells nothing more (post-processing), so a run that begins
with this network pays nothing for it. It is taught on made-up sequences: every action is drawn from
what the counts say of those before it, and at every place the network learns to tell the chances
that the next one is drawn from. So it meets whole pasts, as its attention will.

Counts know nothing of application, pause and hour. These start at zero, so that they change no
guess before rounds have taught them.

All of it follows from the counts and a seed read off their hash. The same build of torch on the
same kind of processor makes the same bytes; another one makes weights that differ in how sums were
rounded, and guesses alike.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from deskbound_strategies.model import CONTEXT_ROWS, NextActionModel, token_scores
from deskbound_strategies.recents import RANKS, follow
from deskbound_strategies.sketch import Counts
from deskbound_strategies.task import Batch, Weights, weights_of

# Chosen on generated activity (benchmarks/warm_start.py): more of each gains nothing there.
SEQUENCES, LENGTH = 2048, 32
STEPS, AT_ONCE = 200, 32
LEARNING_RATE, DECAY = 0.01, 0.5  # the rate falls to nothing over the last half
_SEED_DIGITS = 15  # hex digits: 60 bits, which every generator here takes

Whole = NDArray[np.int64]
Chances = NDArray[np.float32]


def seed_of(model_hash: str) -> int:
    """Return the seed that belongs to released counts: the first 60 bits of their hash (hex)."""
    return int(model_hash[:_SEED_DIGITS], 16)


def taught_by_counts(counts: Counts, seed: int, *, steps: int = STEPS) -> Weights:
    """Return weights of a network that guesses as counts do, in layout order.

    Args:
        counts: of the published vocabulary, as they were released.
        seed: of first weights, sequences and their order.
        steps: of teaching.
    """
    lessons = made_up(counts, np.random.default_rng(seed))
    model, generator = NextActionModel(seed), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        model.embedding.weight[CONTEXT_ROWS] = 0.0
    model.embedding.weight.register_hook(_without_context)  # type: ignore[no-untyped-call]
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    with _one_thread():
        for step in range(steps):
            optimizer.param_groups[0]["lr"] = LEARNING_RATE * min(1.0, (1 - step / steps) / DECAY)
            some = torch.randint(len(lessons.tokens), (AT_ONCE,), generator=generator)
            optimizer.zero_grad()
            torch.autograd.backward(_loss(model, lessons, some))
            optimizer.step()
    return weights_of(model)


@dataclass(frozen=True, slots=True, eq=False)
class Lessons:
    """Made-up sequences, and what counts say at each place of them.

    Attributes:
        tokens: (sequences, length) int64.
        chances: (sequences, length, actions) float32, of what follows.
    """

    tokens: Tensor
    chances: Tensor


def made_up(
    counts: Counts, rng: np.random.Generator, sequences: int = SEQUENCES, length: int = LENGTH
) -> Lessons:
    """Draw sequences of actions as counts have them follow each other.

    Args:
        counts: that say what follows.
        rng: of every draw.
        sequences: how many.
        length: actions of each.
    """
    tokens = np.empty((sequences, length), np.int64)
    chances = np.empty((sequences, length, len(counts.after)), np.float32)
    often = counts.pairs.sum(axis=1) + np.finfo(np.float64).tiny
    before, used = np.full(sequences, -1), np.full((sequences, RANKS), -1)
    last = rng.choice(len(often), sequences, p=often / often.sum())
    for place in range(length):
        tokens[:, place], used = last, follow(used, last)
        chances[:, place] = counts.after_history(before, last, used)
        before, last = last, _drawn(chances[:, place], rng)
    return Lessons(torch.from_numpy(tokens), torch.from_numpy(chances))


def _drawn(chances: Chances, rng: np.random.Generator) -> Whole:
    """Return (n,) one action from each of n rows of chances."""
    upto = chances.cumsum(axis=1, dtype=np.float64)
    at = rng.random(len(chances)) * upto[:, -1]
    found: Whole = np.minimum((upto <= at[:, None]).sum(axis=1), chances.shape[1] - 1)
    return found


def _loss(model: NextActionModel, lessons: Lessons, some: Tensor) -> Tensor:
    tokens = lessons.tokens[some]
    nothing = torch.zeros_like(tokens)  # application, pause and hour, whose rows are zero
    batch = Batch(tokens, nothing, nothing, nothing, torch.ones_like(tokens, dtype=torch.bool))
    told = token_scores(model(batch))
    return -(lessons.chances[some] * told).sum(dim=-1).mean()


def _without_context(gradient: Tensor) -> Tensor:
    kept = gradient.clone()
    kept[CONTEXT_ROWS] = 0.0
    return kept


@contextmanager
def _one_thread() -> Iterator[None]:
    """Sum in one order, whatever this machine has; and leave the others to the rounds."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
