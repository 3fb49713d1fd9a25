"""The policy floor: what a server may ask of this laptop at most, whatever a contract says.

It is a local file of public numbers, shown to the employee. A profile names a set of bounds; a
file may name a profile and override single bounds. The vocabulary of refusals depends on contract,
floor and clock alone, never on data: what budget is left is ``budget.py``'s business, and a laptop
that has none stays silent.
"""

import difflib
import hashlib
import math
import re
import tomllib
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

from deskbound_strategies.accounting import Cap, RdpCurve, admits, event_of, round_cost
from deskbound_strategies.canonical import canonical_bytes
from deskbound_strategies.contract import RoundContract, Unit
from deskbound_strategies.errors import ConfigError, Refusal, RefusalCode
from deskbound_strategies.mechanism import Lattice

Profile = Literal["strict", "balanced", "research", "custom"]
CLOCK_SKEW = 300  # seconds a contract may be dated ahead of this laptop's clock
BYTES_PER_WEIGHT = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyFloor:
    """Bounds of a contract; see ``describe`` for what they mean together.

    Attributes:
        profile: whose numbers these are; ``custom`` once a bound was overridden.
        sigma_min: least noise multiplier.
        clip_max: largest clipping norm C.
        sampling_max: largest sampling rate q.
        steps_max: most steps in a round.
        rounds_per_day_max: most rounds this laptop takes part in per UTC day.
        epsilon_day: what a day of data may give away about one unit, ever, at ``delta_day``.
        delta_day: see ``epsilon_day``.
        epsilon_total: bound of the sum over all days of what each gave away; ``inf`` for none.
        minimum_cohort: least ``minimum_cohort`` a contract may state.
        units: privacy units a contract may choose.
        unit_seconds_min: shortest limit of a session, seconds; shorter sessions protect less.
        unit_actions_min: lowest limit of actions in a session.
        unit_actions_max: highest, a matter of memory.
        max_message_bytes: most bytes of weights in a message.
        max_deadline_s: furthest deadline from now, seconds.
        tasks: names of tasks that may run.
        vocabularies: vocabulary hashes that may be trained on; empty for the installed one.
    """

    profile: Profile
    sigma_min: float
    clip_max: float
    sampling_max: float
    steps_max: int
    rounds_per_day_max: int
    epsilon_day: float
    delta_day: float
    epsilon_total: float
    minimum_cohort: int
    units: tuple[Unit, ...] = ("session", "day")
    unit_seconds_min: int = 600
    unit_actions_min: int = 256
    unit_actions_max: int = 1024
    max_message_bytes: int = 8_000_000
    max_deadline_s: int = 86_400
    tasks: tuple[str, ...] = ("next_action",)
    vocabularies: tuple[str, ...] = ()

    @property
    def cap(self) -> Cap:
        """What one day of data may give away about one unit, ever."""
        return Cap(self.epsilon_day, self.delta_day)

    def digest(self) -> str:
        """Return SHA-256 (hex) of all bounds: the floor's name in ledgers."""
        values = asdict(self)
        values["epsilon_total"] = str(self.epsilon_total)
        return hashlib.sha256(canonical_bytes(values)).hexdigest()


PROFILES: dict[str, PolicyFloor] = {
    "strict": PolicyFloor(
        profile="strict", sigma_min=2.0, clip_max=1.0, sampling_max=0.1, steps_max=50,
        rounds_per_day_max=2, epsilon_day=2.0, delta_day=1e-6, epsilon_total=500.0,
        minimum_cohort=10,
    ),
    "balanced": PolicyFloor(
        profile="balanced", sigma_min=1.0, clip_max=1.0, sampling_max=0.2, steps_max=100,
        rounds_per_day_max=4, epsilon_day=4.0, delta_day=1e-6, epsilon_total=math.inf,
        minimum_cohort=10,
    ),
    "research": PolicyFloor(
        profile="research", sigma_min=0.5, clip_max=4.0, sampling_max=0.5, steps_max=500,
        rounds_per_day_max=1000, epsilon_day=10.0, delta_day=1e-5, epsilon_total=math.inf,
        minimum_cohort=2, unit_seconds_min=60, unit_actions_min=16,
    ),
}  # fmt: skip
DEFAULT = PROFILES["balanced"]

# Least and largest value a file may give; nobody passes a number that undoes the guarantee.
_RANGES: dict[str, tuple[float, float]] = {
    "sigma_min": (0.3, 100.0),
    "clip_max": (1e-6, 1e3),
    "sampling_max": (1e-6, 0.5),
    "steps_max": (1, 10_000),
    "rounds_per_day_max": (1, 10_000),
    "epsilon_day": (0.01, 10.0),
    "delta_day": (1e-12, 1e-4),
    "epsilon_total": (0.01, math.inf),
    "minimum_cohort": (2, 1_000_000),
    "unit_seconds_min": (1, 86_400),
    "unit_actions_min": (1, 4096),
    "unit_actions_max": (1, 4096),
    "max_message_bytes": (1024, 64_000_000),
    "max_deadline_s": (60, 30 * 86_400),
}
_HASH = re.compile(r"[0-9a-f]{64}")
_TASK = re.compile(r"[a-z0-9_.-]{1,64}")
_LISTS: dict[str, tuple[Callable[[str], object], str]] = {
    "units": (re.compile("session|day").fullmatch, 'names of units, "session" or "day"'),
    "tasks": (_TASK.fullmatch, "names of tasks"),
    "vocabularies": (_HASH.fullmatch, "hashes of 64 hex digits"),
}


def load_floor(path: Path) -> PolicyFloor:
    """Read a floor from a TOML file; a missing file means the ``balanced`` profile.

    Raises:
        ConfigError: when the file is not TOML, or a key or value is not acceptable.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return DEFAULT
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        raise ConfigError(
            f"{path.name} cannot be read as TOML.", "Write one `bound = value` a line."
        ) from None
    return floor_from(raw, path.name)


def floor_from(raw: dict[str, Any], name: str = "floor.toml") -> PolicyFloor:
    """Return the floor that these keys and values describe.

    Raises:
        ConfigError: naming the key that is unknown, or whose value is not acceptable.
    """
    known = [item.name for item in fields(PolicyFloor)]
    for key in raw:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.0)[0]
            raise ConfigError(f"{name}: there is no bound {key!r}.", f"Did you mean {near!r}?")
    profile = raw.get("profile", DEFAULT.profile)
    if not isinstance(profile, str) or profile not in PROFILES:
        names = ", ".join(PROFILES)
        raise ConfigError(f"{name}: there is no such profile.", f"Choose one of {names}.")
    base = PROFILES[profile]
    bounds = {key: _value(name, key, raw[key]) for key in raw if key != "profile"}
    changed = {key: value for key, value in bounds.items() if value != getattr(base, key)}
    floor = replace(base, **changed, profile="custom") if changed else base
    if floor.unit_actions_min > floor.unit_actions_max:
        raise ConfigError(
            f"{name}: unit_actions_min exceeds unit_actions_max.", "Give them the other way round."
        )
    return floor


def _value(name: str, key: str, value: Any) -> Any:
    if key in _LISTS:
        accepts, what = _LISTS[key]
        texts = isinstance(value, list) and all(isinstance(item, str) for item in value)
        if not texts or not all(accepts(item) for item in value):
            raise ConfigError(f"{name}: {key} is not acceptable.", f"Give a list of {what}.")
        return tuple(value)
    low, high = _RANGES[key]
    whole = isinstance(getattr(DEFAULT, key), int)
    if type(value) is int and not whole:
        value = float(value)
    if type(value) is not (int if whole else float) or not low <= value <= high:
        kind = "a whole number" if whole else "a number"
        raise ConfigError(
            f"{name}: {key} is out of range.", f"Give {kind} from {low:g} to {high:g}."
        )
    return value


def check_contract(
    contract: RoundContract,
    floor: PolicyFloor,
    *,
    now: float,
    model_bytes: int,
    vocabulary_hash: str,
    client_version: str,
) -> None:
    """Check a contract against the floor, in a fixed order.

    Nothing here depends on what a laptop holds or did before, so every code may travel. Rounds per
    day are counted where budget is reserved.

    Args:
        contract: as signed.
        floor: of this laptop.
        now: Unix seconds.
        model_bytes: length of the encoded weights sent along.
        vocabulary_hash: of the installed vocabulary.
        client_version: of the installed client, ``major.minor.patch``.

    Raises:
        Refusal: with the code of the first bound that is broken.
    """
    _check_form(contract, floor, now, model_bytes, client_version)
    accepted = floor.vocabularies or (vocabulary_hash,)
    same = contract.vocabulary_hash == vocabulary_hash and vocabulary_hash in accepted
    actions = floor.unit_actions_min <= contract.unit_actions <= floor.unit_actions_max
    long_enough = contract.unit == "day" or contract.unit_seconds >= floor.unit_seconds_min
    _refuse_unless(
        (contract.task in floor.tasks, RefusalCode.TASK_UNKNOWN),
        (same, RefusalCode.VOCABULARY_MISMATCH),
        (contract.unit in floor.units and actions and long_enough, RefusalCode.UNIT_NOT_ALLOWED),
        (contract.noise_multiplier >= floor.sigma_min, RefusalCode.SIGMA_TOO_LOW),
        (contract.clip <= floor.clip_max, RefusalCode.CLIP_TOO_HIGH),
        (contract.sampling_rate <= floor.sampling_max, RefusalCode.SAMPLING_TOO_HIGH),
        (contract.steps <= floor.steps_max, RefusalCode.STEPS_TOO_MANY),
        (contract.minimum_cohort >= floor.minimum_cohort, RefusalCode.COHORT_TOO_SMALL),
    )
    lattice_for(contract, max(1, model_bytes // BYTES_PER_WEIGHT))
    affordable = admits(RdpCurve(), round_cost(contract), floor.cap, steps=contract.steps)
    _refuse_unless((affordable, RefusalCode.EPSILON_TOO_HIGH))


def _check_form(
    contract: RoundContract, floor: PolicyFloor, now: float, model_bytes: int, client_version: str
) -> None:
    oldest, newest = contract.client_version_min, contract.client_version_below
    runs = _version(oldest) <= _version(client_version) < _version(newest)
    dated = contract.issued <= now + CLOCK_SKEW and contract.issued < contract.deadline
    _refuse_unless(
        (contract.steps >= 1 and contract.round >= 1, RefusalCode.CONTRACT_MALFORMED),
        (re.fullmatch("[0-9a-f]{32}", contract.run) is not None, RefusalCode.CONTRACT_MALFORMED),
        (dated and now < contract.deadline, RefusalCode.CONTRACT_EXPIRED),
        (contract.deadline <= now + floor.max_deadline_s, RefusalCode.DEADLINE_TOO_FAR),
        (runs, RefusalCode.CLIENT_VERSION),
        (model_bytes <= floor.max_message_bytes, RefusalCode.MESSAGE_TOO_LARGE),
    )


def _refuse_unless(*conditions: tuple[bool, RefusalCode]) -> None:
    for holds, code in conditions:
        if not holds:
            raise Refusal(code)


def _version(text: str) -> tuple[int, ...]:
    if not re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,4}){2}", text):
        raise Refusal(RefusalCode.CONTRACT_MALFORMED)
    return tuple(int(part) for part in text.split("."))


def lattice_for(contract: RoundContract, dimension: int) -> Lattice:
    """Return the lattice a contract's noise is drawn on for a model of so many coordinates.

    Raises:
        Refusal: ``contract-malformed`` when no lattice fits, e.g. for absurd noise multipliers.
    """
    try:
        event_of(contract)
        return Lattice(contract.clip, dimension, contract.noise_multiplier)
    except (ValueError, OverflowError):
        raise Refusal(RefusalCode.CONTRACT_MALFORMED) from None


def describe(floor: PolicyFloor) -> str:
    """Return the worst case in words, for people who never heard of epsilon."""
    sure = 100 / (1 + math.exp(-floor.epsilon_day))
    shown = f"{sure:.1f}" if sure < 99.5 else f"{sure:.3f}"
    total = "no bound over all days"
    if math.isfinite(floor.epsilon_total):
        total = f"at most {floor.epsilon_total:g} summed over all days"
    guarantee = (
        f"Profile {floor.profile}: epsilon {floor.epsilon_day:g} at delta {floor.delta_day:g} "
        f"for each unit ({' or '.join(floor.units)}) of a day of data, for ever; {total}."
    )
    worst = (
        "Worst case: somebody who controls the server and every other laptop, knows all you do "
        f"except one unit, and holds that unit for as likely as not, ends up at most {shown} % "
        f"sure of it - except with probability {floor.delta_day:g}."
    )
    lines = [guarantee, worst, "A day of many units together is protected less than one of them."]
    if floor.profile == "research" or floor.epsilon_day > PROFILES["balanced"].epsilon_day:
        lines.append("Bounds this loose are for demonstration and simulation only.")
    return "\n".join(lines)
