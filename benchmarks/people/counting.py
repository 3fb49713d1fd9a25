"""What counting alone can guess, ranked to the last: the figures that a model has to beat.

``deskbound_strategies.baselines`` gives five guesses and is what a laptop runs; here ranks are
needed (for the mean reciprocal rank), many people at once, and counts that go on growing.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks.people.sets import Whole

GUESSES = 5
NEVER = 1 << 30  # the rank of what was not guessed at all


@dataclass(slots=True)
class Chain:
    """Counts of what followed each context of up to ``order`` tokens.

    The guesses are those after the longest context that was seen, then those after shorter ones
    that are not among them; equal counts are ordered by token.

    Attributes:
        order: longest context.
        counts: for each context, its followers; the empty context counts every token.
    """

    order: int
    counts: dict[tuple[int, ...], Counter[int]] = field(default_factory=dict)

    def learn(self, history: Sequence[int], begin: int = 0) -> None:
        """Count all tokens of a history from place ``begin`` on, each after its contexts."""
        for place in range(begin, len(history)):
            for length in range(min(self.order, place) + 1):
                context = tuple(history[place - length : place])
                self.counts.setdefault(context, Counter())[history[place]] += 1

    def rank(self, recent: Sequence[int], token: int) -> int:
        """Return how many guesses come before the right one, or ``NEVER``.

        Args:
            recent: the tokens so far, at least the last ``order``.
            token: the right one.
        """
        before: set[int] = set()
        for length in range(min(self.order, len(recent)), -1, -1):
            found = self.counts.get(tuple(recent[len(recent) - length :]))
            if found is None:
                continue
            mine = found.get(token)
            if mine is not None:
                better = (
                    other
                    for other, count in found.items()
                    if (count > mine or (count == mine and other < token)) and other not in before
                )
                return len(before) + sum(1 for _ in better)
            before.update(found)
        return NEVER


def chain_ranks(chain: Chain, past: Whole, future: Whole, *, online: bool = False) -> Whole:
    """Return the rank of each of a person's later tokens.

    Args:
        chain: fitted before.
        past: (n,) the person's tokens before.
        future: (m,) those to be guessed, each after all before it.
        online: count each token of ``future`` once it was guessed.

    Returns:
        (m,) ranks from 0.
    """
    history = [*past.tolist(), *future.tolist()]
    ranks = np.empty(len(future), np.int64)
    for place in range(len(past), len(history)):
        recent = history[max(0, place - chain.order) : place]
        ranks[place - len(past)] = chain.rank(recent, history[place])
        if online:
            chain.learn(history[max(0, place - chain.order) : place + 1], len(recent))
    return ranks


def blended(chain: Chain, recent: Sequence[int], strength: float) -> dict[int, float]:
    """Return the chance of each token that was ever seen, all context lengths taken together.

    What a context was followed by is set against what shorter ones expect, as if that had been
    seen ``strength`` times before (a Dirichlet prior; MacKay and Peto 1995).

    Args:
        chain: its counts.
        recent: the tokens so far, at least the last ``chain.order``.
        strength: how many sightings the shorter contexts' word is worth.
    """
    chances: dict[int, float] = {}
    for length in range(min(chain.order, len(recent)) + 1):
        found = chain.counts.get(tuple(recent[len(recent) - length :]))
        if found is None:
            break
        prior = strength if chances else 0.0
        total = found.total() + prior
        chances = {token: chance * prior / total for token, chance in chances.items()}
        for token, count in found.items():
            chances[token] = chances.get(token, 0.0) + count / total
    return chances


def blend_ranks(chain: Chain, past: Whole, future: Whole, strength: float) -> Whole:
    """Return ranks by blended chances, counting on; see ``chain_ranks`` and ``blended``."""
    history = [*past.tolist(), *future.tolist()]
    ranks = np.full(len(future), NEVER, np.int64)
    for place in range(len(past), len(history)):
        recent, token = history[max(0, place - chain.order) : place], history[place]
        chances = blended(chain, recent, strength)
        mine = chances.get(token)
        if mine is not None:
            better = sum(
                chance > mine or (chance == mine and other < token)
                for other, chance in chances.items()
            )
            ranks[place - len(past)] = better
        chain.learn([*recent, token], len(recent))
    return ranks


def recency_ranks(past: Whole, future: Whole) -> Whole:
    """Return ranks when the guesses are all tokens so far, the last one first: (m,) from 0."""
    latest: list[int] = list(dict.fromkeys(reversed(past.tolist())))
    ranks = np.empty(len(future), np.int64)
    for place, token in enumerate(future.tolist()):
        ranks[place] = latest.index(token) if token in latest else NEVER
        if ranks[place] != NEVER:
            latest.remove(token)
        latest.insert(0, token)
    return ranks


@dataclass(frozen=True, slots=True)
class Score:
    """How good guesses were, over all people's positions together.

    Attributes:
        positions: how many tokens were guessed.
        hit1: share that was the first guess.
        hit5: share that was among the first five.
        mrr: mean reciprocal rank; what was not guessed counts as zero.
    """

    positions: int
    hit1: float
    hit5: float
    mrr: float


def score(ranks: Iterable[Whole]) -> Score:
    """Sum up ranks of at least one position."""
    every = np.concatenate(list(ranks))
    reciprocal = np.where(every == NEVER, 0.0, 1.0 / (every + 1.0))
    return Score(
        len(every),
        float(np.mean(every == 0)),
        float(np.mean(every < GUESSES)),
        float(reciprocal.mean()),
    )
