"""What a planner is asked: a fleet, what is hidden, how much it may cost. Checked as one value."""

from dataclasses import dataclass

from deskbound_server.plan import TRIALS
from deskbound_strategies.contract import Unit
from deskbound_strategies.errors import ConfigError
from deskbound_strategies.floor import PROFILES, PolicyFloor

EPSILONS = (8.0, 4.0, 2.0, 1.0)
# Of a developer on a usual day; 18.8 on average over days with activity (abb_ide).
SESSIONS_A_DAY = 15
# A vault keeps seven days and holds the last one back to measure with; two are a weekend.
DAYS = 5
USUAL_RATE = 0.2

_RANGES: dict[str, tuple[float, float]] = {
    "laptops": (1, 1_000_000),
    "participation": (0.01, 1.0),
    "units_per_day": (1, 1000),
    "days": (1, 365),
    "rate": (1e-6, 1.0),
    "steps": (1, 10_000),
    "rounds": (1, 10_000),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked.

    Attributes:
        laptops: of the fleet, those with consent to updates.
        participation: share of them that answers a round.
        task: installed task.
        profile: of the laptops' floor.
        unit: what is hidden.
        units_per_day: of one laptop on a day with activity.
        days: with activity that a laptop has to learn from.
        epsilons: what the whole run may be charged to a day of data, at the floor's delta.
        rate: q of the contract.
        steps: of a round.
        rounds: of the run.

    Raises:
        ConfigError: naming what is out of range.
    """

    laptops: int
    participation: float
    task: str
    profile: str
    unit: Unit
    units_per_day: float
    days: int
    epsilons: tuple[float, ...]
    rate: float
    steps: int
    rounds: int

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            if not low <= getattr(self, name) <= high:
                raise ConfigError(
                    f"--{name.replace('_', '-')} is out of range.",
                    f"Give a number from {low:g} to {high:g}.",
                )
        if not self.epsilons or not all(0.01 <= one <= 100.0 for one in self.epsilons):
            raise ConfigError("--epsilon is out of range.", "Give a number from 0.01 to 100.")

    @property
    def floor(self) -> PolicyFloor:
        """The bounds of the laptops."""
        return PROFILES[self.profile]

    @property
    def units(self) -> float:
        """What one laptop learns from: units of all its days."""
        return self.units_per_day * self.days


def question(
    *,
    laptops: int,
    participation: float = 0.7,
    task: str = "action_counts",
    profile: str = "balanced",
    unit: str = "session",
    units_per_day: float | None = None,
    days: int = DAYS,
    epsilons: tuple[float, ...] = EPSILONS,
    rate: float | None = None,
    steps: int | None = None,
    rounds: int | None = None,
) -> Question:
    """Return a question, with what the floor and the task suggest where nothing was said.

    Counts take every unit, once, if the floor lets them: at the same epsilon that tells more than
    any number of samples. Else more steps with more noise tell more, so they take up to a hundred;
    a network is given its steps over several rounds.

    Raises:
        ConfigError: naming what is unknown or out of range.
    """
    if task in TRIALS:
        raise ConfigError(
            f"{task} tries a model and learns nothing, so there is nothing to foretell.",
            "Copy plans/evaluate.toml, and look at it with 'run --dry-run'.",
        )
    if profile not in PROFILES:
        raise ConfigError(
            f"There is no profile {profile!r}.", f"Choose one of {', '.join(PROFILES)}."
        )
    if unit not in ("session", "day"):
        raise ConfigError(f"There is no unit {unit!r}.", "Choose session or day.")
    if unit == "day" and units_per_day not in (None, 1):
        raise ConfigError("A day is one unit.", "Leave out --units-per-day with --unit day.")
    floor, counts = PROFILES[profile], task == "action_counts"
    once = task in floor.unsampled_tasks and rate in (None, 1.0) and steps in (None, 1)
    if once:
        rate, steps = 1.0, 1
    usual = 1.0 if unit == "day" else float(SESSIONS_A_DAY)
    return Question(
        laptops=laptops,
        participation=participation,
        task=task,
        profile=profile,
        unit="day" if unit == "day" else "session",
        units_per_day=usual if units_per_day is None else units_per_day,
        days=days,
        epsilons=tuple(sorted(set(epsilons), reverse=True)),
        rate=min(floor.sampling_max, USUAL_RATE) if rate is None else rate,
        steps=min(floor.steps_max, 100 if counts else 10) if steps is None else steps,
        rounds=(1 if counts else 20) if rounds is None else rounds,
    )
