"""How the pages say things: times, counts, codes, the settings of a plan. Pure."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from deskbound_server.admission import AdmissionCode
from deskbound_server.compare_words import in_range
from deskbound_server.plan import RoundPlan
from deskbound_server.words import byte_words, moment
from deskbound_strategies.combining import combining_words
from deskbound_strategies.dp_fedavg import ReplyFault
from deskbound_strategies.errors import RefusalCode
from deskbound_strategies.refusal_words import REFUSED

REJECTED: dict[str, str] = {
    AdmissionCode.OTHER_CONTRACT: "Answers another contract than this round's.",
    AdmissionCode.CLIENT_VERSION: "Comes from a client outside the contract's versions.",
    AdmissionCode.RECEIPT: "Has no receipt that counts on from this laptop's last one in the log.",
    AdmissionCode.SHAPE: "Does not have the task's layout.",
    AdmissionCode.NOT_FINITE: "Holds NaN or infinity.",
    AdmissionCode.NORM: "Is larger than the norm bound.",
    ReplyFault.FOREIGN: "Came from a laptop that was not asked.",
    ReplyFault.DUPLICATE: "Came twice.",
    ReplyFault.MALFORMED: "Is not a reply at all, or too large to be one.",
    ReplyFault.LATE: "Came after the deadline.",
}
STATES = {
    "queued": ("", "queued"),
    "running": ("on", "running"),
    "finished": ("on", "finished"),
    "failed": ("bad", "failed"),
    "stopped": ("warn", "stopped"),
    "interrupted": ("bad", "interrupted"),
    "open": ("", "open"),
    "released": ("on", "released"),
    "held-back": ("warn", "held back"),
    "abandoned": ("", "abandoned"),
}
_UNKNOWN = "A code that this version does not know."


def code_words(code: str) -> str:
    """Return what a code of a refusal or a rejection means."""
    if code in REJECTED:
        return REJECTED[code]
    try:
        return REFUSED[RefusalCode(code)]
    except ValueError:
        return _UNKNOWN


def seconds_words(seconds: float) -> str:
    """Return a length of time in its two largest units."""
    left = max(0, round(seconds))
    if left < 60:
        return f"{left} s"
    if left < 3600:
        return f"{left // 60} min {left % 60} s"
    if left < 86_400:
        return f"{left // 3600} h {left % 3600 // 60} min"
    return f"{left // 86_400} d {left % 86_400 // 3600} h"


def plan_words(plan: RoundPlan) -> list[tuple[str, str]]:
    """Return the settings of a plan in sentences, each with what it is about."""
    return [
        ("Laptops", _asked(plan)),
        ("Time", _time(plan)),
        ("Privacy", _privacy(plan)),
        ("Learning", _learning(plan)),
        ("Before a release", _tried(plan)),
    ]


def _asked(plan: RoundPlan) -> str:
    return (
        f"{plan.cohort} of those connected are asked in each of {plan.rounds} rounds; fewer than "
        f"{plan.minimum_cohort} replies that count release nothing."
    )


def _time(plan: RoundPlan) -> str:
    waits = f"until {plan.enough} replies count" if plan.enough else "for all of them"
    return (
        f"A round waits {waits}, at most {seconds_words(plan.deadline_seconds)}; it is tried up to "
        f"{plan.attempts} times, and laptops pay for each."
    )


def _privacy(plan: RoundPlan) -> str:
    takes = f"each {plan.unit} with probability {plan.sampling_rate:g}"
    if plan.sampling_rate == 1.0:
        takes = f"every {plan.unit}"
    when = "In one step" if plan.steps == 1 else f"In each of {plan.steps} steps"
    return (
        f"Profile {plan.profile}. {when} a laptop takes {takes}, clips it to {plan.clip:g} and "
        f"adds noise of {plan.noise_multiplier:g} times that."
    )


def _learning(plan: RoundPlan) -> str:
    taken = combining_words(plan.combining, plan.told_mean)
    return (
        f"Task {plan.task}; laptops learn with {plan.local_optimizer} at "
        f"{plan.local_learning_rate:g}. The server takes {taken}, and applies it with "
        f"{plan.server_optimizer} at {plan.server_learning_rate:g}."
    )


def _tried(plan: RoundPlan) -> str:
    if plan.held_out == "none":
        return "A model is tried on nothing; only weights that are not finite are held back."
    what = "made-up days" if plan.held_out == "generated" else "a file of public activity"
    return (
        f"Each model is tried on {what}, and held back if it is worse than the last by more than "
        f"{plan.held_out_margin:g} nats a unit; after {plan.held_back_in_a_row} in a row the run "
        "gives up."
    )


def settings_of(plan: RoundPlan) -> dict[str, Any]:
    """Return all settings of a plan by name."""
    return asdict(plan)


def badge(state: str) -> tuple[str, str]:
    """Return the class and the words of a state's badge."""
    return STATES.get(state, ("", state))


FILTERS: dict[str, Callable[..., Any]] = {
    "badge": badge,
    "bytes": byte_words,
    "code_words": code_words,
    "in_range": in_range,
    "lasting": seconds_words,
    "moment": moment,
}
