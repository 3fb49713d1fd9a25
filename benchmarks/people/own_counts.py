"""What laptops guess by their own counts, by a crowd's, and by both together.

Own counts of contexts of two, one and no action are blended: what a context was followed by is set
against what the shorter one expects, as if that had been seen ``STRENGTH`` times before (a
Dirichlet prior; MacKay and Peto 1995). *Joined*, the crowd's chances stand where a laptop alone has
nothing but its own most frequent actions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from benchmarks.people.sets import Person, Whole
from deskbound_strategies.sketch import Counts

STRENGTH = 2.0
_AT_ONCE = 2_000  # contexts

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class _Own:
    """One person: what the two actions before were, what came, and what own counts say of it.

    Attributes:
        places: (n,) which of the fleet's contexts these are.
        came: (n, actions) how often each action came after each context.
        told: (n, actions) what own counts of two and one action contribute to its chance.
        popular: (actions,) own counts of single actions, as chances.
        weight: (n, 1) what the chance by anything else counts.
    """

    places: Whole
    came: Floats
    told: Floats
    popular: Floats
    weight: Floats

    def hits(self, prior: Floats) -> float:
        """Return how often the likeliest action came, by own counts over a prior."""
        best = np.argmax(self.told + self.weight * prior, axis=1)
        return float(self.came[np.arange(len(best)), best].sum())


@dataclass(frozen=True, slots=True, eq=False)
class Fleet:
    """What a fleet's people did later, to be guessed.

    Attributes:
        contexts: (2, m) all pairs of actions after which something is guessed.
        people: what each did.
    """

    contexts: Whole
    people: tuple[_Own, ...]

    @classmethod
    def of(cls, parts: Sequence[tuple[Person, Person]], actions: int) -> Self:
        """Prepare people's past, which is counted, and future, which is guessed."""
        histories = [np.r_[past.tokens[-2:], future.tokens] for past, future in parts]
        found = [np.unique(one[:-2] * actions + one[1:-1]) for one in histories]
        pooled = np.unique(np.concatenate(found))
        people = tuple(
            _own(past.tokens, history, keys, np.searchsorted(pooled, keys), actions)
            for (past, _), history, keys in zip(parts, histories, found, strict=True)
        )
        return cls(np.stack(np.divmod(pooled, actions)), people)

    @property
    def positions(self) -> float:
        """How many actions are guessed."""
        return float(sum(one.came.sum() for one in self.people))

    def alone(self) -> float:
        """Return hit@1 of each laptop by itself."""
        return sum(one.hits(one.popular) for one in self.people) / self.positions

    def shared(self, counts: Counts, *, triples: bool = True) -> tuple[float, float]:
        """Return hit@1 of a crowd's counts, and of these joined with each laptop's own.

        Args:
            counts: of the crowd.
            triples: whether these hold any; else only the last action is looked at.
        """
        starts = range(0, self.contexts.shape[1], _AT_ONCE)
        blocks = (self.contexts[:, start : start + _AT_ONCE] for start in starts)
        found = (counts.after_two(*one) if triples else counts.after[one[1]] for one in blocks)
        chances = np.concatenate([one.astype(np.float32) for one in found])
        best = np.argmax(chances, axis=1)
        crowd = joined = 0.0
        for one in self.people:
            crowd += float(one.came[np.arange(len(one.places)), best[one.places]].sum())
            joined += one.hits(chances[one.places])
        return crowd / self.positions, joined / self.positions


def _own(past: Whole, history: Whole, keys: Whole, places: Whole, actions: int) -> _Own:
    def counted(before: Whole, after: Whole) -> Floats:
        at = np.minimum(np.searchsorted(keys, before), len(keys) - 1)
        seen = keys[at] == before
        cells = np.bincount(at[seen] * actions + after[seen], minlength=len(keys) * actions)
        return cells.reshape(len(keys), actions).astype(np.float32)

    two = counted(past[:-2] * actions + past[1:-1], past[2:])
    pairs = np.bincount(past[:-1] * actions + past[1:], minlength=actions**2)
    one = pairs.reshape(actions, actions)[keys % actions].astype(np.float32)
    singles = np.bincount(past, minlength=actions).astype(np.float32)
    over_two = two.sum(1, keepdims=True) + np.float32(STRENGTH)
    over_one = one.sum(1, keepdims=True) + np.float32(STRENGTH)
    told = (two + STRENGTH * one / over_one) / over_two
    return _Own(
        places=places,
        came=counted(history[:-2] * actions + history[1:-1], history[2:]),
        told=told,
        popular=singles / singles.sum(),
        weight=np.float32(STRENGTH**2) / (over_one * over_two),
    )
