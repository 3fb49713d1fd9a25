"""Renders the demo's outcome as one self-contained HTML page with pictures.

Everything on the page comes from ``summary.json``, which the demo fills from the output of
Deskbound's own commands; this module only draws.
"""

import base64
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from jinja2 import Environment, FileSystemLoader, select_autoescape
from matplotlib.figure import Figure

from demo.outcome import SCORES

mpl.use("Agg")
mpl.rcParams.update(
    {"svg.fonttype": "none", "font.family": "sans-serif", "axes.spines.top": False,
     "axes.spines.right": False, "axes.edgecolor": "#8a94a3", "axes.labelcolor": "#6b7685",
     "xtick.color": "#6b7685", "ytick.color": "#6b7685", "text.color": "#6b7685",
     "legend.frameon": False, "svg.hashsalt": "deskbound"}
)  # fmt: skip

INK, MUTED, ACCENT, WARM = "#3d7a4f", "#9aa5b1", "#2f6fab", "#b4552d"
TEMPLATE = "report.html.j2"


def write_report(summary: dict[str, Any], path: Path) -> None:
    """Write the page; ``summary`` has the shape that ``demo.story`` collects."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=select_autoescape(default=True, default_for_string=True),
    )
    pictures = {
        "utility": _utility(summary["laptops"]),
        "learning": _learning(summary["laptops"]),
        "budget": _budget(summary["laptops"], summary["floor"]["epsilon_day"]),
        "thumbnails": [_thumbnail(rows) for rows in summary["live"]["thumbnails"]],
        "live": _live(summary["live"]["actions"]),
    }
    page = environment.get_template(TEMPLATE).render(summary=summary, pictures=pictures)
    path.write_text(page, encoding="utf-8")


def _utility(laptops: Sequence[dict[str, Any]]) -> str:
    """Bars of hit@1 and hit@5 per laptop: baselines, untrained, shared and personal model."""
    figure = Figure(figsize=(8.6, 3.1), layout="constrained")
    colours = [MUTED, "#b9c2cc", "#7d8b99", "#626f7d", "#4b5763", "#e2c9b0", INK, ACCENT]
    for axis, hit in zip(figure.subplots(1, 2), ("hit1", "hit5"), strict=True):
        for offset, (name, colour) in enumerate(zip(SCORES, colours, strict=True)):
            values = [laptop["scores"][name][hit] for laptop in laptops]
            positions = np.arange(len(laptops)) + (offset - 3.5) * 0.105
            bars = axis.bar(positions, values, 0.098, color=colour, label=name)
            if name == "shared model":
                # Upright, for the bar of the personal model stands beside it and is as high.
                axis.bar_label(bars, fmt="%.2f", fontsize=7, padding=2, rotation=90)
        axis.set_xticks(range(len(laptops)), [laptop["name"] for laptop in laptops])
        axis.set_title("hit@1" if hit == "hit1" else "hit@5", fontsize=10)
        axis.set_ylim(0, min(1.0, axis.get_ylim()[1] * 1.12))
    figure.legend(
        *axis.get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=8
    )
    return _svg(figure)


def _learning(laptops: Sequence[dict[str, Any]]) -> str:
    """Lines of hit@1 on held-out days after each round, one per laptop."""
    figure = Figure(figsize=(4.2, 2.7), layout="constrained")
    axis = figure.subplots()
    for laptop, colour in zip(laptops, (INK, ACCENT, WARM), strict=False):
        curve = laptop["curve"]
        axis.plot([p["round"] for p in curve], [p["hit1"] for p in curve], color=colour,
                  marker="o", markersize=3, label=laptop["name"])  # fmt: skip
    axis.set_xlabel("round")
    axis.set_ylabel("hit@1, held-out day")
    axis.set_ylim(bottom=0)
    axis.legend(fontsize=8)
    return _svg(figure)


def _budget(laptops: Sequence[dict[str, Any]], cap: float) -> str:
    """Bars of epsilon spent per day of data, with the floor's cap."""
    figure = Figure(figsize=(4.2, 2.7), layout="constrained")
    axis = figure.subplots()
    charged = [[d for d in one["budget"]["days"] if d["rounds"]] for one in laptops]
    for index, (laptop, colour) in enumerate(zip(laptops, (INK, ACCENT, WARM), strict=False)):
        days = charged[index]
        positions = np.arange(len(days)) + (index - 1) * 0.26
        axis.bar(positions, [day["epsilon"] for day in days], 0.24, color=colour,
                 label=laptop["name"])  # fmt: skip
    axis.axhline(cap, color=WARM, linestyle="--", linewidth=1)
    axis.annotate("cap, holds however rounds are chosen", (0, cap), xytext=(0, 4),
                  textcoords="offset points", fontsize=8, color=WARM)  # fmt: skip
    most = max(map(len, charged), default=0)
    axis.set_xticks(range(most), [f"day {i + 1}" for i in range(most)])
    axis.set_ylabel("ε per session unit")
    axis.set_ylim(0, cap * 1.25)
    figure.legend(loc="outside lower center", ncols=3, fontsize=8)
    return _svg(figure)


def _live(actions: Sequence[dict[str, Any]]) -> str:
    """One lane per kind of gesture, a tick per action that was captured live."""
    figure = Figure(figsize=(8.6, 2.2), layout="constrained")
    axis = figure.subplots()
    kinds = sorted({action["kind"] for action in actions})
    start = min((action["at"] for action in actions), default=0)
    for lane, kind in enumerate(kinds):
        times = [action["at"] - start for action in actions if action["kind"] == kind]
        axis.scatter(times, [lane] * len(times), marker="|", s=160, color=INK)
    axis.set_yticks(range(len(kinds)), kinds)
    axis.set_xlabel("seconds since the first action")
    axis.set_ylim(-0.6, len(kinds) - 0.4)
    return _svg(figure)


def _thumbnail(rows: Sequence[Sequence[int]]) -> str:
    """A stored thumbnail, enlarged without smoothing, as a data URI."""
    figure = Figure(figsize=(3.2, 1.8))
    axis = figure.add_axes((0, 0, 1, 1))
    axis.imshow(np.asarray(rows), cmap="gray", interpolation="nearest", vmin=0, vmax=15)
    axis.set_axis_off()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True)
    text = buffer.getvalue()
    return text[text.index("<svg") :]
