"""What ``deskbound-server run PLAN --dry-run`` shows: terms, costs and laptops; nothing is sent."""

from dataclasses import asdict
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from deskbound_server.cli.common import open_database, table_of
from deskbound_server.dry_run import MOST_ROUNDS, DryRun, Verdict, examine
from deskbound_server.home import ServerHome
from deskbound_server.lineage import start_of
from deskbound_server.model_store import ModelStore
from deskbound_server.plan import RoundPlan
from deskbound_server.presence import Laptops, count_laptops
from deskbound_server.starting import settled_start
from deskbound_server.words import byte_words, takes_words
from deskbound_strategies.contract import TOLD
from deskbound_strategies.errors import ConfigError, NotFoundError, Refusal
from deskbound_strategies.task import Task, find_task

DAY_SECONDS = 86_400


def dry_run(home: ServerHome, plan: RoundPlan) -> tuple[DryRun, Laptops]:
    """Work out what a plan would ask, and look who is there to be asked.

    Raises:
        ConfigError: its task is not installed here, or it tries a model and names none.
        NotFoundError: there is a server here, and no such model as it begins with.
    """
    task = task_of(plan.task)
    try:
        home.check()
    except NotFoundError:
        return examine(plan, task), Laptops()
    with open_database(home) as database:
        plan = settled_start(plan, database, ModelStore(home.models))
        releases, start = tuple(database.named_releases()), start_of(database, plan)
        laptops = count_laptops(home, database)
    return examine(plan, task, releases, start=start), laptops


def task_of(name: str) -> Task:
    """Return an installed task.

    Raises:
        ConfigError: when it is not installed here.
    """
    try:
        return find_task(name)
    except Refusal:
        raise ConfigError(
            f"The task {name!r} is not installed here.", "Install it, or name another task."
        ) from None


def as_dict(found: DryRun, laptops: Laptops) -> dict[str, Any]:
    """Return it for a program."""
    rounds, cohort = found.plan.rounds, found.plan.cohort
    per_laptop = {name: count * rounds for name, count in asdict(found.traffic).items()}
    return {
        "plan": asdict(found.plan),
        "releases": list(found.releases),
        "start": asdict(found.start),
        "refused_by_all": found.refused_by_all,
        "profiles": [asdict(verdict) for verdict in found.verdicts],
        "bytes": {
            "laptop_round": asdict(found.traffic),
            "laptop_run": per_laptop,
            "fleet_run": {name: count * cohort for name, count in per_laptop.items()},
        },
        "laptops": asdict(laptops),
        "least_seconds": found.least_seconds,
        "least_days": found.least_days(laptops.enrolled),
    }


def rendered(found: DryRun, laptops: Laptops) -> RenderableType:
    """Return it for a person, at most 80 columns wide."""
    parts: list[RenderableType] = []
    if found.refused_by_all:
        parts.append(Text("No laptop would take part: every profile refuses this plan.", "bold"))
    elif found.own.broken:
        parts.append(Text(f"Laptops of its own profile, {found.plan.profile}, refuse it.", "bold"))
    parts += [_terms(found), Text(), _costs(found.verdicts), *_refusals(found.verdicts), Text()]
    return Group(*parts, _facts(found, laptops))


def _terms(found: DryRun) -> Table:
    plan = found.plan
    unit = f"{plan.unit}, at most {plan.unit_actions} actions"
    if plan.unit == "session":
        unit = f"{plan.unit}, at most {plan.unit_seconds} s and {plan.unit_actions} actions"
    privacy = (
        f"{takes_words(plan.sampling_rate, plan.steps)}, sigma {plan.noise_multiplier:g}, "
        f"clip {plan.clip:g}, divisor {plan.divisor:g}"
    )
    releases = ", ".join(name[:12] for name in found.releases) or "none named"
    table = Table.grid(padding=(0, 2))
    for name, words in (
        ("Each laptop is asked", f"task {plan.task}, {_times(plan.rounds)}"),
        ("unit", unit),
        ("privacy", privacy),
        ("deadline", f"{plan.deadline_seconds} s"),
        ("begins with", found.start.words(plan.task)),
        ("laptops count", _weighing(plan)),
        ("cohort", f"{plan.cohort} asked, {plan.minimum_cohort} must count"),
        ("reviewed releases", releases),
    ):  # fmt: skip
        table.add_row(name, words)
    return table


def _weighing(plan: RoundPlan) -> str:
    if plan.weighing == "alike":
        return "alike"
    if plan.combining == TOLD:
        return "by what they tell in the round itself, at no cost"
    told = f"{plan.told_mean:.3g} clips on average" if plan.told_mean else "once there are any"
    return f"by their private counts ({told}), at no cost"


def _costs(verdicts: tuple[Verdict, ...]) -> Table:
    columns = "floor", "takes part", "delta", "a round is charged", "the run", "day spent after"
    table = table_of(*columns)
    for one in verdicts:
        spent = _times(one.rounds) if one.rounds < MOST_ROUNDS else f"over {MOST_ROUNDS} rounds"
        table.add_row(
            one.profile,
            "no" if one.broken else "yes",
            f"{one.delta:g}",
            f"epsilon {one.epsilon_charged:.3g}",
            f"epsilon {one.epsilon_run:.3g}",
            "-" if one.broken else spent,
        )
    return table


def _refusals(verdicts: tuple[Verdict, ...]) -> list[Text]:
    return [
        Text(f"{one.profile} refuses ({broken.code}): {broken.words}.")
        for one in verdicts
        for broken in one.broken
    ]


def _facts(found: DryRun, laptops: Laptops) -> RenderableType:
    plan, traffic = found.plan, found.traffic
    down, up = traffic.down, traffic.up
    epsilon = (
        "Epsilon is of one unit of a day, add or remove one. A round is charged what the filter of "
        "the laptops takes for it, which holds for any server; the run is composed numerically "
        "(PRV), as if its rounds were fixed beforehand."
    )
    moved = (
        f"Each laptop receives {byte_words(down)} and a proof of some KB a round, and sends "
        f"{byte_words(up)}; in the whole run {byte_words(down * plan.rounds)} and "
        f"{byte_words(up * plan.rounds)}."
    )
    takes = (
        f"The run takes at least {found.least_seconds} s, for laptops ask every three seconds; "
        f"a round at most {plan.deadline_seconds} s a try."
    )
    lines = [epsilon, moved, takes]
    days = found.least_days(laptops.enrolled)
    if days > 1:
        lines.append(
            f"A laptop of profile {plan.profile} takes part in {found.own.rounds_per_day} rounds "
            f"a day at most, so the run needs {days} days."
        )
    lines.append(_present(laptops, plan.minimum_cohort))
    lines.append("Nothing was sent and nothing was logged.")
    return Text("\n".join(lines))


def _present(laptops: Laptops, wanted: int) -> str:
    if laptops.enrolled is None:
        return "There is no server here yet, so no laptop is enrolled."
    if laptops.online is None:
        return f"{laptops.enrolled} laptops are enrolled; the server is not up."
    short = "" if laptops.online >= wanted else f", {wanted} are needed"
    return f"{laptops.enrolled} laptops are enrolled, {laptops.online} are online now{short}."


def _times(rounds: int) -> str:
    return "1 round" if rounds == 1 else f"{rounds} rounds"
