"""The relation that ``deskbound-server plan`` goes by, fitted to what ``planning`` measured.

    python -m benchmarks.people.planning_fit FILE ... [--against FILE ...]

Prints the constants of ``deskbound_server.planner.measured`` and how well they foretell what was
left out: each fleet size in turn, and each number of days in turn; plans with other q and steps,
and the files named with ``--against``, are never fitted to.
"""

import argparse
import csv
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import get_type_hints

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.optimize import least_squares

from benchmarks.people.planning import Row
from benchmarks.people.tallies import RATE, STEPS
from deskbound_server.planner.options import signal
from deskbound_server.planner.relation import Relation

POINTS = 12  # of the picture
WITHIN = 0.9  # share of what was left out that the range of a figure is to hold
_SHARED = ("ceiling", "units_half", "signal_half", "steepness", "drowned")
_OWN = ("own_ceiling", "own_half", "power")
_GAIN = ("worth", "own_worth", "loss_below")
_START = {
    "ceiling": 0.42, "units_half": 60.0, "signal_half": 150.0, "steepness": 0.7, "drowned": 20.0,
       "own_ceiling": 0.5, "own_half": 5.0, "power": 0.5,
    "worth": 0.3, "own_worth": 100.0, "loss_below": 0.1,
}  # fmt: skip

Floats = NDArray[np.float64]


def rows_of(paths: Sequence[Path]) -> list[Row]:
    """Read rows that ``planning`` wrote."""
    kinds = get_type_hints(Row)
    found = []
    for path in paths:
        with path.open(newline="", encoding="utf-8") as file:
            raws = list(csv.DictReader(file))
        found += [Row(**{name: kinds[name](text) for name, text in raw.items()}) for raw in raws]
    return found


def signal_of(row: Row) -> float:
    """Return a row's signal; infinity without noise."""
    if row.sigma == 0.0:
        return math.inf
    return signal(row.laptops, row.units / row.laptops, row.rate, row.steps, row.sigma)


def fitted(rows: Sequence[Row]) -> Relation:
    """Return the relation that fits best, by least squares of hit@1, part by part."""
    found = dict(_START)

    def fit(names: Sequence[str], part: str) -> None:
        def off(logs: Floats) -> Floats:
            guess = Relation(**(found | dict(zip(names, np.exp(logs).tolist(), strict=True))))
            return errors(guess, rows, part)

        start = np.log([found[one] for one in names])
        best = least_squares(off, start, bounds=(start - 5, start + 5))
        found.update(zip(names, np.exp(best.x).tolist(), strict=True))

    fit(_SHARED, "shared")
    fit(_OWN, "alone")
    fit(_GAIN, "gain")
    return Relation(**found)


def shared(relation: Relation, row: Row) -> float:
    """Return what the relation foretells of shared counts."""
    return relation.shared(row.units, signal_of(row))


def alone(relation: Relation, row: Row) -> float:
    """Return what it foretells of own counts."""
    return relation.alone(row.units / row.laptops)


def gain(relation: Relation, row: Row) -> float:
    """Return what it foretells that a laptop gains, from a fleet's numbers alone."""
    return relation.gain(shared(relation, row), row.units / row.laptops)


def gained(row: Row) -> float:
    """Return what laptops gained."""
    return row.joined - row.alone


_PARTS: dict[
    str, tuple[Callable[[Relation, Row], float], Callable[[Row], float]]
] = {
    "shared": (shared, lambda row: row.hit1),
    "alone": (alone, lambda row: row.alone),
    "gain": (gain, gained),
}  # fmt: skip


def errors(relation: Relation, rows: Sequence[Row], part: str) -> Floats:
    """Return how far off the relation is, by row: foretold less measured."""
    foretold, found = _PARTS[part]
    return np.array([foretold(relation, row) - found(row) for row in rows])


def left_out(rows: Sequence[Row], key: Callable[[Row], int], part: str) -> Floats:
    """Return errors for rows of each key, foretold from those of all others."""
    found = []
    for one in sorted({key(row) for row in rows}):
        relation = fitted([row for row in rows if key(row) != one])
        found.append(errors(relation, [row for row in rows if key(row) == one], part))
    return np.concatenate(found)


def table(rows: Sequence[Row], against: Sequence[Row]) -> tuple[Relation, Table]:
    """Return the relation of all rows with the usual q and steps, and its errors."""
    usual = [row for row in rows if (row.rate, row.steps) == (RATE, STEPS)]
    others = [row for row in rows if row not in usual]
    relation = fitted(usual)
    told = Table(title=f"{len(usual)} rows; hit@1 foretold less measured")
    for name in ("left out", "figure", "rows", "mean", "mean absolute", f"{WITHIN:.0%} within"):
        told.add_column(name, justify="right")
    for part in _PARTS:
        for name, off in (
            ("nothing", errors(relation, usual, part)),
            ("each fleet size", left_out(usual, lambda row: row.laptops, part)),
            ("each number of days", left_out(usual, lambda row: row.days, part)),
            ("other q and steps", errors(relation, others, part)),
            ("other people", errors(relation, against, part)),
        ):
            if len(off):
                numbers = (off.mean(), np.abs(off).mean(), np.quantile(np.abs(off), WITHIN))
                told.add_row(name, part, str(len(off)), *(f"{one:.3f}" for one in numbers))
    return relation, told


def constants(relation: Relation, rows: Sequence[Row]) -> str:
    """Return what ``measured.py`` says of a unit, as source text."""
    usual = [row for row in rows if (row.rate, row.steps) == (RATE, STEPS)]
    within = {
        part: np.quantile(np.abs(left_out(usual, lambda row: row.laptops, part)), WITHIN)
        for part in ("shared", "gain")
    }
    own = [row.units / row.laptops for row in rows]
    noised = [row for row in usual if row.sigma]
    heard = np.array([signal_of(row) for row in noised])
    edges = np.geomspace(heard.min(), heard.max() * 1.001, POINTS + 1)
    points = []
    for low, high in pairwise(edges):
        here = (heard >= low) & (heard < high)
        if here.any():
            hit = np.mean([row.hit1 for row, one in zip(noised, here, strict=True) if one])
            middle = float(np.exp(np.log(heard[here]).mean()))
            points.append((float(f"{middle:.3g}"), round(float(hit), 3)))
    lines = [f"{name}={value:.4g}," for name, value in asdict(relation).items()]
    lines += [f"{part}_within={value:.3f}," for part, value in within.items()]
    lines += [
        f"laptops=({min(row.laptops for row in rows)}, {max(row.laptops for row in rows)}),",
        f"units=({min(own):.0f}, {max(own):.0f}),",
        f"signals=({max(1.0, heard.min()):.0f}, {heard.max():.0f}),",
        f"points={tuple(points)},",
    ]
    return "\n".join(lines)


def main() -> None:
    """Print constants and errors."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", type=Path, nargs="+", help="What planning wrote, of one unit.")
    parser.add_argument("--against", type=Path, nargs="*", default=[], help="Other people.")
    asked = parser.parse_args()
    rows = rows_of(asked.files)
    relation, told = table(rows, rows_of(asked.against))
    Console().print(told)
    Console(highlight=False).print(constants(relation, rows))


if __name__ == "__main__":
    main()
