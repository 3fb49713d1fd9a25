"""What a crowd's private counts can guess of real people's next action.

    python -m benchmarks.people.private_counts [--data FOLDER] [--set abb_ide] [--unit session]

Each person is a laptop. What the task ``action_counts`` does there, unit by unit, is done here for
all laptops at once (``tallies.py``): units are cut by the client's own code, clipped counts are
summed, each laptop adds noise of its own, the server averages. Every unit of all days takes part,
once, and epsilon is that of all together, for one unit, at ``DELTA`` (PRV).

With ``--unit person`` all that somebody did is one unit, which no laptop of the product cuts: what
hiding a whole person would leave.

With ``--rate`` and ``--steps`` each step samples units and gets noise of its own.

With ``--people-out`` people are parted into folds, and the later events of each fold's people are
guessed from the counts of the others alone.

With ``--without-recents`` nothing is counted of what was used lately.

With ``--weigh`` laptops count the more, the more they told (``weighing.py``).

With ``--validate`` the last eighth of what is learned from is guessed instead of the test part:
for choosing constants.
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.people import weighing
from benchmarks.people.counting import Score, score
from benchmarks.people.results import Summary, Terms, append, options, part_of
from benchmarks.people.sets import SETS, Person, Whole, arguments, load
from benchmarks.people.tallies import (
    DELTA,
    EPSILONS,
    RATE,
    STEPS,
    UNIT_ACTIONS,
    Floats,
    read,
    released,
    sigma_for,
    tally,
)
from deskbound_strategies import recents, sketch

SEEDS = 3  # how many, if not told otherwise
FOLDS, LEFT_OUT = 5, "people left out"
_AT_ONCE = 10_000  # places
_KEPT = 100  # actions of the past that tell what was used lately


def ranks(counts: sketch.Counts, past: Whole, future: Whole) -> Whole:
    """Return the rank of each of a person's later tokens by the chances after the two before it.

    Args:
        counts: of the crowd.
        past: (n,) the person's tokens before, at least two.
        future: (m,) those to be guessed.

    Returns:
        (m,) ranks from 0.
    """
    known = len(past[-_KEPT:])
    history = np.r_[past[-_KEPT:], future]
    used = recents.used(history)
    # Where the same two actions come before, the same cells are read: side by side, once.
    order = known + np.lexsort((history[known - 1 : -1], history[known - 2 : -2]))
    found = np.empty(len(future), np.int64)
    for start in range(0, len(order), _AT_ONCE):
        places = order[start : start + _AT_ONCE]
        rows = counts.after_history(history[places - 2], history[places - 1], used[places - 1])
        tokens = history[places]
        mine = rows[np.arange(len(tokens)), tokens][:, None]
        before = np.arange(rows.shape[1]) < tokens[:, None]
        found[places - known] = ((rows > mine) | ((rows == mine) & before)).sum(axis=1)
    return found


Parts = list[tuple[Person, Person]]  # of each person, what is learned from and what is guessed


def guessed(cells: Floats, actions: int, parts: Parts) -> Iterator[Whole]:
    """Yield, for each person, the ranks of the later events by the released cells."""
    counts = read(cells, actions)
    return (ranks(counts, past.tokens, future.tokens) for past, future in parts)


def folds(parts: Parts, *, people_out: bool) -> Iterator[tuple[Parts, Parts]]:
    """Yield who is learned from, and whose later events are guessed then.

    Args:
        parts: of all people.
        people_out: guess each fold's people from the others alone, instead of all from all.
    """
    if not people_out:
        yield parts, parts
        return
    for fold in range(FOLDS):
        others = [one for number, one in enumerate(parts) if number % FOLDS != fold]
        yield others, parts[fold::FOLDS]


def main() -> None:
    """Print the table."""
    parser: argparse.ArgumentParser = arguments(__doc__)
    parser.add_argument("--set", choices=SETS, default="abb_ide", help="Which people.")
    parser.add_argument("--unit", choices=UNIT_ACTIONS, default="session", help="What is hidden.")
    parser.add_argument("--actions", type=int, default=0, help="Most actions of a unit.")
    options(parser)
    parser.add_argument("--people-out", action="store_true", help="Guess people from others only.")
    parser.add_argument("--without-recents", action="store_true", help="Count no recency.")
    parser.add_argument("--weigh", action="store_true", help="Who told more counts more.")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="How many.")
    parser.add_argument("--rate", type=float, default=RATE, help="q, of each step.")
    parser.add_argument("--steps", type=int, default=STEPS, help="Of the round.")
    asked = parser.parse_args()
    if asked.weigh and (asked.rate, asked.steps) != (RATE, STEPS):
        parser.error("--weigh goes by counts of every unit once: leave --rate and --steps away")
    crowd, console = load(asked.set, asked.data), Console()
    parts = [person.split() for person in crowd.people]
    if asked.validate:
        parts = [past.split(0.875) for past, _ in parts]
    sigmas = {epsilon: sigma_for(epsilon, asked.rate, asked.steps) for epsilon in EPSILONS}
    # What was ranked without noise, and for each epsilon and seed; by fold.
    ranked: dict[tuple[float, int], list[Whole]] = {}
    units_of = []
    for fold, (learned, held) in enumerate(folds(parts, people_out=asked.people_out)):
        past = [one for one, _ in learned]
        again = not asked.without_recents
        tallies = tally(crowd, past, asked.unit, most=asked.actions, again=again)
        units_of.append(tallies.units)
        plain = tallies.summed(np.ones(tallies.units))
        ranked.setdefault((np.inf, 0), []).extend(guessed(plain, crowd.size, held))
        for epsilon, sigma in sigmas.items():
            for seed in range(1, asked.seeds + 1):
                rng = np.random.default_rng([seed, fold] if asked.people_out else seed)
                shares = weighing.weights(tallies, sigma, rng) if asked.weigh else None
                cells = released(tallies, sigma, rng, asked.rate, asked.steps, shares)
                ranked.setdefault((epsilon, seed), []).extend(guessed(cells, crowd.size, held))
    whose = ", each guessed from the others" if asked.people_out else ""
    told = Table(
        title=f"{crowd.name}: private counts of {len(parts)} people{whose}, "
        f"{max(units_of):,} {asked.unit} units, delta {DELTA:g}, q {asked.rate:g}, "
        f"steps {asked.steps}"
    )
    for name in ("epsilon", "sigma", "hit@1", "hit@5", "MRR"):
        told.add_column(name, justify="right")
    model = "counts"
    if (asked.rate, asked.steps) != (RATE, STEPS):
        model += f", {asked.steps} steps of {asked.rate:g}"
    model += ", without recents" if asked.without_recents else ""
    model += ", weighed" if asked.weigh else ""
    model += f", {LEFT_OUT}" if asked.people_out else ""
    most = asked.actions or UNIT_ACTIONS[asked.unit]
    terms = Terms(crowd.name, part_of(asked), asked.unit, most, model, np.inf)
    scores: dict[float, list[Score]] = {}
    for (epsilon, seed), every in ranked.items():
        scores.setdefault(epsilon, []).append(score(every))
        append(asked.append, replace(terms, epsilon=epsilon), seed, scores[epsilon][-1])
    for epsilon, every_seed in scores.items():
        noise = "" if np.isinf(epsilon) else f"{sigmas[epsilon]:.2f}"
        told.add_row(f"{epsilon:g}", noise, *Summary.of(every_seed).cells)
    console.print(told)


if __name__ == "__main__":
    main()
