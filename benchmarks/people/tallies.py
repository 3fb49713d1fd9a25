"""People's units counted as the task ``action_counts`` counts them, and released under noise.

Done for all laptops at once; a test holds this against the client's own training.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from benchmarks.people.sets import Crowd, Person, Whole
from deskbound_client.learn.trainer import SGD_MOMENTUM
from deskbound_strategies import recents, sketch
from deskbound_strategies.accounting import SampledGaussian, epsilon_prv
from deskbound_strategies.contract import Unit
from deskbound_strategies.units import units
from deskbound_strategies.vocabulary import GAP_UNKNOWN, Action

DELTA = 1e-6
EPSILONS = (8.0, 4.0, 2.0, 1.0)
# As in ``plans/counts.toml``, but for the noise.
RATE, STEPS, CLIP = 1.0, 1, 1.0
Kind = Unit | Literal["person"]
UNIT_SECONDS = 600
UNIT_ACTIONS: dict[Kind, int] = {"session": 256, "day": 1024, "person": 0}

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
    kind: Kind,
    clip: float = CLIP,
    most: int = 0,
    *,
    again: bool = True,
) -> Tallies:
    """Cut people's events into units and count them.

    Args:
        crowd: whose vocabulary it is.
        people: what is counted.
        kind: of unit; ``person`` is one that no laptop of the product cuts.
        clip: C.
        most: actions of a unit, or as usual.
        again: count what was used lately, too.
    """
    cut = [list(_cut(person, kind, most or UNIT_ACTIONS[kind])) for person in people]
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


def _cut(person: Person, kind: Kind, most: int) -> Iterator[Whole]:
    if kind == "person":
        yield person.tokens
        return
    for day in days(person):
        yield from (one.tokens for one in units(day, kind, UNIT_SECONDS, most))


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
    shares: Floats | None = None,
) -> Floats:
    """Return (cells,) what the server's mean adds up to, up to a public factor.

    Args:
        tallies: of all units.
        sigma: noise multiplier.
        rng: samples units and draws noise.
        rate: q, of each step.
        steps: of the round.
        shares: (laptops,) how much each one's noised counts weigh, or all alike.
    """
    # The local optimizer's momentum makes early steps count up to twice.
    left = np.arange(steps, 0, -1)
    early = (1 - SGD_MOMENTUM**left) / (1 - SGD_MOMENTUM)
    times = sum(weight * (rng.random(tallies.units) < rate) for weight in early)
    each = np.ones(tallies.laptops) if shares is None else shares
    noise = sigma * CLIP * np.linalg.norm(each) * np.linalg.norm(early)
    cells = tallies.summed(np.asarray(times) * each[tallies.owner])
    return cells + rng.normal(0.0, noise, tallies.cells)


def sigma_for(epsilon: float, rate: float = RATE, steps: int = STEPS) -> float:
    """Return the noise with which all steps cost so much."""

    def over(sigma: float) -> float:
        return epsilon_prv([SampledGaussian(rate, sigma, steps)], DELTA) - epsilon

    return float(brentq(over, 0.4, 40.0, xtol=1e-3))


def read(cells: Floats, actions: int) -> sketch.Counts:
    """Return what released cells say."""
    pairs = actions + actions**2
    return sketch.read(*np.split(cells, [actions, pairs, pairs + sketch.CELLS]))
