"""Draw what epsilon costs: share of next actions that are right at the first guess.

    python -m benchmarks.people.picture RESULTS.csv [MORE.csv] --to docs/images/epsilon.svg

Reads what the benchmarks of people wrote with ``--append``; see ``results``. ``--only`` names the
models to draw, where not all are wanted.
"""

import argparse
from collections.abc import Iterable, Mapping
from itertools import cycle
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.people.results import Summary, Terms, read
from deskbound_server.planner.picture import STYLE

_COLOURS = (
    "#2f6db3", "#6b7685", "#2a8f6a", "#b4552d", "#7a4fa3", "#b8902a", "#222b36", "#c2418f",
    "#4aa3b5", "#8a8f2a", "#d98a8a",
)  # fmt: skip
# What needs no crowd and no privacy, from ``baselines``: (words, hit@1).
_YARDSTICKS = {
    "abb_ide": (("own Markov 2", 0.431),),
    "cyber_shell": (("own Markov 2, online", 0.360), ("the same again", 0.313)),
}
_NO_NOISE = 32.0  # where infinity stands on the axis


def draw(found: dict[Terms, Summary], crowd: str, unit: str, path: Path) -> None:
    """Draw a line for each model, over epsilon, with the spread over seeds.

    What was measured at epsilon 0 needs no crowd: a line across.

    Args:
        found: what was measured.
        crowd: which set.
        unit: what is hidden.
        path: to write, .svg or .png.

    Raises:
        SystemExit: nothing of it was measured.
    """
    lines: dict[str, list[tuple[float, Summary]]] = {}
    yardsticks = dict(_YARDSTICKS.get(crowd, ()))
    for terms, summary in found.items():
        if (terms.crowd, terms.part, terms.unit) != (crowd, "test", unit):
            continue
        if terms.epsilon == 0:
            yardsticks[terms.model] = summary.hit1.mean
        else:
            name = f"{terms.model}, units of {terms.actions}"
            lines.setdefault(name, []).append((min(terms.epsilon, _NO_NOISE), summary))
    if not lines:
        raise SystemExit(f"There are no results for {crowd} with unit {unit}.")
    mpl.use("Agg")
    with mpl.rc_context(STYLE):  # type: ignore[arg-type]
        figure = Figure(figsize=(8.6, 5.4), layout="constrained", facecolor="white")
        axis = figure.subplots()
        for colour, (name, points) in zip(cycle(_COLOURS), sorted(lines.items()), strict=False):
            _line(axis, points, name, colour)
        _yardsticks(axis, yardsticks)
        axis.set_ylim(bottom=max(0.0, axis.get_ylim()[0]))
        axis.set_xscale("log", base=2)
        ticks = sorted({place for points in lines.values() for place, _ in points})
        axis.set_xticks(ticks, ["no noise" if one == _NO_NOISE else f"{one:g}" for one in ticks])
        axis.set_xlabel(f"epsilon for one {unit}")
        axis.set_ylabel("right at the first guess")
        axis.yaxis.set_major_formatter("{x:.0%}")
        figure.legend(loc="outside lower center", ncols=2, fontsize=8)
        date = {"Date": None} if path.suffix == ".svg" else None
        figure.savefig(path, metadata=date)


def _line(axis: Axes, points: Iterable[tuple[float, Summary]], name: str, colour: str) -> None:
    places, summaries = zip(*sorted(points, key=lambda one: one[0]), strict=True)
    middle = [one.hit1.mean for one in summaries]
    spread = [one.hit1.spread or 0.0 for one in summaries]
    axis.errorbar(places, middle, spread, color=colour, marker="o", ms=4, capsize=3, label=name)


def _yardsticks(axis: Axes, heights: Mapping[str, float]) -> None:
    for words, height in heights.items():
        axis.axhline(height, color="#8a94a3", linewidth=0.9, linestyle=":")
        axis.annotate(
            words, (1.0, height), xycoords=("axes fraction", "data"), xytext=(-4, 3),
            textcoords="offset points", fontsize=8, ha="right",
        )  # fmt: skip


def main() -> None:
    """Draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("results", type=Path, nargs="+", help="Files that --append wrote.")
    parser.add_argument("--only", nargs="*", help="Models to draw.")
    parser.add_argument("--set", default="abb_ide", help="Which people.")
    parser.add_argument("--unit", default="session", help="What is hidden.")
    parser.add_argument("--to", type=Path, required=True, help="Picture to write: .svg or .png.")
    asked = parser.parse_args()
    found = {terms: one for path in asked.results for terms, one in read(path).items()}
    if asked.only:
        found = {terms: one for terms, one in found.items() if terms.model in asked.only}
    draw(found, asked.set, asked.unit, asked.to)


if __name__ == "__main__":
    main()
