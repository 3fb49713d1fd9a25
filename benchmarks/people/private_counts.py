"""What a crowd's private counts can guess of real people's next action.

    python -m benchmarks.people.private_counts [--data FOLDER] [--set abb_ide] [--unit session]

Each person is a laptop. What the task ``action_counts`` does there, unit by unit, is done here for
all laptops at once: units are cut by the client's own code, clipped counts are summed, each laptop
adds noise of its own, the server averages. A test holds this against the client's own training.
Every unit of all days takes part, once, and epsilon is that of all together, for one unit, at
``DELTA`` (PRV).

With ``--rate`` and ``--steps`` each step samples units and gets noise of its own.

With ``--people-out`` people are parted into folds, and the later events of each fold's people are
guessed from the counts of the others alone.

With ``--without-recents`` nothing is counted of what was used lately.

With ``--weigh`` laptops count the more, the more they hold (``weighing.py``).

With ``--validate`` the last eighth of what is learned from is guessed instead of the test part:
for choosing constants.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.optimize import brentq

from benchmarks.people.counting import Score, score
from benchmarks.people.results import Summary, Terms, append, options, part_of
from benchmarks.people.sets import SETS, Crowd, Person, Whole, arguments, load
from deskbound_client.learn.trainer import SGD_MOMENTUM
from deskbound_strategies import recents, sketch
from deskbound_strategies.accounting import SampledGaussian, epsilon_prv
from deskbound_strategies.contract import Unit
from deskbound_strategies.units import units
from deskbound_strategies.vocabulary import GAP_UNKNOWN, Action

DELTA = 1e-6
EPSILONS = (8.0, 4.0, 2.0, 1.0)
SEEDS = (1, 2, 3)
# As in ``plans/counts.toml``, but for the noise.
RATE, STEPS, CLIP = 1.0, 1, 1.0
UNIT_SECONDS, UNIT_ACTIONS = 600, {"session": 256, "day": 1024}
FOLDS, LEFT_OUT = 5, "people left out"
_AT_ONCE = 10_000  # places
_KEPT = 100  # actions of the past that tell what was used lately

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Tallies:
    """Each unit's weighted counts, sparse, clipped to norm ``CLIP``.

    Attributes:
        actions: size of the vocabulary.
        units: how many units there are.
        laptops: how many people.
        owner: (units,) whose each unit is.
        unit: (n,) which unit an entry belongs to.
        cell: (n,) single actions first, then pairs, triples and recency.
        value: (n,) what the unit contributes to the cell.
    """

    actions: int
    units: int
    laptops: int
    owner: Whole
    unit: Whole
    cell: Whole
    value: Floats

    @property
    def cells(self) -> int:
        """How many cells there are."""
        return _width(self.actions)

    def summed(self, times: Floats) -> Floats:
        """Return (cells,) the sum of all units, each taken ``times`` over: (units,)."""
        each = self.value * times[self.unit]
        return np.bincount(self.cell, each, minlength=self.cells).astype(np.float64)


def tally(
    crowd: Crowd,
    people: list[Person],
    kind: Unit,
    clip: float = CLIP,
    most: int = 0,
    *,
    again: bool = True,
) -> Tallies:
    """Cut people's events into units and count them.

    Args:
        crowd: whose vocabulary it is.
        people: what is counted.
        kind: of unit.
        clip: C.
        most: actions of a unit, or as usual.
        again: count what was used lately, too.
    """
    cut = [
        [
            one.tokens
            for day in days(person)
            for one in units(day, kind, UNIT_SECONDS, most or UNIT_ACTIONS[kind])
        ]
        for person in people
    ]
    found = [one for mine in cut for one in mine]
    owner = np.repeat(np.arange(len(people)), [len(mine) for mine in cut])
    tokens = np.concatenate(found)
    unit = np.repeat(np.arange(len(found)), [len(one) for one in found])
    two, three = unit[1:] == unit[:-1], unit[2:] == unit[:-2]
    pairs = sketch.pair_cells(tokens[:-1], tokens[1:], crowd.size)[two]
    triples, signs = sketch.triple_cells(tokens[:-2], tokens[1:-1], tokens[2:])
    cells = np.r_[tokens, pairs + crowd.size, triples[three] + crowd.size + crowd.size**2]
    values = np.r_[
        np.full(len(tokens), sketch.SINGLE_WEIGHT),
        np.full(len(pairs), sketch.PAIR_WEIGHT),
        sketch.TRIPLE_WEIGHT * signs[three],
    ]
    values /= sketch.SCALE
    entry = np.r_[unit, unit[1:][two], unit[2:][three]]
    width = _width(crowd.size)
    if again:
        cells = np.r_[cells, np.tile(np.arange(width - recents.CELLS, width), len(found))]
        values = np.concatenate([values, *(recents.weighted(one) for one in found)])
        entry = np.r_[entry, np.repeat(np.arange(len(found)), recents.CELLS)]
    keys, places = np.unique(entry * width + cells, return_inverse=True)
    sums = np.bincount(places, values)
    of, where = keys // width, keys % width
    norms = np.sqrt(np.bincount(of, sums**2, minlength=len(found)))
    scales = np.minimum(1.0, clip / np.maximum(norms, 1e-300))
    return Tallies(crowd.size, len(found), len(people), owner, of, where, sums * scales[of])


def _width(actions: int) -> int:
    return actions + actions**2 + sketch.CELLS + recents.CELLS


def days(person: Person) -> Iterator[list[Action]]:
    edges = np.flatnonzero(np.diff(person.seconds // 86_400)) + 1
    parts = (np.split(column, edges) for column in (person.tokens, person.seconds))
    for tokens, seconds in zip(*parts, strict=True):
        yield [
            Action(token, 0, GAP_UNKNOWN, at)
            for token, at in zip(tokens.tolist(), seconds.tolist(), strict=True)
        ]


def released(
    tallies: Tallies,
    sigma: float,
    rng: np.random.Generator,
    rate: float = RATE,
    steps: int = STEPS,
) -> Floats:
    """Return (cells,) what the server's mean adds up to, up to a public factor.

    Args:
        tallies: of all units.
        sigma: noise multiplier.
        rng: samples units and draws noise.
        rate: q, of each step.
        steps: of the round.
    """
    # The local optimizer's momentum makes early steps count up to twice.
    left = np.arange(steps, 0, -1)
    early = (1 - SGD_MOMENTUM**left) / (1 - SGD_MOMENTUM)
    times = sum(weight * (rng.random(tallies.units) < rate) for weight in early)
    noise = sigma * CLIP * np.sqrt(tallies.laptops * (early**2).sum())
    cells = tallies.summed(np.asarray(times))
    return cells + rng.normal(0.0, noise, tallies.cells)


def sigma_for(epsilon: float, rate: float = RATE, steps: int = STEPS) -> float:
    """Return the noise with which all steps cost so much."""

    def over(sigma: float) -> float:
        return epsilon_prv([SampledGaussian(rate, sigma, steps)], DELTA) - epsilon

    return float(brentq(over, 0.4, 40.0, xtol=1e-3))


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


def read(cells: Floats, actions: int) -> sketch.Counts:
    """Return what released cells say."""
    pairs = actions + actions**2
    return sketch.read(*np.split(cells, [actions, pairs, pairs + sketch.CELLS]))


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
    parser.add_argument("--rate", type=float, default=RATE, help="q, of each step.")
    parser.add_argument("--steps", type=int, default=STEPS, help="Of the round.")
    asked = parser.parse_args()
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
            for seed in SEEDS:
                rng = np.random.default_rng([seed, fold] if asked.people_out else seed)
                cells = released(tallies, sigma, rng, asked.rate, asked.steps)
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
