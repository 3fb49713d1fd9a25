"""Which of two policy floors is the tighter one.

A floor is *tighter* than another when every contract that it admits the other admits as well, at
any time and for any model, and when the worst it allows is no worse: epsilon and delta of a day,
and the sum over days. It is *looser* in a bound where that cannot be said of the bound alone.

Keys are compared with care: to name other witnesses or reviewers counts as looser, also where the
new list is a part of the old one, because who vouches for a server is a matter of trust and not of
number. Only where none were asked for before, to ask for any is tighter.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from deskbound_strategies.floor import RESEARCH, PolicyFloor

Within = Callable[[PolicyFloor, PolicyFloor], bool]


@dataclass(frozen=True, slots=True)
class Difference:
    """One bound in which a floor differs from another.

    Attributes:
        name: of the bound.
        old: its value there.
        new: its value here.
        looser: whether this alone keeps the new floor from being tighter.
    """

    name: str
    old: Any
    new: Any
    looser: bool


def _at_least(name: str) -> Within:
    return lambda new, old: bool(getattr(new, name) >= getattr(old, name))


def _at_most(name: str) -> Within:
    return lambda new, old: bool(getattr(new, name) <= getattr(old, name))


def _part_of(name: str) -> Within:
    return lambda new, old: set(getattr(new, name)) <= set(getattr(old, name))


def _profile(new: PolicyFloor, old: PolicyFloor) -> bool:
    """Only ``research`` has a meaning of its own: imported days are learned from there."""
    return new.profile != RESEARCH or old.profile == RESEARCH


def _vocabularies(new: PolicyFloor, old: PolicyFloor) -> bool:
    """An empty list stands for whatever is installed, so any list is part of it."""
    if not old.vocabularies:
        return True
    return bool(new.vocabularies) and set(new.vocabularies) <= set(old.vocabularies)


def _witnesses(new: PolicyFloor, old: PolicyFloor) -> bool:
    return old.witness_quorum == 0 or set(new.witnesses) == set(old.witnesses)


def _reviewers(new: PolicyFloor, old: PolicyFloor) -> bool:
    return not old.reviewers or set(new.reviewers) == set(old.reviewers)


def _sandbox(new: PolicyFloor, old: PolicyFloor) -> bool:
    return new.sandbox == "required" or old.sandbox == "wanted"


_WITHIN: dict[str, Within] = {
    "profile": _profile,
    "sigma_min": _at_least("sigma_min"),
    "clip_max": _at_most("clip_max"),
    "sampling_max": _at_most("sampling_max"),
    "steps_max": _at_most("steps_max"),
    "rounds_per_day_max": _at_most("rounds_per_day_max"),
    "epsilon_day": _at_most("epsilon_day"),
    "delta_day": _at_most("delta_day"),
    "epsilon_total": _at_most("epsilon_total"),
    "minimum_cohort": _at_least("minimum_cohort"),
    "units": _part_of("units"),
    "unit_seconds_min": _at_least("unit_seconds_min"),
    "unit_actions_min": _at_least("unit_actions_min"),
    "unit_actions_max": _at_most("unit_actions_max"),
    "max_message_bytes": _at_most("max_message_bytes"),
    "max_deadline_s": _at_most("max_deadline_s"),
    "tasks": _part_of("tasks"),
    "unsampled_tasks": _part_of("unsampled_tasks"),
    "vocabularies": _vocabularies,
    "witnesses": _witnesses,
    "witness_quorum": _at_least("witness_quorum"),
    "reviewers": _reviewers,
    "sandbox": _sandbox,
}


def is_tighter(new: PolicyFloor, old: PolicyFloor) -> bool:
    """Return whether ``new`` admits nothing that ``old`` does not; a floor is so to itself."""
    return all(within(new, old) for within in _WITHIN.values())


def differences(new: PolicyFloor, old: PolicyFloor) -> tuple[Difference, ...]:
    """Return the bounds in which the floors differ, in the order of their declaration."""
    names = [item.name for item in fields(PolicyFloor)]
    return tuple(
        Difference(name, getattr(old, name), getattr(new, name), not _WITHIN[name](new, old))
        for name in names
        if getattr(new, name) != getattr(old, name)
    )
