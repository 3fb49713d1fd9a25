"""Reading a round plan: every setting checked, and the whole checked against its own profile.

A plan that laptops of its profile would refuse is refused here, before anybody is asked.
"""

import difflib
import math
import tomllib
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from deskbound_server.admission import version_key
from deskbound_server.plan import (
    COMBININGS,
    HOLDINGS,
    TRIALS,
    WEIGHINGS,
    RoundPlan,
    sample_contract,
)
from deskbound_strategies.errors import ConfigError, Refusal
from deskbound_strategies.policy import PROFILES, check_contract
from deskbound_strategies.robust import cut_at_each_end
from deskbound_strategies.server_optimizer import NAMES
from deskbound_strategies.weighing import TELLING, tells

# Least and largest value of every number; the profile then sets tighter ones.
_RANGES: dict[str, tuple[float, float]] = {
    "rounds": (1, 10_000),
    "cohort": (1, 1_000_000),
    "minimum_cohort": (2, 1_000_000),
    "enough": (0, 1_000_000),
    "deadline_seconds": (1, 30 * 86_400),
    "gather_seconds": (0, 30 * 86_400),
    "witness_seconds": (0, 86_400),
    "attempts": (1, 100),
    "unit_seconds": (1, 86_400),
    "unit_actions": (1, 4096),
    "sampling_rate": (1e-6, 1.0),
    "noise_multiplier": (1e-3, 1e3),
    "clip": (1e-6, 1e3),
    "steps": (1, 10_000),
    "divisor": (1e-3, 1e6),
    "local_learning_rate": (1e-9, 1e3),
    "server_learning_rate": (1e-9, 1e2),
    "server_momentum": (0.0, 0.9999),
    "server_second_momentum": (0.0, 0.99999),
    "server_stability": (1e-12, 1e2),
    "told_mean": (0.0, 1e9),
    "norm_bound": (0.0, 1e9),
    "trim": (0.01, 0.49),
    "held_out_margin": (0.0, 1e3),
    "held_back_in_a_row": (1, 100),
    "seed": (0, 2**31),
}
_CHOICES: dict[str, tuple[str, ...]] = {
    "profile": tuple(PROFILES),
    "unit": ("session", "day"),
    "local_optimizer": ("sgd", "adam"),
    "server_optimizer": NAMES,
    "aggregation": COMBININGS,
    "weighing": WEIGHINGS,
    "held_out": HOLDINGS,
}
# How far noise may carry each weight of a network that is tried: more than floats lose, far less
# than weights are.
_TRIAL_WALKS = (1e-5, 1e-3)
# Least and most characters of texts; of those not named here 1 and 64.
_LENGTHS = {"held_out_file": (0, 4096), "held_out_hash": (0, 64), "start_from": (0, 64)}


def load_plan(path: Path, *, any_profile: bool = False) -> RoundPlan:
    """Read and check a plan.

    Args:
        path: of the file.
        any_profile: also take a plan that laptops of its own profile would refuse, to look at it.

    Raises:
        ConfigError: naming the setting that is unknown, missing or not acceptable.
    """
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ConfigError(
            f"There is no plan {path.name}.", "Name an existing TOML file, as in run demo.toml."
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        raise ConfigError(
            f"{path.name} cannot be read as TOML.", "Write one `setting = value` a line."
        ) from None
    return plan_from(raw, path.name, any_profile=any_profile)


def plan_from(raw: dict[str, Any], name: str = "plan", *, any_profile: bool = False) -> RoundPlan:
    """Return the plan these settings describe, checked against its own profile; see ``load_plan``.

    Raises:
        ConfigError: see ``load_plan``.
    """
    known = {item.name: item for item in fields(RoundPlan)}
    for key in raw:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.0)[0]
            raise ConfigError(f"{name}: there is no setting {key!r}.", f"Did you mean {near!r}?")
    for key, item in known.items():
        if key not in raw and item.default is MISSING:
            raise ConfigError(f"{name}: {key} is not given.", f"Add a line `{key} = …`.")
    plan = RoundPlan(**{key: _value(name, key, value) for key, value in raw.items()})
    _check_whole(plan, name)
    if not any_profile:
        _check_profile(plan, name)
    return plan


def _value(name: str, key: str, value: Any) -> Any:
    if key in _CHOICES:
        if value not in _CHOICES[key]:
            options = ", ".join(_CHOICES[key])
            near = difflib.get_close_matches(str(value), _CHOICES[key], n=1, cutoff=0.0)[0]
            raise ConfigError(
                f"{name}: {key} is not acceptable.",
                f"Choose one of {options}; did you mean {near!r}?",
            )
        return value
    if key not in _RANGES:
        least, most = _LENGTHS.get(key, (1, 64))
        if not isinstance(value, str) or not value.isascii() or not least <= len(value) <= most:
            raise ConfigError(f"{name}: {key} is not acceptable.", "Give a short text in quotes.")
        return value
    low, high = _RANGES[key]
    whole = isinstance(low, int)
    number = float(value) if type(value) is int and not whole else value
    if type(number) is not (int if whole else float) or not low <= number <= high:
        kind = "a whole number" if whole else "a number"
        raise ConfigError(f"{name}: {key} is out of range.", f"Give {kind} from {low} to {high}.")
    return number


def _check_whole(plan: RoundPlan, name: str) -> None:
    if not plan.minimum_cohort <= plan.cohort:
        raise ConfigError(
            f"{name}: minimum_cohort exceeds cohort.",
            "Ask at least as many laptops as must answer.",
        )
    if plan.enough and plan.enough < plan.minimum_cohort:
        raise ConfigError(
            f"{name}: enough is below minimum_cohort.", "Give 0, or at least minimum_cohort."
        )
    if (plan.held_out == "file") != bool(plan.held_out_file):
        raise ConfigError(
            f"{name}: held_out and held_out_file do not belong together.",
            'Give held_out_file with held_out = "file", and only then.',
        )
    _check_trim(plan, name)
    _check_weighing(plan, name)
    _check_trial(plan, name)
    try:
        version_key(plan.client_version_min), version_key(plan.client_version_below)
    except ValueError:
        raise ConfigError(
            f"{name}: a client version has three numbers.", "Write it as in 0.1.0."
        ) from None


def _check_trim(plan: RoundPlan, name: str) -> None:
    """Refuse a trimmed mean that would be another one than it says, or no trimmed one at all."""
    if plan.aggregation != "trimmed-mean":
        return
    if abs(100 * plan.trim - round(100 * plan.trim)) > 1e-9:
        raise ConfigError(f"{name}: trim is no whole percentage.", "Write it as in 0.15.")
    if cut_at_each_end(plan.combining, plan.minimum_cohort) == 0:
        raise ConfigError(
            f"{name}: a trim of {plan.trim:g} leaves out nobody of {plan.minimum_cohort} replies.",
            "Raise trim or minimum_cohort, or choose another aggregation.",
        )


def _check_weighing(plan: RoundPlan, name: str) -> None:
    """Refuse to weigh where there is nothing to weigh by, or nothing that weights would do."""
    if plan.told_mean:
        raise ConfigError(
            f"{name}: told_mean is what private counts say, and no setting.", "Leave it out."
        )
    if plan.weighing == "alike":
        return
    if plan.task in TRIALS:
        raise ConfigError(
            f"{name}: a plan of task {plan.task} weighs all laptops alike.",
            'Leave weighing out, or write weighing = "alike".',
        )
    if plan.task == TELLING and not tells(sample_contract(plan)):
        raise ConfigError(
            f"{name}: counts tell how much a laptop holds where every unit is counted once.",
            'Count as plans/counts.toml does, or write weighing = "alike".',
        )
    if plan.aggregation != "mean":
        raise ConfigError(
            f"{name}: laptops are weighed where replies are averaged, and here they are not.",
            'Write aggregation = "mean", or weighing = "alike".',
        )


def _check_trial(plan: RoundPlan, name: str) -> None:
    """Refuse a trial whose noise moves the network that it tries, or is lost in rounding."""
    if plan.task not in TRIALS:
        return
    walked = 2.0 * plan.noise_multiplier * plan.clip * math.sqrt(plan.steps) / plan.divisor
    low, high = (bound / walked for bound in _TRIAL_WALKS)
    if not low <= plan.local_learning_rate <= high:
        raise ConfigError(
            f"{name}: local_learning_rate does not do for a plan that tries a model.",
            f"Give a number from {low:.1e} to {high:.1e}: figures are read relative to the noise.",
        )


def _check_profile(plan: RoundPlan, name: str) -> None:
    """Refuse here what every laptop of the plan's profile would refuse."""
    contract = sample_contract(plan)
    try:
        check_contract(
            contract,
            PROFILES[plan.profile],
            now=contract.issued,
            model_bytes=4,
            vocabulary_hash=contract.vocabulary_hash,
            client_version=plan.client_version_min,
        )
    except Refusal as refusal:
        raise ConfigError(
            f"{name}: {plan.profile} laptops would refuse this ({refusal.code.value}).",
            "Change the setting the code names, or plan for another profile.",
        ) from None
