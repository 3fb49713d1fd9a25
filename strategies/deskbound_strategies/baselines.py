"""What a model has to beat: guesses that need no learning, or only counting.

Each baseline is told the actions of a unit so far and gives up to five guesses for the next one,
best first; more where more are asked for, and of coarser labels where there are any. Those that
count are fitted on training units: of one laptop, they are what that laptop could do alone.
"""

from collections import Counter
from collections.abc import Callable, Sequence

from deskbound_strategies.task import GUESSES, Metrics, Unit

Guess = Callable[[Sequence[int]], Sequence[int]]
Labels = Sequence[int] | None  # what is guessed of each token; None for the token itself


def repeat_last(history: Sequence[int], labels: Labels = None) -> Sequence[int]:
    """Guess that the last action comes again; there is no second guess."""
    return [_label(token, labels) for token in history[-1:]]


def most_recent(
    history: Sequence[int], labels: Labels = None, most: int = GUESSES
) -> Sequence[int]:
    """Guess the last few different actions, the latest first."""
    found: dict[int, None] = {}
    for token in reversed(history):
        found[_label(token, labels)] = None
        if len(found) == most:
            break
    return tuple(found)


def _label(token: int, labels: Labels) -> int:
    return token if labels is None else labels[token]


class Markov:
    """Guesses what most often followed the last ``order`` actions; order 0 is the most frequent.

    Where fewer actions followed than are asked for, shorter contexts fill up the guesses. Ties go
    to the smaller token, so that a fit depends on nothing but the counts.

    Args:
        order: how many actions of context, 0 or more.
        units: what to count.
        labels: what is guessed of each token.
        most: how many guesses are given.
    """

    def __init__(
        self, order: int, units: Sequence[Unit], labels: Labels = None, most: int = GUESSES
    ) -> None:
        self._order, self._most = order, most
        self._best: dict[tuple[int, ...], tuple[int, ...]] = {}
        counts: dict[tuple[int, ...], Counter[int]] = {}
        for unit in units:
            tokens = unit.tokens.tolist()
            for place in range(1, len(tokens)):
                for length in range(min(order, place) + 1):
                    context = tuple(tokens[place - length : place])
                    counts.setdefault(context, Counter())[_label(tokens[place], labels)] += 1
        for context, counter in counts.items():
            ranked = sorted(counter.items(), key=lambda item: (-item[1], item[0]))
            self._best[context] = tuple(token for token, _ in ranked[:most])

    def __call__(self, history: Sequence[int]) -> Sequence[int]:
        """Return up to so many guesses, those of the longest context first."""
        found: dict[int, None] = {}
        for length in range(min(self._order, len(history)), -1, -1):
            context = tuple(history[len(history) - length :])
            found.update(dict.fromkeys(self._best.get(context, ())))
        return tuple(found)[: self._most]


def baselines(
    training: Sequence[Unit], labels: Labels = None, most: int = GUESSES
) -> dict[str, Guess]:
    """Return all baselines by name, fitted on some units, of one laptop for instance.

    Args:
        training: what is counted.
        labels: what is guessed of each token.
        most: how many guesses each gives at most.
    """
    return {
        "most frequent": Markov(0, training, labels, most),
        "repeat last": lambda history: repeat_last(history, labels),
        "most recently used": lambda history: most_recent(history, labels, most),
        "Markov 1": Markov(1, training, labels, most),
        "Markov 2": Markov(2, training, labels, most),
    }


def score(guess: Guess, units: Sequence[Unit]) -> Metrics:
    """Return how often a baseline is right, on the positions that the model is asked about."""
    positions = first = among = 0
    for unit in units:
        tokens = unit.tokens.tolist()
        for place in range(1, len(tokens)):
            guesses = guess(tokens[:place])
            positions += 1
            first += bool(guesses) and guesses[0] == tokens[place]
            among += tokens[place] in guesses
    return Metrics(positions, first / max(positions, 1), among / max(positions, 1))
