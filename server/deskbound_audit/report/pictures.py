"""The report's pictures, as inline SVG: of the whole fleet, never of one laptop."""

from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from deskbound_audit.drawing import BLUE, GREEN, GREY, RUST, STYLE, svg

MOST_BARS = 120  # more rounds than that are a line


def days(day: dict[str, Any]) -> str:
    """Draw how many charged days gave away how much, and the cap."""

    def draw(axis: Axes) -> None:
        edges, counts = day["histogram"]["edges"], day["histogram"]["counts"]
        axis.bar(edges[:-1], counts, np.diff(edges), align="edge", color=GREEN, edgecolor="white")
        if day["cap"] is not None:
            axis.axvline(day["cap"], color=RUST, linestyle="--", linewidth=1.2)
            axis.annotate(
                f"cap {day['cap']:g}", (day["cap"], max(counts)), color=RUST, fontsize=9,
                xytext=(-4, 0), textcoords="offset points", ha="right", va="top",
            )  # fmt: skip
        axis.set_xlabel(f"ε that the filter vouches for, at δ = {day['delta']:g}")
        axis.set_ylabel("days of data")
        axis.set_xlim(0, edges[-1] * 1.04)
        axis.yaxis.set_major_locator(MaxNLocator(integer=True))

    return _drawn(draw)


def rounds(part: dict[str, Any]) -> str:
    """Draw how many laptops answered each round, in the log's order, and how many were needed."""

    def draw(axis: Axes) -> None:
        found = part["rounds"]
        places = np.arange(1, len(found) + 1)
        receipts = [row["receipts"] for row in found]
        if len(found) <= MOST_BARS:
            colours = [GREEN if row["released"] else GREY for row in found]
            axis.bar(places, receipts, 0.8, color=colours)
        else:
            axis.plot(places, receipts, color=GREEN, linewidth=1)
        needed = [row["minimum_cohort"] for row in found]
        axis.step(places, needed, where="mid", color=BLUE, linestyle="--", linewidth=1.2)
        axis.annotate(
            "minimum cohort", (places[0], needed[0]), color=BLUE, fontsize=9,
            xytext=(0, 4), textcoords="offset points",
        )  # fmt: skip
        axis.set_xlabel("contracts, in the order of the log")
        axis.set_ylabel("receipts")
        axis.set_ylim(0, max(1, *receipts, *needed) * 1.18)
        for scale in (axis.xaxis, axis.yaxis):
            scale.set_major_locator(MaxNLocator(integer=True))

    return _drawn(draw)


def refusals(told: dict[str, Any]) -> str:
    """Draw how often each reason was given."""
    codes = told["codes"][::-1]

    def draw(axis: Axes) -> None:
        bars = axis.barh(
            [row["code"] for row in codes], [row["times"] for row in codes], color=GREY
        )
        axis.bar_label(bars, fmt="{:,.0f}", padding=3, fontsize=9)
        axis.set_xlabel("times refused, all laptops together")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))

    return _drawn(draw, height=1.0 + 0.34 * len(codes))


def _drawn(draw: Callable[[Axes], None], height: float = 2.8) -> str:
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(8.6, height), layout="constrained")
        draw(figure.subplots())
        return svg(figure)
