"""How much a laptop counts in a crowd's sum of updates: by what it told in private counts.

    python -m benchmarks.people.weighing --data FOLDER [--set cyber_shell]

prints what that does to signal over noise, beside weights by what laptops hold in truth, which are
the best (Wiener) and known to nobody.

As the product does it (``deskbound_strategies.weighing``): how much a laptop holds is read off its
noised counts, which were paid for, by the server where it adds them up and by the laptop for its
later updates; it costs nothing more. Here the noise of
what it told is drawn anew, with the deviation it has there: the counts' own is drawn for all
laptops together.
"""

import argparse
import math

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.people.sets import SETS, arguments, load
from benchmarks.people.tallies import EPSILONS, Tallies, sigma_for, tally
from deskbound_strategies.weighing import Told, shares

Floats = NDArray[np.float64]


def weights(tallies: Tallies, sigma: float, rng: np.random.Generator) -> Floats:
    """Return (laptops,) weights, up to a common factor.

    Args:
        tallies: of the units that were counted, each clipped to 1.
        sigma: noise multiplier of each laptop's counts.
        rng: draws the noise of each laptop's amount.
    """
    singles = tallies.cell < tallies.actions
    held = np.bincount(
        tallies.owner[tallies.unit[singles]], tallies.value[singles], minlength=tallies.laptops
    )
    noise = sigma * math.sqrt(tallies.actions)
    told = held + rng.normal(0.0, noise, tallies.laptops)
    return shares([Told(float(one), noise) for one in told])


def rise(shares: Floats, held: Floats) -> float:
    """Return signal over noise of a weighed sum, as a multiple of that of a plain one.

    Args:
        shares: (laptops,) weights.
        held: (laptops,) units of each, all of which say the same.
    """
    weighed = (shares * held).sum() / np.linalg.norm(shares)
    return float(weighed / (held.sum() / math.sqrt(len(held))))


def main() -> None:
    """Print the table."""
    parser: argparse.ArgumentParser = arguments(__doc__)
    parser.add_argument("--set", choices=SETS, default="abb_ide", help="Which people.")
    parser.add_argument("--actions", type=int, default=64, help="Most actions of a unit.")
    asked = parser.parse_args()
    crowd = load(asked.set, asked.data)
    past = [person.split()[0] for person in crowd.people]
    tallies = tally(crowd, past, "session", most=asked.actions, again=False)
    held = np.bincount(tallies.owner, minlength=tallies.laptops).astype(np.float64)
    table = Table(
        title=f"{crowd.name}: {tallies.laptops} people, {tallies.units:,} sessions; signal over "
        f"noise, 1 where all count alike, {rise(held, held):.2f} at best"
    )
    for name in ("counts' epsilon", "sigma", "by what was told"):
        table.add_column(name, justify="right")
    for epsilon in (*EPSILONS, 0.5):
        sigma, rng = sigma_for(epsilon), np.random.default_rng(1)
        found = [rise(weights(tallies, sigma, rng), held) for _ in range(20)]
        table.add_row(f"{epsilon:g}", f"{sigma:.2f}", f"{np.mean(found):.2f}")
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
