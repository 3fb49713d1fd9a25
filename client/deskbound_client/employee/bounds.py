"""The bounds of a policy floor as people read them."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from deskbound_client.employee.words import counted, size, sure
from deskbound_strategies.floor import PolicyFloor
from deskbound_strategies.floor_order import Difference


@dataclass(frozen=True, slots=True)
class Bound:
    """One bound of the policy floor.

    Attributes:
        name: as in ``floor.toml``.
        value: as people read it.
        words: what it is for, one sentence.
    """

    name: str
    value: str
    words: str


def _number(value: float) -> str:
    if math.isinf(value):
        return "no bound"
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def _seconds(value: int) -> str:
    return counted(value, "second")


def _listed(empty: str) -> Callable[[tuple[str, ...]], str]:
    return lambda value: ", ".join(value) or empty


# What matters most comes first.
_SAID: dict[str, tuple[Callable[[Any], str], str]] = {
    "epsilon_day": (_number, "What a day may give away about one unit, ever."),
    "delta_day": (_number, "The chance that a day gives away more than that."),
    "epsilon_total": (
        _number,
        "What all days ever charged may add up to; when it is reached, no round is answered.",
    ),
    "sigma_min": (_number, "The least noise, against what one unit moves."),
    "clip_max": (_number, "The most that one unit may weigh."),
    "sampling_max": (
        lambda value: f"{100 * value:g} %", "The most of your units that a step may look at.",
    ),
    "unsampled_tasks": (
        _listed("none"), "What may look at all of them, once in a round, because it only counts.",
    ),
    "steps_max": (_number, "The most steps in a round."),
    "rounds_per_day_max": (_number, "The most rounds this laptop takes part in a day."),
    "minimum_cohort": (
        _number, "The fewest laptops a round must have for its model to be released.",
    ),
    "units": (
        lambda value: " or ".join(value) or "none",
        "What the noise hides one of: a stretch of work, or all of a day.",
    ),
    "unit_seconds_min": (_seconds, "A session may not be cut shorter; shorter ones protect less."),
    "unit_actions_min": (_number, "Nor to fewer actions."),
    "unit_actions_max": (_number, "The most actions of a session; a matter of memory."),
    "max_message_bytes": (size, "The largest model that is taken in."),
    "max_deadline_s": (_seconds, "How long a round may stay open at most."),
    "tasks": (_listed("none"), "What may be learned."),
    "vocabularies": (_listed("the installed one"), "In which words, by their published hash."),
    "witnesses": (_listed("none"), "Who may vouch that a server shows all laptops the same."),
    "witness_quorum": (_number, "How many of them must have, before anything is answered."),
    "reviewers": (_listed("none asked for"), "Whose signature the installed program must have."),
    "sandbox": (str, "Whether training needs a sandbox of the operating system."),
    "profile": (str, "Whose numbers these are; research also learns from imported days."),
}  # fmt: skip


def value_of(name: str, value: Any) -> str:
    """Return the value of a bound as people read it."""
    return _SAID[name][0](value)


def bounds(floor: PolicyFloor) -> tuple[Bound, ...]:
    """Return what a server may ask at most, in words, what matters most first."""
    sentences = {name: words for name, (_, words) in _SAID.items() if name != "profile"}
    sentences["epsilon_day"] += f" Nobody gets more than {sure(floor.epsilon_day)} sure."
    return tuple(
        Bound(name, value_of(name, getattr(floor, name)), words)
        for name, words in sentences.items()
    )


def difference_words(one: Difference) -> str:
    """Return a difference between two floors in one line."""
    old, new = value_of(one.name, one.old), value_of(one.name, one.new)
    return f"{one.name}: {old} → {new} ({'looser' if one.looser else 'tighter'})"
