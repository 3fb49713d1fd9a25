"""What a model has to beat: guesses that need no learning, or only counting.

Each baseline is told the actions of a unit so far and gives up to five guesses for the next one,
best first. Those that count are fitted on one laptop's own training units: they are what that
laptop could do alone.
"""

from collections import Counter
from collections.abc import Callable, Sequence

from deskbound_strategies.task import Metrics, Unit

GUESSES = 5

Guess = Callable[[Sequence[int]], Sequence[int]]


def repeat_last(history: Sequence[int]) -> Sequence[int]:
    """Guess that the last action comes again; there is no second guess."""
    return history[-1:]


def most_recent(history: Sequence[int]) -> Sequence[int]:
    """Guess the last five different actions, the latest first."""
    found: dict[int, None] = {}
    for token in reversed(history):
        found[token] = None
        if len(found) == GUESSES:
            break
    return tuple(found)


class Markov:
    """Guesses what most often followed the last ``order`` actions; order 0 is the most frequent.

    Where fewer than five actions followed, shorter contexts fill up the guesses. Ties go to the
    smaller token, so that a fit depends on nothing but the counts.

    Args:
        order: how many actions of context, 0 or more.
        units: what to count.
    """

    def __init__(self, order: int, units: Sequence[Unit]) -> None:
        self._order = order
        self._best: dict[tuple[int, ...], tuple[int, ...]] = {}
        counts: dict[tuple[int, ...], Counter[int]] = {}
        for unit in units:
            tokens = unit.tokens.tolist()
            for place in range(1, len(tokens)):
                for length in range(min(order, place) + 1):
                    context = tuple(tokens[place - length : place])
                    counts.setdefault(context, Counter())[tokens[place]] += 1
        for context, counter in counts.items():
            ranked = sorted(counter.items(), key=lambda item: (-item[1], item[0]))
            self._best[context] = tuple(token for token, _ in ranked[:GUESSES])

    def __call__(self, history: Sequence[int]) -> Sequence[int]:
        """Return up to five guesses, those of the longest context first."""
        found: dict[int, None] = {}
        for length in range(min(self._order, len(history)), -1, -1):
            context = tuple(history[len(history) - length :])
            found.update(dict.fromkeys(self._best.get(context, ())))
        return tuple(found)[:GUESSES]


def baselines(training: Sequence[Unit]) -> dict[str, Guess]:
    """Return all baselines by name, fitted on one laptop's training units."""
    return {
        "most frequent": Markov(0, training),
        "repeat last": repeat_last,
        "most recently used": most_recent,
        "Markov 1": Markov(1, training),
        "Markov 2": Markov(2, training),
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
