"""What a network learned under noise can guess of real people's next action.

    python -m benchmarks.people.private_network [--data FOLDER] [--epsilon 4] [--start counts]

The network and its rounds are those of ``network.py``. Epsilon is that of all rounds together, for
one unit, at ``DELTA`` (PRV); with ``--start counts`` that of the private counts it begins with is
in it. With ``--weigh network`` laptops count the more, the more they told there (``weighing.py``),
with ``--weigh all`` in the counts themselves, too.
What the product does not do: with ``--robust`` the loss is generalised cross entropy.

With ``--validate`` the last eighth of what is learned from is guessed instead of the test part.
With ``--people-out`` people are parted into folds, and the later events of each fold's people are
guessed by a network that the others alone taught. With ``--keep FOLDER`` networks are kept, and
``personal.py`` can build on them.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from scipy.optimize import brentq

from benchmarks.people import tallies, weighing
from benchmarks.people.counting import score
from benchmarks.people.network import (
    LARGE,
    POWER,
    RATE,
    ROUNDS,
    SMALL,
    UNIT_ACTIONS,
    Kept,
    Network,
    keep,
    learn,
    lessons,
    ranks,
    taught_by_counts,
)
from benchmarks.people.private_counts import LEFT_OUT, SEEDS, folds
from benchmarks.people.results import Summary, Terms, append, options, part_of
from benchmarks.people.sets import SETS, Crowd, Person, Whole, arguments, load
from benchmarks.people.tallies import DELTA, EPSILONS, read, released, tally
from deskbound_strategies.accounting import SampledGaussian, epsilon_prv
from deskbound_strategies.contract import Unit

_SMALL_BELOW = 2.0  # epsilon; the more noise, the fewer weights it may fall on
_WEIGHED = {"network": "weighed", "all": "all weighed"}
COUNTS_SHARE = 0.5  # of epsilon, for counts that come first


def sigma_for(epsilon: float, earlier: Sequence[SampledGaussian] = ()) -> float:
    """Return the noise with which all rounds, and what was released before, cost so much."""
    if np.isinf(epsilon):
        return 0.0

    def over(sigma: float) -> float:
        return epsilon_prv([*earlier, SampledGaussian(RATE, sigma, ROUNDS)], DELTA) - epsilon

    return float(brentq(over, 0.4, 60.0, xtol=1e-3))


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Attributes:
        epsilon: of everything together.
        counted: noise of the private counts before, or None where there were none.
        sigma: noise of each round.
    """

    epsilon: float
    counted: float | None
    sigma: float

    @property
    def size(self) -> tuple[int, int]:
        """Of the network."""
        return SMALL if self.epsilon < _SMALL_BELOW else LARGE


def row_for(epsilon: float, start: str) -> Row:
    """Return how an epsilon is spent."""
    if start == "nothing":
        return Row(epsilon, None, sigma_for(epsilon))
    if np.isinf(epsilon):
        return Row(epsilon, 0.0, 0.0)
    counted = tallies.sigma_for(epsilon * COUNTS_SHARE)
    counts = SampledGaussian(tallies.RATE, counted, tallies.STEPS)
    return Row(epsilon, counted, sigma_for(epsilon, [counts]))


@dataclass(frozen=True, slots=True)
class Learning:
    """How networks come to be; see the options.

    Attributes:
        crowd: whose vocabulary it is.
        unit: what is hidden.
        most: actions of a unit.
        weigh: where laptops count by what they told: nowhere (None), ``network`` or ``all``.
        power: of the loss.
    """

    crowd: Crowd
    unit: Unit
    most: int
    weigh: str | None
    power: float

    def network(self, people: list[Person], row: Row, seed: int, told: str) -> Network:
        """Return a network that learned from some people.

        Args:
            people: what is learned from.
            row: how much noise, and how large.
            seed: of everything that is drawn.
            told: what the progress bar says.
        """
        size, each = self.crowd.size, None
        if row.counted is None:
            network = Network(size, seed, row.size)
        else:
            # It is taught what follows two actions; what was used lately says no more of that.
            counted = tally(self.crowd, people, self.unit, most=self.most, again=False)
            rng = np.random.default_rng(seed)
            each = weighing.weights(counted, row.counted, rng) if self.weigh else None
            shares = each if self.weigh == "all" else None
            counts = read(released(counted, row.counted, rng, shares=shares), size)
            network = taught_by_counts(size, counts, seed, row.size)
        found = lessons(self.crowd, people, self.unit, self.most)
        learn(network, found, row.sigma, seed, told, weights=each, power=self.power)
        return network


def main() -> None:
    """Print the table, or one row of it."""
    asked = _asked()
    crowd, console = load(asked.set, asked.data), Console(width=110)
    parts = [person.split() for person in crowd.people]
    if asked.validate:
        parts = [past.split(0.875) for past, _ in parts]
    most = asked.actions or UNIT_ACTIONS[asked.unit]
    power = POWER if asked.robust else 0.0
    learning = Learning(crowd, asked.unit, most, asked.weigh, power)
    terms = Terms(crowd.name, part_of(asked), asked.unit, most, _named(asked), np.inf)
    result = Table(
        title=f"{crowd.name}: {len(parts)} people, {asked.unit} units of at most {most} actions, "
        f"delta {DELTA:g}, q {RATE}, {ROUNDS} rounds, {terms.model}"
    )
    for name in ("epsilon", "sigma", "hit@1", "hit@5", "MRR"):
        result.add_column(name, justify="right")
    for epsilon in [asked.epsilon] if asked.epsilon else [np.inf, *EPSILONS]:
        row, scores, mine = row_for(epsilon, asked.start), [], replace(terms, epsilon=epsilon)
        for seed in [asked.seed] if asked.seed else range(1, asked.seeds + 1):
            ranked: list[Whole] = []
            for fold, (learned, held) in enumerate(folds(parts, people_out=asked.people_out)):
                # No two folds have the same noise.
                drawn = 1_000 * (fold + 1) + seed if asked.people_out else seed
                told = f"epsilon {epsilon:g}, seed {seed}"
                network = learning.network([past for past, _ in learned], row, drawn, told)
                ranked += [ranks(network, past.tokens, future.tokens) for past, future in held]
                if asked.keep:
                    keep(network, asked.keep, Kept(mine, seed, fold if asked.people_out else -1))
            scores.append(score(ranked))
            append(asked.append, mine, seed, scores[-1])
            console.print(f"[dim]epsilon {epsilon:g}, seed {seed}: {scores[-1].hit1:.4f}[/]")
        spent = ", ".join(f"{one:.2f}" for one in (row.counted, row.sigma) if one is not None)
        result.add_row(f"{epsilon:g}", spent, *Summary.of(scores).cells)
    console.print(result)


def _asked() -> argparse.Namespace:
    parser: argparse.ArgumentParser = arguments(__doc__)
    parser.add_argument("--set", choices=SETS, default="abb_ide", help="Which people.")
    parser.add_argument("--unit", choices=UNIT_ACTIONS, default="session", help="What is hidden.")
    parser.add_argument("--actions", type=int, help="Most actions of a unit.")
    parser.add_argument("--epsilon", type=float, help="One row; inf for no noise.")
    parser.add_argument("--start", choices=("nothing", "counts"), default="nothing")
    told = "Learn less from what hardly anybody could have guessed."
    parser.add_argument("--robust", action="store_true", help=told)
    parser.add_argument("--weigh", choices=_WEIGHED, help="Where who told more counts more.")
    parser.add_argument("--people-out", action="store_true", help="Guess people from others only.")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="How many.")
    parser.add_argument("--seed", type=int, help="This one alone.")
    parser.add_argument("--keep", type=Path, help="Keep the networks in this folder.")
    options(parser)
    asked = parser.parse_args()
    if asked.weigh and asked.start != "counts":
        parser.error("--weigh goes by counts: give --start counts")
    return asked


def _named(asked: argparse.Namespace) -> str:
    model = "network" if asked.start == "nothing" else "network from counts"
    told = "robust loss" if asked.robust else "", _WEIGHED.get(asked.weigh, "")
    return ", ".join(one for one in (model, *told, LEFT_OUT if asked.people_out else "") if one)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
