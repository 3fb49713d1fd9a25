"""The audit's pictures, as inline SVG."""

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from deskbound_audit.attack.membership import Roc, most_allowed
from deskbound_audit.attack.results import Finding, Outcome
from deskbound_audit.drawing import BLUE, GREEN, GREY, RUST, STYLE, svg

_END = 14.0  # epsilons beyond the picture are drawn at its edge


def sandwich(outcome: Outcome) -> str:
    """Draw, for the code as installed and each planted fault, what was found beside the claim."""
    findings = (outcome.honest, *outcome.controls)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(8.6, 3.6), layout="constrained")
        axis = figure.subplots()
        for row, finding in enumerate(reversed(findings)):
            _row(axis, row, finding)
        claimed = outcome.setting.epsilon_claimed
        axis.axvline(claimed, color=RUST, linewidth=1.2)
        axis.annotate(
            f"claimed {claimed:.2f}", (claimed, len(findings) - 0.45), color=RUST, fontsize=9,
            xytext=(4, 0), textcoords="offset points",
        )  # fmt: skip
        axis.axvspan(claimed, _END + 1, color=RUST, alpha=0.06, linewidth=0)
        axis.set_yticks(range(len(findings)), [finding.name for finding in reversed(findings)])
        axis.set_ylim(-0.6, len(findings) - 0.1)
        axis.set_xlim(0, _END + 0.4)
        axis.set_xlabel(f"lower bounds of ε for one unit, at δ = {outcome.setting.delta:g}")
        figure.legend(
            *axis.get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=8
        )
        return svg(figure)


def _row(axis: Axes, row: int, finding: Finding) -> None:
    marks = (
        ("guesses, any mechanism (one run)", finding.one_run.epsilon, "o", GREEN),
        ("guesses, if sampled Gaussian (f-DP)", finding.epsilon_fdp, "s", BLUE),
        ("noise as measured", finding.epsilon_measured, "D", GREY),
    )
    first = finding.name == "as released"
    for name, value, mark, colour in marks:
        if value is None:
            continue
        beyond = not value < _END
        axis.plot(
            _END if beyond else value, row, ">" if beyond else mark, color=colour, markersize=7,
            label=name if first else None, clip_on=False,
        )  # fmt: skip


def curves(outcome: Outcome) -> str:
    """Draw who was found at which price in false alarms, on logarithmic axes, and what may be."""
    low = 1.0 / max(50, outcome.members)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(8.6, 3.4), layout="constrained")
        left, right = figure.subplots(1, 2)
        honest = {"as released": outcome.honest.roc, "noise off": outcome.controls[0].roc}
        for axis, title, found in (
            (left, "canaries", honest),
            (right, "units of made-up work", outcome.membership),
        ):
            _curves(axis, found, low)
            _allowed(axis, outcome, low)
            axis.set_title(title, fontsize=10)
        left.set_ylabel("share of members found")
        figure.legend(
            *right.get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=8
        )
        return svg(figure)


def _curves(axis: Axes, found: Mapping[str, Roc], low: float) -> None:
    for (name, roc), colour in zip(found.items(), (GREEN, RUST), strict=False):
        alarms, hits = np.maximum(roc.false_alarms, low), np.maximum(roc.found, low)
        axis.plot(alarms, hits, color=colour, drawstyle="steps-post", label=name)
    axis.plot([low, 1], [low, 1], color=GREY, linestyle=":", linewidth=1, label="guessing")
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xlim(low, 1)
    axis.set_ylim(low, 1.1)
    axis.set_xlabel("share of others taken for members")


def _allowed(axis: Axes, outcome: Outcome, low: float) -> None:
    alarms = np.geomspace(low, 1.0, 200)
    setting = outcome.setting
    most = [most_allowed(a, setting.epsilon_claimed, setting.delta) for a in alarms]
    axis.plot(alarms, most, color=BLUE, linestyle="--", linewidth=1, label="most that ε allows")
