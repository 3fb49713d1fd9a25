"""The personal head: what this laptop's own actions add to the shared model's guesses.

It counts what followed which of the employee's own actions, and mixes that with what the shared
model expects: own counts weigh the more, the oftener it has been where it is, and the oftener they
were right lately when the shared model was not. It is made anew from the vault whenever it is
needed. Nothing of it is stored and nothing of it has a way out, so what is forgotten is forgotten
here as well.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from deskbound_strategies.task import GUESSES, Metrics, Task, Unit, load_weights

ORDER = 3  # actions of context
# Constants were chosen on people who are not in the figures of docs/benchmarks.md.
STRENGTH = 2.0  # sightings that a shorter context's word is worth (MacKay and Peto 1995)
# Beside a shared model that is right as often: own counts weigh half after so many sightings of the
# last two actions, and elsewhere up to ``ANYWHERE``, half of it after so many actions in all.
HALF_HERE = 20.0
ANYWHERE, HALF_ANYWHERE = 0.5, 1_000.0
MOST_ANYWHERE = 0.9  # however much better own counts are
MEMORY = 0.99  # what an action ago weighs, of how often who was right: about the last hundred count
DOUBT = 3.0  # times right that both are held to have been at first
# So many times oftener own counts must have been right than the mixture to guess without it.
CLEARLY = 3.0

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Guessed:
    """Chances of what comes next.

    Attributes:
        own: (actions,) by own counts alone.
        personal: (actions,) by these beside the shared model, or alone where that does better.
        mixed: (actions,) by both, in any case.
    """

    own: Floats
    personal: Floats
    mixed: Floats


@dataclass(slots=True)
class _Right:
    """How often each was right lately; what is longer ago fades."""

    own: float = 0.0
    shared: float = 0.0
    mixed: float = 0.0

    def add(self, *, own: bool, shared: bool, mixed: bool) -> None:
        self.own = MEMORY * self.own + own
        self.shared = MEMORY * self.shared + shared
        self.mixed = MEMORY * self.mixed + mixed


class PersonalHead:
    """Counts of one person's actions, set beside a shared model's word."""

    def __init__(self) -> None:
        self._counts: dict[tuple[int, ...], Counter[int]] = {}
        self._right = _Right()

    def guess(self, recent: Sequence[int], shared: Floats) -> Guessed:
        """Return what may come next.

        Args:
            recent: the actions so far, oldest first; the last ``ORDER`` matter.
            shared: (actions,) chances by the shared model.
        """
        own, weight = self._own(recent, len(shared)), self._weight(recent)
        mixed = weight * own + (1.0 - weight) * shared
        alone = self._right.own > self._right.mixed + CLEARLY
        return Guessed(own, own if alone else mixed, mixed)

    def learn(self, recent: Sequence[int], token: int, shared: Floats) -> Guessed:
        """Guess an action, then learn it.

        Args:
            recent: the actions before it, oldest first.
            token: the action.
            shared: (actions,) chances by the shared model, which did not see it either.

        Returns:
            What was guessed.
        """
        guessed = self.guess(recent, shared)
        self._right.add(
            own=int(guessed.own.argmax()) == token,
            shared=int(shared.argmax()) == token,
            mixed=int(guessed.mixed.argmax()) == token,
        )
        self.count(recent, token)
        return guessed

    def count(self, recent: Sequence[int], token: int) -> None:
        """Learn an action that nobody could guess, after each of its contexts."""
        for context in _contexts(recent):
            self._counts.setdefault(context, Counter())[token] += 1

    def _own(self, recent: Sequence[int], actions: int) -> Floats:
        chances = np.full(actions, 1.0 / actions)
        for context in _contexts(recent):
            found = self._counts.get(context)
            if found is None:
                break
            total = found.total() + STRENGTH
            chances *= STRENGTH / total
            tokens = np.fromiter(found.keys(), np.int64, len(found))
            chances[tokens] += np.fromiter(found.values(), np.float64, len(found)) / total
        return chances

    def _weight(self, recent: Sequence[int]) -> float:
        """Return how much own counts weigh beside the shared model, from 0 to 1."""
        better = ((self._right.own + DOUBT) / (self._right.shared + DOUBT)) ** 2
        here = self._seen(recent[-2:]) if len(recent) > 1 else 0
        anywhere = self._seen(())
        return max(
            here / (here + HALF_HERE / better),
            min(MOST_ANYWHERE, ANYWHERE * better) * anywhere / (anywhere + HALF_ANYWHERE / better),
        )

    def _seen(self, context: Sequence[int]) -> int:
        found = self._counts.get(tuple(context))
        return 0 if found is None else found.total()


def _contexts(recent: Sequence[int]) -> Iterator[tuple[int, ...]]:
    for length in range(min(ORDER, len(recent)) + 1):
        yield tuple(recent[len(recent) - length :])


class PersonalModel:
    """A shared model with a personal head, going along with what somebody does.

    As everywhere, an action is told by those before it in its unit; a unit's first one is counted
    and not guessed.

    Args:
        task: whose model it is.
        weights: of the shared model.
        units: what was done so far, oldest first.

    Raises:
        Refusal: when the weights are not those of the task or are not finite.
    """

    def __init__(
        self, task: Task, weights: Mapping[str, NDArray[np.float32]], units: Sequence[Unit]
    ) -> None:
        self._task = task
        self._model = task.build_model(0)
        load_weights(self._model, weights)
        self._head = PersonalHead()
        self.follow(units)

    def follow(self, units: Sequence[Unit]) -> tuple[Metrics, Metrics]:
        """Guess what is done next, action by action, learning each once it was guessed.

        Args:
            units: what was done next, oldest first.

        Returns:
            How often own counts alone were right, and how often the personal model was.
        """
        alone, personal = _Tally(), _Tally()
        for unit in units:
            tokens, shared = unit.tokens.tolist(), self._shared(unit)
            self._head.count((), tokens[0])
            for place in range(1, len(tokens)):
                recent = tokens[max(0, place - ORDER) : place]
                guessed = self._head.learn(recent, tokens[place], shared[place - 1])
                alone.add(guessed.own, tokens[place])
                personal.add(guessed.personal, tokens[place])
        return alone.metrics(), personal.metrics()

    def forecast(self, unit: Unit) -> list[tuple[int, float]]:
        """Return the likeliest next tokens after a unit with their probabilities, best first.

        Args:
            unit: the actions so far, at least one.
        """
        guessed = self._head.guess(unit.tokens.tolist(), self._shared(unit)[-1])
        return [(token, float(guessed.personal[token])) for token in _best(guessed.personal)]

    def _shared(self, unit: Unit) -> Floats:
        """Return (actions of the unit, actions) chances of what follows each."""
        with torch.no_grad():
            scores = self._task.scores(self._model, self._task.collate([unit]))[0]
        found: Floats = scores.double().exp().numpy()
        return found


@dataclass(slots=True)
class _Tally:
    """How many guesses were made, and how many were right."""

    positions: int = 0
    first: int = 0
    among: int = 0

    def add(self, chances: Floats, token: int) -> None:
        guesses = _best(chances)
        self.positions += 1
        self.first += guesses[0] == token
        self.among += token in guesses

    def metrics(self) -> Metrics:
        every = max(self.positions, 1)
        return Metrics(self.positions, self.first / every, self.among / every)


def _best(chances: Floats) -> list[int]:
    best: list[int] = np.argsort(-chances, kind="stable")[:GUESSES].tolist()
    return best
