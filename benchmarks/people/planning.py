"""How good private counts are for fleets of other sizes, with other noise and fewer days.

    python -m benchmarks.people.planning [--data FOLDER] [--set abb_ide] [--unit day] [--order 2]

Fleets are drawn from a set's people; each laptop has the last days of what its person may be
learned from, and all are asked what they do next, as in ``private_counts``. Writes one row for
each fleet and noise; ``planning_fit`` finds the relation in them that ``deskbound-server plan``
goes by. What was used lately is neither counted nor looked at. With ``--order 2`` triples are not
counted: what is left is scaled up to what a unit contributes in all, and only the last action is
looked at.
"""

import csv
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import Progress

from benchmarks.people.own_counts import Fleet
from benchmarks.people.sets import SETS, Crowd, Person, arguments, load
from benchmarks.people.tallies import (
    CLIP,
    RATE,
    STEPS,
    UNIT_ACTIONS,
    Tallies,
    read,
    released,
    tally,
)
from deskbound_strategies.contract import Unit

ORDER = 3  # of the task: actions, pairs and triples
LAPTOPS = (10, 30, 60, 0)  # 0 for all there are
DAYS = (1, 2, 5, 0)  # days with activity; 0 for all
SIGMAS = (0.5, 1.0, 1.6, 2.6, 4.6, 9.0)
SEEDS = (1, 2, 3)
# Other rates and steps with all laptops and days: what is fitted must foretell them.
OTHERS = ((0.1, 50, 2.0), (0.1, 50, 4.0), (0.2, 100, 3.0), (0.2, 100, 10.0), (0.05, 50, 2.0))


@dataclass(frozen=True, slots=True)
class Row:
    """One fleet with one noise.

    Attributes:
        people: name of the set.
        unit: what is hidden.
        laptops: of the fleet.
        days: days with activity that each had at most; 0 for all.
        units: of all laptops together.
        rate: q.
        steps: of the round.
        sigma: noise multiplier; 0 when there was neither noise nor sampling.
        seed: of people and noise.
        hit1: share right at the first guess, by the shared counts alone.
        joined: the same, by each laptop's own counts of the same days over the shared ones.
        alone: the same, by each laptop's own counts.
        order: 3 where actions, pairs and triples are counted, 2 without triples.
    """

    people: str
    unit: str
    laptops: int
    days: int
    units: int
    rate: float
    steps: int
    sigma: float
    seed: int
    hit1: float
    joined: float
    alone: float
    order: int = 3


def latest(person: Person, days: int) -> Person:
    """Return the last days with activity of a person; all of them for 0."""
    present = np.unique(person.seconds // 86_400)
    if days == 0 or len(present) <= days:
        return person
    kept = person.seconds // 86_400 >= present[-days]
    return Person(person.tokens[kept], person.seconds[kept])


def fleet(crowd: Crowd, laptops: int, days: int, seed: int) -> list[tuple[Person, Person]]:
    """Return past and future of people drawn from a crowd; fleets of a seed lie in each other."""
    order = np.random.default_rng(seed).permutation(len(crowd.people))
    chosen = [crowd.people[place] for place in order[: laptops or len(order)]]
    parts = [person.split() for person in chosen]
    return [(latest(past, days), future) for past, future in parts]


def counted(crowd: Crowd, people: list[Person], unit: Unit, order: int) -> Tallies:
    """Return people's counts up to an order, clipped."""
    if order == ORDER:
        return tally(crowd, people, unit, again=False)
    whole = tally(crowd, people, unit, clip=math.inf, again=False)
    kept = whole.cell < crowd.size + crowd.size**2
    of, values = whole.unit[kept], whole.value[kept]
    norms = np.sqrt(np.bincount(of, values**2, minlength=whole.units))
    larger = np.sqrt(np.bincount(whole.unit, whole.value**2)).mean() / norms.mean()
    scales = np.minimum(larger, CLIP / np.maximum(norms, 1e-300))
    return replace(whole, unit=of, cell=whole.cell[kept], value=values * scales[of])


def rows(
    crowd: Crowd, unit: Unit, laptops: int, days: int, seed: int, order: int = ORDER
) -> Iterator[Row]:
    """Yield what one fleet reaches, without noise first."""
    parts = fleet(crowd, laptops, days, seed)
    tallies = counted(crowd, [past for past, _ in parts], unit, order)
    asked = Fleet.of(parts, crowd.size)
    alone = asked.alone()
    whole = laptops == 0 and days == 0
    terms = [(RATE, STEPS, sigma) for sigma in (0.0, *SIGMAS)] + (list(OTHERS) if whole else [])
    for place, (rate, steps, sigma) in enumerate(terms):
        rng = np.random.default_rng((seed, place))
        cells = (
            released(tallies, sigma, rng, rate, steps)
            if sigma
            else tallies.summed(np.ones(tallies.units))
        )
        shared, joined = asked.shared(read(cells, crowd.size), triples=order == ORDER)
        yield Row(
            crowd.name, unit, len(parts), days, tallies.units, rate, steps, sigma, seed,
            shared, joined, alone, order,
        )  # fmt: skip


def write(found: Sequence[Row], path: Path) -> None:
    """Write rows as CSV."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [item.name for item in fields(Row)])
        writer.writeheader()
        writer.writerows(asdict(row) for row in found)


def main() -> None:
    """Measure and write."""
    parser = arguments(__doc__)
    parser.add_argument("--set", choices=SETS, default="abb_ide", help="Which people.")
    parser.add_argument("--unit", choices=UNIT_ACTIONS, default="session", help="What is hidden.")
    parser.add_argument("--order", type=int, choices=(2, ORDER), default=ORDER)
    parser.add_argument("--out", type=Path, default=None, help="CSV file to write.")
    parser.add_argument("--seeds", type=int, default=len(SEEDS), help="How many fleets of a kind.")
    asked = parser.parse_args()
    crowd = load(asked.set, asked.data)
    jobs = [
        (laptops, days, seed)
        for seed in SEEDS[: asked.seeds] for laptops in LAPTOPS for days in DAYS
    ]  # fmt: skip
    found: list[Row] = []
    path = asked.out or Path(f"planning-{asked.set}-{asked.unit}.csv")
    with Progress(console=Console(stderr=True)) as progress:
        bar = progress.add_task(f"{asked.set}, {asked.unit} units", total=len(jobs))
        for job in jobs:
            found += rows(crowd, asked.unit, *job, asked.order)
            write(found, path)
            progress.advance(bar)
    Console().print(f"{len(found)} rows in {path}")


if __name__ == "__main__":
    main()
