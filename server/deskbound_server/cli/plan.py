"""``deskbound-server plan``: what follows from a fleet and an epsilon, before there is a server."""

from pathlib import Path
from typing import Annotated

import typer

from deskbound_server.cli.common import AsJson, console, print_json
from deskbound_server.cli.dry_run import task_of
from deskbound_server.cli.plan_shown import as_dict, head_of, rendered
from deskbound_server.planner import advice
from deskbound_server.planner.options import Option, cohort, option
from deskbound_server.planner.plan_toml import as_toml
from deskbound_server.planner.question import DAYS, SESSIONS_A_DAY, Question, question
from deskbound_strategies.errors import ConfigError, NotFoundError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(plan)


def plan(
    laptops: Annotated[int, typer.Option(help="Laptops of the fleet.")],
    participation: Annotated[float, typer.Option(help="Share of them that answers a round.")] = 0.7,
    epsilon: Annotated[
        list[float] | None,
        typer.Option(
            help="What the run may take of a day of data, by the laptops' filter. "
            "May be repeated; the default is 8, 4, 2 and 1."
        ),
    ] = None,
    task: Annotated[str, typer.Option(help="An installed task.")] = "action_counts",
    profile: Annotated[str, typer.Option(help="Of the laptops' policy floors.")] = "balanced",
    unit: Annotated[str, typer.Option(help="What is hidden: session or day.")] = "session",
    units_per_day: Annotated[
        float | None,
        typer.Option(help=f"Units of a laptop on a day; {SESSIONS_A_DAY} sessions by default."),
    ] = None,
    days: Annotated[int, typer.Option(help="Days of data that a laptop learns from.")] = DAYS,
    rate: Annotated[
        float | None,
        typer.Option(help="q; 1 for counts, else 0.2, or less if the floor says so."),
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Steps of a round.")] = None,
    rounds: Annotated[int | None, typer.Option(help="Rounds of the run.")] = None,
    write: Annotated[
        Path | None, typer.Option(help="Write the plan here, for 'run'; needs one --epsilon.")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(help="Draw what to expect of fleets of all sizes: .svg or .png.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Work out noise, cohort and cost for a fleet, and what to expect, with warnings in words.

    Needs no server. Privacy figures come from the accountants that laptops decide with, utility
    from measurements of other people's work (docs/planning.md), with the range of their error.

    Example: deskbound-server plan --laptops 120 --epsilon 4 --write plan.toml
    """
    asked = question(
        laptops=laptops,
        participation=participation,
        task=task,
        profile=profile,
        unit=unit,
        units_per_day=units_per_day,
        days=days,
        rate=rate,
        steps=steps,
        rounds=rounds,
        **({"epsilons": tuple(epsilon)} if epsilon else {}),
    )
    if write is not None:
        _check_write(asked, write)
    if picture is not None:
        _check_picture(asked, picture)
    installed = task_of(task)
    found = [one for each in asked.epsilons if (one := option(asked, each, installed)) is not None]
    if not found:
        raise ConfigError(
            advice.cautions(asked, [])[-1].words, "Ask for a larger --epsilon or fewer --steps."
        )
    told = advice.cautions(asked, found)
    if write is not None:
        _write(asked, found[0], write)
    if picture is not None:
        from deskbound_server.planner.picture import draw  # noqa: PLC0415 - matplotlib: a second

        draw(asked, found, picture)
    if as_json:
        print_json(as_dict(asked, found, told))
        return
    console.print(rendered(asked, found, told))
    for path in (write, picture):
        if path is not None:
            console.print(f"Wrote [bold]{path}[/].")


def _check_write(asked: Question, path: Path) -> None:
    if len(asked.epsilons) != 1:
        raise ConfigError("A plan has one epsilon.", "Name it, as in --epsilon 4 --write plan.toml")
    if path.exists():
        raise ConfigError(f"{path.name} is there already.", "Name another file, or remove it.")
    _check_folder(path)


def _check_picture(asked: Question, path: Path) -> None:
    import importlib.util  # noqa: PLC0415 - only here

    if path.suffix not in (".svg", ".png"):
        raise ConfigError(f"{path.name} is no name of a picture.", "End it in .svg or .png.")
    if asked.task != "action_counts":
        raise ConfigError(
            f"What {asked.task} learns under noise was not measured, so there is nothing to draw.",
            "Draw for action_counts.",
        )
    _check_folder(path)
    if importlib.util.find_spec("matplotlib") is None:
        raise NotFoundError(
            "matplotlib is not installed here, and pictures are drawn with it.",
            "Install it: pip install 'deskbound-server[report]'.",
        )


def _check_folder(path: Path) -> None:
    if not path.parent.is_dir():
        raise NotFoundError(f"There is no folder {path.parent}.", "Make it, or name another one.")


def _write(asked: Question, chosen: Option, path: Path) -> None:
    if chosen.refused:
        raise ConfigError(
            f"Laptops of profile {asked.profile} would refuse this plan: {chosen.why_refused}.",
            "Change what is named, or plan for another profile.",
        )
    needed = cohort(asked).needed
    if asked.laptops < needed:
        raise ConfigError(
            f"A fleet of {asked.laptops} never has the {needed} replies that profile "
            f"{asked.profile} asks for.",
            "Plan for a larger fleet or another profile.",
        )
    path.write_text(as_toml(chosen.plan, head_of(asked, chosen)), encoding="utf-8")
