"""Where the right one stands among the guesses of a model, and of what a model has to beat.

For each of the task's heads: the action; its kind; and its argument among those of the right kind,
where it has one. What a model says of kinds is the sum over its actions, so that a network and
counts are asked the same.

Baselines that count are fitted on the other units of the same data, fold by fold (k-fold
cross-validation), so that no unit is guessed from itself.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from deskbound_server.scores import Ranks
from deskbound_strategies.baselines import Guess, baselines
from deskbound_strategies.codec import Tensors
from deskbound_strategies.errors import ConfigError
from deskbound_strategies.model import HAS_ARGUMENT
from deskbound_strategies.next_action_hits import WHAT, rank_among
from deskbound_strategies.task import Task, Unit, load_weights
from deskbound_strategies.vocabulary import TOKENS, VOCABULARY_HASH, Kind

FOLDS = 5
BASELINES = tuple(baselines([]))
_AT_ONCE = 16  # units
_KINDS = [int(token.kind) for token in TOKENS]
_KIND = torch.tensor(_KINDS)
_MEMBERS = torch.nn.functional.one_hot(_KIND, len(Kind)).double()

ByHead = dict[str, Ranks]
Told = Callable[[int], None]  # how many units were tried more


def ranks_of_model(
    task: Task, weights: Tensors, units: Sequence[Unit], told: Told = lambda _: None
) -> ByHead:
    """Try a model on units.

    Args:
        task: of the model.
        weights: of the model, in the task's layout.
        units: what is guessed.
        told: called as it goes on.

    Returns:
        Ranks of each head, unit by unit in the order given.

    Raises:
        ConfigError: the task reads another vocabulary than the published one.
        Refusal: the weights are not those of the task or are not finite.
    """
    if task.vocabulary_hash != VOCABULARY_HASH:
        raise ConfigError(
            f"The task {task.name} reads another vocabulary, whose kinds are not known here.",
            "Try a model of a task that reads the published one.",
        )
    model = task.build_model(0)
    load_weights(model, weights)
    found: dict[str, list[NDArray[np.float64]]] = {
        head: [np.empty(0)] * len(units) for head in WHAT
    }
    order = sorted(range(len(units)), key=lambda place: len(units[place]))
    with torch.no_grad():
        for start in range(0, len(order), _AT_ONCE):
            places = order[start : start + _AT_ONCE]
            batch = task.collate([units[place] for place in places])
            ranks = _ranks(task.scores(model, batch)[:, :-1].double(), batch.tokens[:, 1:])
            for row, place in enumerate(places):
                guessed = slice(len(units[place]) - 1)
                has = HAS_ARGUMENT[batch.tokens[row, 1:]][guessed].numpy()
                for head, one in zip(WHAT, ranks, strict=True):
                    mine = one[row, guessed].double().numpy()
                    found[head][place] = mine[has] if head == "argument" else mine
            told(len(places))
    return dict(found)


def _ranks(scores: torch.Tensor, wanted: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Return (units, length) ranks of each head from (units, length, tokens) log chances."""
    kinds = _KIND[wanted]
    among = scores.masked_fill(kinds[..., None] != _KIND, -torch.inf)
    return (
        rank_among(scores, wanted),
        rank_among(scores.exp() @ _MEMBERS, kinds),
        rank_among(among, wanted),
    )


def ranks_of_baselines(units: Sequence[Unit], told: Told = lambda _: None) -> dict[str, ByHead]:
    """Return the ranks of each baseline, by name, every unit guessed from the other folds.

    Args:
        units: what is guessed, and what is counted.
        told: called as it goes on.
    """
    found: dict[str, dict[str, list[NDArray[np.float64]]]] = {
        name: {head: [np.empty(0)] * len(units) for head in WHAT} for name in BASELINES
    }
    for fold in range(min(FOLDS, len(units))):
        others = [one for place, one in enumerate(units) if place % FOLDS != fold]
        actions = baselines(others, most=len(TOKENS))
        kinds = baselines(others, _KINDS, most=len(Kind))
        for place in range(fold, len(units), FOLDS):
            for name in BASELINES:
                ranks = _baseline_ranks(actions[name], kinds[name], units[place])
                for head, one in zip(WHAT, ranks, strict=True):
                    found[name][head][place] = np.array(one, np.float64)
            told(1)
    return {name: dict(heads) for name, heads in found.items()}


def _baseline_ranks(action: Guess, kind: Guess, unit: Unit) -> tuple[list[float], ...]:
    tokens = unit.tokens.tolist()
    ranks: tuple[list[float], ...] = ([], [], [])
    for place in range(1, len(tokens)):
        history, wanted = tokens[:place], tokens[place]
        guesses, right = action(history), _KINDS[wanted]
        ranks[0].append(_place(guesses, wanted))
        ranks[1].append(_place(kind(history), right))
        if HAS_ARGUMENT[wanted]:
            ranks[2].append(_place([one for one in guesses if _KINDS[one] == right], wanted))
    return ranks


def _place(guesses: Sequence[int], wanted: int) -> float:
    return guesses.index(wanted) if wanted in guesses else np.inf
