"""``deskbound-server simulate``: a plan tried on virtual laptops, before anybody is asked."""

import json
import os
import time
from pathlib import Path
from typing import Annotated, Any, Self

import typer
from rich.console import Group, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from deskbound_server.cli.common import AsJson, console, print_json, table_of
from deskbound_server.home import write_private
from deskbound_server.lineage import COUNTS_TASK
from deskbound_server.plan_file import load_plan
from deskbound_server.simulation import GENERATED, Simulation, find_simulator
from deskbound_server.words import byte_words, codes
from deskbound_strategies.errors import ConfigError, NotFoundError
from deskbound_strategies.floor import PROFILES

SHOWN_ROUNDS = 12  # of a long run the first and the last ones


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(simulate)


def simulate(
    plan: Annotated[Path, typer.Argument(help="A round plan (TOML).")],
    laptops: Annotated[int, typer.Option(min=2, max=100_000, help="How many virtual laptops.")],
    days: Annotated[
        int, typer.Option(min=1, max=30, help="Days that each trains on; one more is measured on.")
    ] = 2,
    data: Annotated[
        Path | None, typer.Option(help="Folder of published sets; without it days are made up.")
    ] = None,
    set_name: Annotated[
        str, typer.Option("--set", help="Which set of that folder; each laptop is one person.")
    ] = "",
    counts: Annotated[
        Path | None,
        typer.Option(help="A plan of private counts that come first, on the same days."),
    ] = None,
    profile: Annotated[
        str, typer.Option(help="The laptops' privacy profile; the plan's own by default.")
    ] = "",
    availability: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Chance of a laptop to be there for a round.")
    ] = 1.0,
    dropout: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Chance of an answer, paid for, to be lost.")
    ] = 0.0,
    seed: Annotated[
        int, typer.Option(min=0, max=2**31, help="The same seed gives the same models.")
    ] = 0,
    workers: Annotated[
        int, typer.Option(min=0, max=256, help="Processes; 0 for one a processor.")
    ] = 0,
    out: Annotated[Path | None, typer.Option(help="Write the results to this file (JSON).")] = None,
    as_json: AsJson = False,
) -> None:
    """Try a plan on virtual laptops: how good the models are, who refuses, what it costs.

    The server's own rounds and the laptops' own training run on Flower's simulation engine, in this
    machine alone. Its noise can be repeated from the seed: it protects nobody, and says so.

    Example: deskbound-server simulate plan.toml --laptops 100 --days 2 --out results.json
    """
    asked = Simulation(
        plan=load_plan(plan, any_profile=True),
        plan_folder=plan.parent,
        laptops=laptops,
        profile=_profile(profile, plan),
        days=days,
        **_set(data, set_name),
        availability=availability,
        dropout=dropout,
        seed=seed,
        workers=workers or os.cpu_count() or 1,
        counts=None if counts is None else load_plan(counts, any_profile=True),
    )
    _check_out(out)
    run = find_simulator()
    with Live(quiet=as_json) as live:
        found = run(asked, live)
    if out is not None:
        write_private(out, (json.dumps(found, indent=2, sort_keys=True) + "\n").encode("utf-8"))
    if as_json:
        print_json(found)
    else:
        console.print(rendered(found))


def _profile(name: str, plan: Path) -> str:
    chosen = name or load_plan(plan, any_profile=True).profile
    if chosen not in PROFILES:
        raise ConfigError(f"There is no profile {chosen}.", f"Choose from {', '.join(PROFILES)}.")
    return chosen


def _set(data: Path | None, name: str) -> dict[str, Any]:
    if (data is None) != (not name):
        raise ConfigError(
            "A published set needs both --data and --set.",
            "Name the folder of sets and one of them, or neither for made-up days.",
        )
    if data is None:
        return {"set_name": GENERATED}
    if not (data / name).is_dir():
        raise NotFoundError(f"There is no set {name} in {data}.", "Name a folder that holds it.")
    return {"set_name": name, "set_folder": data / name}


def _check_out(out: Path | None) -> None:
    """Refuse before minutes are spent, not after."""
    if out is not None and not out.absolute().parent.is_dir():
        raise NotFoundError(
            f"There is no folder {out.absolute().parent} for the results.",
            "Make it, or name a file in another one.",
        )


class Live:
    """The live bar; ``simulation.Watch``.

    Args:
        quiet: show nothing.
    """

    def __init__(self, *, quiet: bool) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
            TextColumn("{task.fields[speed]}"), TimeElapsedColumn(),
            console=console, disable=quiet, transient=True,
        )  # fmt: skip
        self._task = self._progress.add_task("Preparing", total=None, speed="")
        self._begun = time.monotonic()
        self._rounds = 0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def phase(self, words: str, total: int) -> None:
        """Begin something anew."""
        self._begun = time.monotonic()
        self._progress.reset(
            self._task, description=words, total=total or None, completed=0, speed=""
        )

    def step(self) -> None:
        """Advance by one."""
        self._progress.advance(self._task)

    def answers(self, count: int, released: int) -> None:
        """Show rounds and laptops a second."""
        speed = count / max(time.monotonic() - self._begun, 1e-9)
        self._progress.update(
            self._task, completed=max(released - 1, 0), speed=f"{speed:.1f} laptops/s"
        )


def rendered(found: dict[str, Any]) -> RenderableType:
    """Return the results for a person, at most 80 columns wide."""
    return Group(
        Text(found["notice"][0].upper() + found["notice"][1:] + ".", "bold"),
        Text(),
        _rounds(found["rounds"]),
        Text(),
        *_utility(found),
        Text(_facts(found)),
    )


def _rounds(rounds: list[dict[str, Any]]) -> RenderableType:
    table = table_of(
        "round", "model", "count", "asked", "hit@1", "hit@5", "loss", "refused, silent"
    )
    shown = rounds
    if len(rounds) > SHOWN_ROUNDS:
        shown = rounds[: SHOWN_ROUNDS // 2] + rounds[-SHOWN_ROUNDS // 2 :]
    for row in shown:
        numbers = (_share(row["hit1"]), _share(row["hit5"]), _share(row["held_out_loss"]))
        silent = row["silent"] | ({"lost": row["lost"]} if row["lost"] else {})
        number = "counts" if row["task"] == COUNTS_TASK else str(row["round"])
        table.add_row(
            number, row["state"], str(row["admitted"]), str(row["cohort"]), *numbers,
            codes(row["refused"] | row["rejected"] | silent),
        )  # fmt: skip
    left = len(rounds) - len(shown)
    return Group(table, Text(f"{left} rounds in between are left out here.")) if left else table


def _utility(found: dict[str, Any]) -> list[RenderableType]:
    utility = found["utility"]
    if not utility["positions"]:
        return [Text("No laptop has both days to train on and a day to measure on."), Text()]
    table = table_of("on days nobody trained on", "hit@1", "hit@5")
    released = [row for row in found["rounds"] if row["hit1"] is not None]
    if released:
        last = released[-1]
        table.add_row("the last model", _share(last["hit1"]), _share(last["hit5"]))
    for name, one in utility["baselines"].items():
        table.add_row(f"own {name}, no noise", _share(one["hit1"]), _share(one["hit5"]))
    where = f"{utility['positions']} actions of {utility['laptops']} laptops; data: "
    return [table, Text(where + found["asked"]["data"] + "."), Text()]


def _facts(found: dict[str, Any]) -> str:
    epsilon, speed, rounds = found["epsilon"], found["speed"], found["rounds"]
    down, up = (sum(row[name] for row in rounds) for name in ("bytes_down", "bytes_up"))
    return (
        f"Run {found['ended']}. With noise that nobody can repeat, a day would have given away "
        f"epsilon {epsilon['largest']:.3g} at most, {epsilon['median']:.3g} in the median, about "
        f"one {epsilon['unit']} at delta {epsilon['delta']:g}; its cap is "
        f"{epsilon['cap_of_a_day']:g}.\n"
        f"{byte_words(down)} went to laptops and {byte_words(up)} came back.\n"
        f"{speed['worked']} times a laptop worked, in {speed['seconds']:.1f} s: "
        f"{speed['clients_per_second']:.1f} laptops a second with {found['asked']['workers']} "
        f"workers; the server took {byte_words(speed['server_peak_bytes'])}, a worker "
        f"{byte_words(speed['worker_bytes'])}.\n"
        f"The last model is {found['model'][:16] or 'none'}: the same seed gives the same."
    )


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
