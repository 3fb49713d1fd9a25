"""A plan as the commented file that ``deskbound-server run`` takes. Pure."""

from collections.abc import Sequence
from dataclasses import fields

from deskbound_server.plan import RoundPlan

# All settings but ``held_out_hash`` and ``told_mean``, which are filled in when a run begins.
_SECTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("", ("task", "profile")),
    (
        "rounds",
        ("rounds", "cohort", "minimum_cohort", "enough", "deadline_seconds", "gather_seconds",
         "witness_seconds", "attempts"),
    ),
    (
        "privacy: what a laptop does before anything leaves it",
        ("unit", "unit_seconds", "unit_actions", "sampling_rate", "noise_multiplier", "clip",
         "steps", "divisor"),
    ),
    (
        "learning",
        ("local_optimizer", "local_learning_rate", "server_optimizer", "server_learning_rate",
         "server_momentum", "server_second_momentum", "server_stability", "aggregation", "trim",
         "weighing", "norm_bound", "held_out", "held_out_file", "held_out_margin",
         "held_back_in_a_row", "seed", "start_from"),
    ),
    ("who may take part", ("client_version_min", "client_version_below")),
)  # fmt: skip
_WORDS = {
    "profile": "of the laptops' policy floors",
    "cohort": "laptops asked: all there are",
    "minimum_cohort": "fewer admitted replies: nothing is released",
    "deadline_seconds": "time a laptop has to answer",
    "gather_seconds": "time to wait for laptops to connect, before anybody is asked",
    "attempts": "tries of a round; laptops pay for each one anew",
    "unit": "what is hidden",
    "sampling_rate": "q, probability of each unit in each step",
    "noise_multiplier": "sigma",
    "clip": "C, bound of each unit's part",
    "divisor": "public constant that the noisy sum is divided by",
    "held_out": "what a model is tried on before it is released",
    "seed": "of the first model",
    "start_from": 'or "counts": to begin with released ones measured better',
}
_WIDTH, _COLUMN = 98, 33


def as_toml(plan: RoundPlan, head: Sequence[str] = ()) -> str:
    """Return the file's text.

    Args:
        plan: every setting that has not its usual value is written.
        head: lines of a comment that comes first.
    """
    usual = {item.name: item.default for item in fields(RoundPlan)}
    lines = [f"# {line}".rstrip() for line in head]
    for title, names in _SECTIONS:
        told = [
            _line(name, getattr(plan, name))
            for name in names
            if getattr(plan, name) != usual[name] or name in _words_for(plan.task)
        ]
        if told:
            lines += ["", *([f"# --- {title} ".ljust(_WIDTH, "-")] if title else []), *told]
    return "\n".join(lines) + "\n"


def _words_for(task: str) -> set[str]:
    """Return the settings that are written also where they are as usual."""
    return set(_WORDS) if task == "next_action" else set(_WORDS) - {"start_from"}


def _line(name: str, value: str | float) -> str:
    text = f'{name} = "{value}"' if isinstance(value, str) else f"{name} = {value!r}"
    words = _WORDS.get(name)
    return f"{text.ljust(_COLUMN - 2)}  # {words}" if words else text
