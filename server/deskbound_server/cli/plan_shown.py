"""What ``deskbound-server plan`` shows: a table for people, a dictionary for programs."""

import math
import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from deskbound_server.cli.common import table_of
from deskbound_server.planner.advice import Caution
from deskbound_server.planner.expected import Expected, Range, expected
from deskbound_server.planner.measured import SOURCE
from deskbound_server.planner.options import FEW, Option, cohort
from deskbound_server.planner.question import Question
from deskbound_server.words import byte_words, takes_words

_COMMENT = 96  # characters of a line in a plan's file
_NOTHING_LEFT = 100.0  # an epsilon above it bounds nothing


def expected_of(asked: Question, option: Option) -> Expected | None:
    """Return what is expected of an option."""
    return expected(asked, option.plan.noise_multiplier)


def as_dict(asked: Question, options: Sequence[Option], told: Sequence[Caution]) -> dict[str, Any]:
    """Return it for a program."""
    return {
        "asked": asdict(asked),
        "delta": asked.floor.delta_day,
        "cohort": asdict(cohort(asked)),
        "options": [_option(asked, one) for one in options],
        "warnings": [asdict(one) for one in told],
    }


def _option(asked: Question, one: Option) -> dict[str, Any]:
    foreseen = expected_of(asked, one)
    return {
        "epsilon": one.epsilon,
        "sigma": one.plan.noise_multiplier,
        "epsilon_charged": _number(one.charged),
        "epsilon_run": _number(one.epsilon_run),
        "refused": list(one.refused),
        "rounds_affordable": one.affordable,
        "units_together": [
            {"units": group.units, "epsilon": _number(group.epsilon), "at_least": group.at_least}
            for group in one.groups
        ],
        "bytes": asdict(one.dry.traffic),
        "noise_seconds": one.noise_seconds,
        "least_seconds": one.dry.least_seconds,
        "least_days": one.dry.least_days(math.floor(cohort(asked).expected)),
        "expected": None if foreseen is None else asdict(foreseen),
        "plan": asdict(one.plan),
    }


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def rendered(asked: Question, options: Sequence[Option], told: Sequence[Caution]) -> RenderableType:
    """Return it for a person, at most 80 columns wide."""
    parts: list[RenderableType] = [_head(asked, options[0]), Text(), _table(asked, options), Text()]
    parts += [_caution(one) for one in told]
    return Group(*parts, *([Text()] if told else []), _facts(asked, options))


def _head(asked: Question, first: Option) -> Table:
    who, plan, moved = cohort(asked), first.plan, first.dry.traffic
    days = first.dry.least_days(math.floor(who.expected))
    takes = f"{first.dry.least_seconds} s at least" + (f", on {days} days" if days > 1 else "")
    fleet = (
        f"{asked.laptops:,} laptops, about {who.expected:,.0f} answer, in 99 of 100 rounds "
        f"{who.low:,} or more; {who.needed} must"
    )
    terms = (
        f"{asked.task}, profile {asked.profile}, "
        f"{plan.rounds} round{'' if plan.rounds == 1 else 's'}, "
        f"{takes_words(plan.sampling_rate, plan.steps)}"
    )
    does = (
        f"receives {byte_words(moved.down * plan.rounds)}, sends "
        f"{byte_words(moved.up * plan.rounds)} in all, draws noise for "
        f"{first.noise_seconds:.1f} s a round"
    )
    table = Table.grid(padding=(0, 2))
    for name, words in (
        ("fleet", fleet),
        ("data", f"{asked.units_per_day:g} {asked.unit} units a day, {asked.days} days"),
        ("plan", terms),
        ("a laptop", does),
        ("takes", takes),
    ):
        table.add_row(name, words)
    return table


def _table(asked: Question, options: Sequence[Option]) -> Table:
    together = [f"{group.units} units" for group in options[0].groups]
    table = table_of(
        "epsilon", "sigma", "PRV", "day spent after", "right at 1st", "own gain", *together
    )
    for one in options:
        foreseen = expected_of(asked, one)
        rounds = one.dry.own.rounds
        table.add_row(
            f"{one.epsilon:g}",
            f"{one.plan.noise_multiplier:g}",
            f"{one.epsilon_run:.2f}",
            "refused" if one.refused else f"{rounds:,} rounds" if rounds != 1 else "1 round",
            "not measured" if foreseen is None else _percent(foreseen.shared),
            "" if foreseen is None else _points(foreseen.gain),
            *(_bound(group.epsilon, at_least=group.at_least) for group in one.groups),
        )
    return table


def _percent(found: Range) -> str:
    return f"{100 * found.low:.0f}-{100 * found.high:.0f} %"


def _points(found: Range) -> str:
    return f"{100 * found.low:+.1f}..{100 * found.high:+.1f}"


def _bound(epsilon: float, *, at_least: bool) -> str:
    if epsilon > _NOTHING_LEFT:
        return "none"
    return f"{'over ' if at_least else ''}{epsilon:.3g}"


def _caution(one: Caution) -> Text:
    told = Text("! ", "bold yellow").append(one.words, "default")
    for mend in one.mends:
        told.append(f"\n  {mend}", "default")
    return told


def _facts(asked: Question, options: Sequence[Option]) -> Text:
    lines = [
        (
            "epsilon: what the run takes of a day of data, by the laptops' filter, which holds for "
            "any server; PRV: composed numerically, as if fixed in advance. Both for one "
            f"{asked.unit}, add or remove one, delta {asked.floor.delta_day:g}. "
            f"{FEW} units of a person, and all of a usual day, are bounded as the run is."
        )
    ]
    foreseen = [found for one in options if (found := expected_of(asked, one)) is not None]
    if not foreseen:
        return Text("\n".join([*lines, _UNMEASURED]))
    lines.append(
        "right at 1st: next actions that shared counts guess at once. A laptop's own counts of "
        f"{asked.days} days, which nobody else sees, guess {foreseen[0].alone:.0%}; own gain: "
        "points that these gain from the shared ones."
    )
    lines.append(f"Measured: {SOURCE}; nine of ten left-out fleets lay in such ranges.")
    beyond = dict.fromkeys(words for one in foreseen for words in one.beyond)
    if beyond:
        lines.append(f"Beyond what was measured, and so a guess: {'; '.join(beyond)}.")
    return Text("\n".join(lines))


_UNMEASURED = (
    "What this task learns under noise was measured for one fleet, so no utility is foretold: 119 "
    "laptops adding noise each, sessions of at most 64 actions, 200 rounds of a network of 27,000 "
    "weights that private counts taught: 41 % right at the first guess at epsilon 4 and 36 % at 1 "
    "(PRV, the counts included), 44 % without noise; counts alone at that cost 38 and 34 %. "
    'So plan action_counts first, and begin with it: start_from = "counts".'
)


def head_of(asked: Question, option: Option) -> list[str]:
    """Return the comment at the head of a plan's file."""
    delta = asked.floor.delta_day
    words = (
        f"For {asked.laptops} laptops of profile {asked.profile}, {asked.participation:.0%} of "
        "which answer; made by deskbound-server plan. The run takes epsilon "
        f"{option.charged:.4g} of a day of data, by the laptops' filter, for one {asked.unit}, add "
        f"or remove one, at delta {delta:g}; {option.epsilon_run:.4g} composed numerically."
    )
    foreseen = expected_of(asked, option)
    if foreseen is not None:
        words += (
            f" Expected right at the first guess: {_percent(foreseen.shared)}; a laptop's own "
            f"counts of {asked.days} days {foreseen.alone:.0%}."
        )
    return textwrap.wrap(words, _COMMENT)
