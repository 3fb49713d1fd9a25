"""``deskbound-server run``: carry out a round plan, or go on with a run that was interrupted."""

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from deskbound_server.cli import dry_run as dry
from deskbound_server.cli.common import AsJson, console, home_of, open_database, print_json
from deskbound_server.cli.runs import hits_of, hits_table, run_as_dict
from deskbound_server.control import Control
from deskbound_server.database import Database
from deskbound_server.follow import Sight, follow, look
from deskbound_server.held_out import keep_file
from deskbound_server.home import ServerHome
from deskbound_server.model_store import ModelStore
from deskbound_server.plan import RoundPlan
from deskbound_server.plan_file import load_plan
from deskbound_server.publication import in_words
from deskbound_server.rounds import new_run
from deskbound_server.schema import RoundState, RunState
from deskbound_server.starting import settled_start
from deskbound_server.words import codes
from deskbound_strategies.errors import BusyError, ConfigError, RoundFailedError

warnings = Console(stderr=True, highlight=False, soft_wrap=True)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(run)


def run(
    context: typer.Context,
    plan: Annotated[Path | None, typer.Argument(help="A round plan, e.g. demo.toml.")] = None,
    resume: Annotated[
        str | None, typer.Option(help="Go on with this run after its last released round.")
    ] = None,
    detach: Annotated[
        bool, typer.Option("--detach", help="Submit and come back; see 'deskbound-server runs'.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what a plan would ask and cost; send nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Carry out a round plan on the running SuperLink and show how it goes; Ctrl-C stops the run.

    Resuming issues new contracts: laptops that had answered an unfinished round pay again.

    Example: deskbound-server run demo.toml
    """
    home = home_of(context)
    if dry_run:
        _show_dry_run(home, plan, as_json=as_json)
        return
    with open_database(home) as database, Control(home) as control:
        if (plan is None) == (resume is None):
            raise ConfigError("Name either a plan or a run to resume.", "As in: run demo.toml")
        if plan is not None:
            name = _prepare_new(control, home, database, plan)
        else:
            name = _prepare_old(control, home, database, resume or "")
        told = len(database.rounds(name))
        submitted = control.start_run(name)
        database.set_flower_run(name, submitted)
        if detach:
            _say_submitted(name, as_json=as_json)
            return
        try:
            sight = _watch(home, database, name, told=told, quiet=as_json)
        except KeyboardInterrupt:
            database.set_run(name, RunState.STOPPED, "operator")
            control.stop_run(submitted)
            warnings.print(
                f"Stopped. Go on with [bold]deskbound-server run --resume {name[:8]}[/]."
            )
            raise
        _conclude(sight, home, as_json=as_json)


def _show_dry_run(home: ServerHome, path: Path | None, *, as_json: bool) -> None:
    if path is None:
        raise ConfigError("A dry run needs a plan.", "As in: run demo.toml --dry-run")
    found, laptops = dry.dry_run(home, load_plan(path, any_profile=True))
    if as_json:
        print_json(dry.as_dict(found, laptops))
    else:
        console.print(dry.rendered(found, laptops))


def _prepare_new(control: Control, home: ServerHome, database: Database, path: Path) -> str:
    """Write a new run down, once it is known that there is a SuperLink to take it."""
    models = ModelStore(home.models)
    plan = settled_start(load_plan(path), database, models)
    plan = keep_file(plan, path.parent, models)
    affordable = plan.affordable_rounds()
    if affordable < plan.rounds:
        warnings.print(
            f"[yellow]After {affordable} of {plan.rounds} rounds a day of data is spent under "
            f"profile {plan.profile}; laptops without other days then fall silent.[/]"
        )
    control.online()
    return new_run(database, plan, time.time())


def _prepare_old(control: Control, home: ServerHome, database: Database, name: str) -> str:
    sight = look(home.run, database, database.find_run(name).id)
    if sight.conducted:
        raise BusyError("This run is being conducted.", "Wait for it, or stop it first.")
    if sight.run.state is RunState.FINISHED:
        raise ConfigError("This run has finished.", "Start a new one with a plan.")
    control.online()
    database.set_run(sight.run.id, RunState.QUEUED)
    return sight.run.id


def _say_submitted(name: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"run": name})
    else:
        console.print(f"Submitted run [bold]{name[:8]}[/].")


def _watch(home: ServerHome, database: Database, name: str, *, told: int, quiet: bool) -> Sight:
    """Show rounds as they close, after the first ``told``, until the run is over."""
    rounds = RoundPlan.from_bytes(database.find_run(name).plan).rounds
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, disable=quiet, transient=True) as progress:
        task = progress.add_task(f"run {name[:8]}", total=rounds)
        for sight in follow(home.run, database, name):
            closed = [row for row in sight.rounds if row.state is not RoundState.OPEN]
            for row in [] if quiet else closed[told:]:
                said = (codes(row.refused | row.rejected), in_words(row.check))
                progress.console.print(
                    f"round {row.number}: {row.state.value}, {row.admitted} of {row.cohort} count, "
                    f"{row.missing} silent" + "".join(f", {words}" for words in said if words)
                )
            told = max(told, len(closed))
            progress.update(task, completed=sight.released)
    return sight


def _say_finished(sight: Sight, home: ServerHome) -> None:
    hits = hits_of(sight, home)
    if hits is None:
        console.print(f"Run [bold]{sight.run.id[:8]}[/] finished: {sight.released} models.")
    else:
        console.print(f"Run [bold]{sight.run.id[:8]}[/] finished.", hits_table(hits))


def _conclude(sight: Sight, home: ServerHome, *, as_json: bool) -> None:
    if as_json:
        print_json(run_as_dict(sight))
    if sight.run.state is RunState.FINISHED:
        if not as_json:
            _say_finished(sight, home)
        return
    short = sight.run.id[:8]
    if sight.interrupted:
        raise RoundFailedError(
            f"Run {short} was interrupted after {sight.released} released rounds.",
            f"Go on with 'deskbound-server run --resume {short}'.",
        )
    if sight.run.state is RunState.QUEUED:
        raise RoundFailedError(
            f"Run {short} was not taken up.", "Look into run/superexec.log; is the server up?"
        )
    raise RoundFailedError(
        f"Run {short} {sight.run.state.value} ({sight.run.reason}) after {sight.released} rounds.",
        f"See 'deskbound-server runs {short}', then run --resume {short}.",
    )
