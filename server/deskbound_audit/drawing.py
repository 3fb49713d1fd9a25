"""How the auditor's pictures look, and how they get into a page."""

import io
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

mpl.use("Agg")
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none", "font.family": "sans-serif", "axes.spines.top": False,
    "axes.spines.right": False, "axes.edgecolor": "#8a94a3", "axes.labelcolor": "#6b7685",
    "xtick.color": "#6b7685", "ytick.color": "#6b7685", "text.color": "#6b7685",
    "legend.frameon": False, "svg.hashsalt": "deskbound",
}  # fmt: skip

GREEN, GREY, BLUE, RUST = "#3d7a4f", "#9aa5b1", "#2f6fab", "#b4552d"


def svg(figure: Figure) -> str:
    """Return a figure as an ``<svg>`` element, the same text each time."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]
