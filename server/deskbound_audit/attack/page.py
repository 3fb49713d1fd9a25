"""An audit's outcome for programs (JSON), for a terminal (a table) and for people (a page)."""

import math
from collections.abc import Iterator
from typing import Any

from jinja2 import Environment, PackageLoader, select_autoescape
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from deskbound_audit.attack.membership import LOW, Roc
from deskbound_audit.attack.results import Finding, Outcome

TEMPLATE = "attack.html.j2"


def as_json(outcome: Outcome) -> dict[str, Any]:
    """Return the outcome as JSON values; an epsilon without bound is null."""
    setting, asked = outcome.setting, outcome.setting.contract
    return {
        "passed": not outcome.honest.faults and not outcome.missed,
        "trainer": outcome.trainer,
        "seed": outcome.seed,
        "claim": {
            "unit": asked.unit,
            "adjacency": "add or remove one unit",
            "delta": setting.delta,
            "epsilon_prv": setting.epsilon_claimed,
            "epsilon_filter": setting.epsilon_filter,
            "epsilon_cap": setting.epsilon_cap,
        },
        "contract": {
            "task": asked.task,
            "sampling_rate": asked.sampling_rate,
            "noise_multiplier": asked.noise_multiplier,
            "clip": asked.clip,
            "steps": asked.steps,
            "rounds": setting.rounds,
            "dimension": setting.dimension,
        },
        "as_released": _finding(outcome.honest),
        "controls": [_finding(control) for control in outcome.controls],
        "missed": list(outcome.missed),
        "membership": {
            "units": outcome.members,
            **{name: _roc(roc) for name, roc in outcome.membership.items()},
        },
        "inversion": {
            "units": outcome.inverted,
            "prior": outcome.prior,
            "ways": [
                {"name": one.name, "in_order": one.order, "words_auc": one.words}
                for one in outcome.inversions
            ],
        },
    }


def _finding(finding: Finding) -> dict[str, Any]:
    run = finding.one_run
    return {
        "name": finding.name,
        "epsilon_lower": run.epsilon,
        "confidence": run.confidence,
        "canaries": run.canaries,
        "guesses": run.guesses,
        "correct": run.correct,
        "epsilon_lower_at_most": run.ceiling,
        "epsilon_lower_fdp": finding.epsilon_fdp,
        "sigma_measured": finding.sigma,
        "epsilon_of_measured_noise": _finite(finding.epsilon_measured),
        "guessed_seed": finding.guessed_seed,
        "pairs_of_equal_noise": finding.alike,
        "clipped": finding.clipped,
        **_roc(finding.roc),
        "faults": list(finding.faults),
    }


def _roc(roc: Roc) -> dict[str, Any]:
    return {"auc": roc.area, f"tpr_at_fpr_{LOW:g}": roc.found_at_low}


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def as_table(outcome: Outcome) -> RenderableType:
    """Return the outcome as a table of at most 80 columns with the words it needs."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column("", width=1)
    table.add_column("what was run", no_wrap=True)
    for name in ("ε ≥", "f-DP", "noise", "claim", "AUC", ""):
        table.add_column(name, justify="left" if not name else "right", no_wrap=True)
    for finding in (outcome.honest, *outcome.controls):
        table.add_row(*_row(finding, planted=finding is not outcome.honest))
    return Group(table, *(Text(line) for line in _notes(outcome)))


def _row(finding: Finding, *, planted: bool) -> tuple[RenderableType, ...]:
    good = bool(finding.faults) == planted
    words = {(True, True): "caught", (True, False): "not above it"}
    return (
        Text("✓", style="bold green") if good else Text("✗", style="bold red"),
        Text(finding.name),
        f"{finding.one_run.epsilon:.2f}",
        shown(finding.epsilon_fdp),
        shown(finding.epsilon_measured),
        f"{finding.claimed:.2f}",
        f"{finding.roc.area:.2f}",
        Text(words.get((good, planted), "missed" if planted else "above it")),
    )


def _notes(outcome: Outcome) -> Iterator[str]:
    setting, run = outcome.setting, outcome.honest.one_run
    asked = setting.contract
    yield f"  ε for one {asked.unit}, add/remove one, at delta {setting.delta:g};"
    yield (
        f"  {setting.rounds} rounds, q {asked.sampling_rate:g}, sigma "
        f"{asked.noise_multiplier:g}, C {asked.clip:g}; the claim is the PRV accountant's."
    )
    yield f"  The filter vouches for {setting.epsilon_filter:.2f}, cap {setting.epsilon_cap:g}."
    yield f"  ε ≥: by guesses, {run.confidence:.0%} sure; at most {run.ceiling:.2f} can be shown"
    yield f"  with {run.canaries} canaries."
    yield "  f-DP: the same guesses, noise: its size; both if it is a sampled Gaussian."
    yield "  Members among units of made-up work, and found at 1 % false alarms:"
    for name, roc in outcome.membership.items():
        yield f"    {name}: AUC {roc.area:.2f}, {roc.found_at_low:.0%}"
    yield "  Actions read out of the update of one unit, in order:"
    for one in outcome.inversions:
        yield f"    {one.name}: {one.order:.0%}"
    for fault in outcome.honest.faults:
        yield f"✗ {fault}"


def shown(value: float | None) -> str:
    """Return an epsilon as a short text."""
    if value is None:
        return "-"
    return f"{value:.2f}" if math.isfinite(value) else "∞"


def as_page(outcome: Outcome) -> str:
    """Return one HTML page with its pictures, which needs nothing from anywhere."""
    from deskbound_audit.attack import pictures  # noqa: PLC0415 - matplotlib takes a second

    environment = Environment(
        loader=PackageLoader("deskbound_audit", "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
    )
    return environment.get_template(TEMPLATE).render(
        outcome=outcome,
        findings=(outcome.honest, *outcome.controls),
        shown=shown,
        sandwich=pictures.sandwich(outcome),
        curves=pictures.curves(outcome),
    )
