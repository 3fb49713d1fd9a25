"""What was measured, one line for each seed, in a file that tables and the picture are made of.

Long tables are filled over days: a benchmark that is given ``--append FILE`` adds its lines there
as soon as it has them.
"""

import argparse
import csv
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from statistics import mean, stdev

from benchmarks.people.counting import Score


@dataclass(frozen=True, slots=True, order=True)
class Terms:
    """What a line is of.

    Attributes:
        crowd: name of the set.
        part: what was guessed: ``test`` or ``validation``.
        unit: what is hidden.
        actions: most actions of a unit.
        model: what guessed.
        epsilon: for one unit; inf without noise.
    """

    crowd: str
    part: str
    unit: str
    actions: int
    model: str
    epsilon: float

    @classmethod
    def of(cls, told: Mapping[str, str]) -> "Terms":
        """Read them off a row of text.

        Raises:
            ValueError, KeyError: they are not there.
        """
        return cls(
            told["crowd"], told["part"], told["unit"], int(told["actions"]), told["model"],
            float(told["epsilon"]),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Figures:
    """Mean of a figure and its spread over seeds; without a spread there is one seed."""

    mean: float
    spread: float | None

    @classmethod
    def of(cls, values: Iterable[float]) -> "Figures":
        """Sum up one figure of some seeds."""
        every = list(values)
        return cls(mean(every), stdev(every) if len(every) > 1 else None)

    def __str__(self) -> str:
        """Return both in words."""
        return f"{self.mean:.3f}" + ("" if self.spread is None else f" ± {self.spread:.3f}")


@dataclass(frozen=True, slots=True)
class Summary:
    """Figures of all seeds of one line of a table."""

    seeds: int
    hit1: Figures
    hit5: Figures
    mrr: Figures

    @classmethod
    def of(cls, scores: Iterable[Score]) -> "Summary":
        """Sum up at least one seed."""
        every = list(scores)
        return cls(
            len(every),
            Figures.of(one.hit1 for one in every),
            Figures.of(one.hit5 for one in every),
            Figures.of(one.mrr for one in every),
        )

    @property
    def cells(self) -> tuple[str, str, str]:
        """The three figures in words."""
        return str(self.hit1), str(self.hit5), str(self.mrr)


def options(parser: argparse.ArgumentParser) -> None:
    """Add what a benchmark is asked that adds lines to a file."""
    parser.add_argument("--validate", action="store_true", help="Guess a part of the training.")
    told = "Add what is measured to this file, line by line."
    parser.add_argument("--append", type=Path, help=told)


def part_of(asked: argparse.Namespace) -> str:
    """Return which part of the events is guessed."""
    return "validation" if asked.validate else "test"


_TERMS = [one.name for one in fields(Terms)]
_SCORE = [one.name for one in fields(Score)]
_COLUMNS = [*_TERMS, "seed", *_SCORE]


def append(path: Path | None, terms: Terms, seed: int, score: Score) -> None:
    """Add a line to a file, if there is one to be added to."""
    if path is None:
        return
    fresh = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, _COLUMNS, lineterminator="\n")
        if fresh:
            writer.writeheader()
        told = {name: f"{value:.5f}" for name, value in asdict(score).items()}
        writer.writerow(asdict(terms) | {"seed": seed} | told | {"positions": score.positions})


def read(path: Path) -> dict[Terms, Summary]:
    """Return all lines of a file, summed up over seeds; of one seed the last line counts.

    Raises:
        OSError: it cannot be read.
        ValueError, KeyError: it is not such a file.
    """
    found: dict[Terms, dict[int, Score]] = {}
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            score = Score(
                int(row["positions"]), float(row["hit1"]), float(row["hit5"]), float(row["mrr"])
            )
            found.setdefault(Terms.of(row), {})[int(row["seed"])] = score
    return {terms: Summary.of(seeds.values()) for terms, seeds in sorted(found.items())}
