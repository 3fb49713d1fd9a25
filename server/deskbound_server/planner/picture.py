"""The planner's picture: what to expect of fleets of all sizes, and where this one is."""

from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from deskbound_server.planner.expected import expected
from deskbound_server.planner.measured import MEASURED, SOURCE, Measured
from deskbound_server.planner.options import Option, signal
from deskbound_server.planner.question import Question

STYLE = {
    "svg.fonttype": "none", "font.family": "sans-serif", "axes.spines.top": False,
    "axes.spines.right": False, "axes.edgecolor": "#8a94a3", "axes.labelcolor": "#4a5563",
    "xtick.color": "#4a5563", "ytick.color": "#4a5563", "text.color": "#4a5563",
    "legend.frameon": False, "svg.hashsalt": "deskbound",
}  # fmt: skip
_GREY, _RUST = "#6b7685", "#b4552d"
_FEWEST, _MOST = 10, 100_000
_SIZES = 80


def draw(asked: Question, options: list[Option], path: Path) -> None:
    """Draw hit@1 of shared counts against the size of the fleet, a line for each epsilon.

    Args:
        asked: what was asked.
        options: one for each epsilon, the largest first.
        path: to write, .svg or .png.
    """
    mpl.use("Agg")
    found = MEASURED[asked.unit]
    with mpl.rc_context(STYLE):  # type: ignore[arg-type]
        figure = Figure(figsize=(8.6, 4.6), layout="constrained", facecolor="white")
        axis = figure.subplots()
        shades = mpl.colormaps["viridis"](np.linspace(0.15, 0.8, len(options)))
        for shade, option in zip(shades, options, strict=True):
            _line(axis, asked, option, found, shade)
        _yardsticks(axis, asked, found)
        axis.set_xscale("log")
        axis.set_xlim(*_edges(asked))
        axis.set_ylim(0.0, 0.55)
        axis.set_xlabel(f"laptops, of which {asked.participation:.0%} answer")
        axis.set_ylabel("right at the first guess")
        axis.yaxis.set_major_formatter("{x:.0%}")
        axis.xaxis.set_major_formatter("{x:,.0f}")
        axis.set_title(
            f"{asked.task}, unit {asked.unit}, {asked.units_per_day:g} a day, {asked.days} days\n"
            f"dots: {SOURCE}, moved to where signal over noise is the same; thin: beyond them",
            fontsize=9, loc="left",
        )  # fmt: skip
        axis.legend(loc="lower right", fontsize=9)
        date = {"Date": None} if path.suffix == ".svg" else None
        figure.savefig(path, metadata=date)


def _edges(asked: Question) -> tuple[int, int]:
    return min(_FEWEST, max(1, asked.laptops // 2)), max(_MOST, min(asked.laptops * 2, 10**6))


def _line(axis: Axes, asked: Question, option: Option, found: Measured, shade: np.ndarray) -> None:
    fewest, most = _edges(asked)
    sizes = np.unique(np.geomspace(fewest, most, _SIZES).round().astype(int))
    sigma = option.plan.noise_multiplier
    told = [expected(replace(asked, laptops=int(size)), sigma) for size in sizes]
    mid = np.array([one.shared.mid if one else np.nan for one in told])
    known = np.array([one is not None and not one.beyond for one in told])
    words = f"epsilon {option.epsilon:g}" + (", refused" if option.refused else "")
    axis.plot(sizes, mid, color=shade, linewidth=0.9)
    axis.plot(sizes, np.where(known, mid, np.nan), color=shade, linewidth=2.6, label=words)
    low = [one.shared.low if one else np.nan for one in told]
    high = [one.shared.high if one else np.nan for one in told]
    axis.fill_between(sizes, low, high, color=shade, alpha=0.08, linewidth=0)
    one_laptop = signal(
        asked.participation, asked.units, asked.rate, asked.steps * asked.rounds, sigma
    )
    dots = np.array([((heard / one_laptop) ** 2, hit) for heard, hit in found.points])
    inside = (dots[:, 0] >= fewest) & (dots[:, 0] <= most)
    axis.plot(*dots[inside].T, "o", color=shade, markersize=4, markeredgecolor="white")


def _yardsticks(axis: Axes, asked: Question, found: Measured) -> None:
    alone, left = found.relation.alone(asked.units), _edges(asked)[0]
    axis.axhline(alone, color=_RUST, linestyle="--", linewidth=1.2)
    axis.annotate(
        f"a laptop alone, {asked.days} days of its own", (left, alone), color=_RUST,
        fontsize=9, xytext=(4, 4), textcoords="offset points",
    )  # fmt: skip
    axis.axvline(asked.laptops, color=_GREY, linestyle=":", linewidth=1.2)
    axis.annotate(
        f"your {asked.laptops:,}", (asked.laptops, 0.52), color=_GREY, fontsize=9,
        xytext=(4, 0), textcoords="offset points",
    )  # fmt: skip
