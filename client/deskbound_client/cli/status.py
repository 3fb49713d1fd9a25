"""``deskbound status``: what is really being stored, from committed rows."""

import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import typer
from rich.table import Table

from deskbound_client import agent
from deskbound_client.capture.control import Control
from deskbound_client.capture.signals import STREAMS
from deskbound_client.capture.status import read_status
from deskbound_client.cli.session import AsJson, check_vault, console, paths_of, print_json
from deskbound_client.employee.words import until
from deskbound_client.paths import HomePaths

FRESH_SECONDS = 10  # an older statement of capture is no statement
_AGENT = {"degraded": "running, but not all of it works (see below)"}
_CHILDREN = {
    "capture": "capture",
    "executor": "learning (executor)",
    "supernode": "connection to the server (supernode)",
}
_WHY = {
    "open": "on",
    "paused": "paused",
    "no-consent": "off: you agreed to no stream (see `deskbound consent show`)",
    "unknown": "closed: the active application cannot be told",
    "locked": "closed: the screen is locked",
    "idle": "closed: nobody is here",
    "excluded": "closed: this application is excluded",
    "display-lost": "closed: the display does not answer",
    "stopped": "not running",
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(status)


def status(context: typer.Context, json: AsJson = False) -> None:
    """Show what is running, what was really stored in the last minute, and why not more.

    Needs no passphrase: it reads counts, never content.

    Example: deskbound status
    """
    paths = paths_of(context)
    check_vault(paths)
    found = status_of(paths)
    print_json(found) if json else print_status(found)


def status_of(paths: HomePaths) -> dict[str, Any]:
    """Return all that is known without opening the vault."""
    control = Control.open(paths.control)
    told = read_status(paths.run / "capture.json")
    fresh = told is not None and time.time() - told.at <= FRESH_SECONDS
    state = told.state if told is not None and fresh else "stopped"
    rows = told.rows_last_minute if told is not None and fresh else {}
    return {
        "agent": asdict(agent.status(paths)),
        "capture": "paused" if control.paused else state,
        "joined": paths.join.exists(),
        "paused_until": control.paused_until,
        "streams": {
            stream.name: {
                "on": bool(control.streams & stream.bit),
                "rows_last_minute": rows.get(stream.name, 0),
            }
            for stream in STREAMS
        },
        "disk_full": bool(told and fresh and told.disk_full),
    }


def print_status(found: dict[str, Any]) -> None:
    """Print what ``status_of`` found for a person."""
    running = found["agent"]["state"]
    console.print(
        f"Deskbound is [bold]{_AGENT.get(running, running)}[/]. Capture is {_why(found)}."
    )
    table = Table("stream", "consent", "stored in the last minute", box=None, pad_edge=False)
    for name, stream in found["streams"].items():
        consent = "[green]on[/]" if stream["on"] else "[dim]off[/]"
        table.add_row(name, consent, str(stream["rows_last_minute"]))
    console.print(table)
    for name, child in found["agent"]["children"].items():
        line = f"{_CHILDREN.get(name, name)}: {child['state']}"
        if child["sentence"]:
            line += f". {child['sentence']} {child['mend']}"
        elif child["trouble"]:
            line += f" (last trouble: {child['trouble']})"
        console.print(line, style="dim", markup=False)
    for line in _next_steps(found):
        console.print(line, markup=False)
    if found["disk_full"]:
        console.print("[bold red]The disk is full[/]; nothing can be stored.")


def _next_steps(found: dict[str, Any]) -> Iterator[str]:
    """Yield what the employee may want to know or do about the state things are in."""
    known = found["agent"]
    if known["state"] == "stopped":
        yield "Begin with `deskbound start`."
    elif not found["joined"]:
        yield "In no fleet: nothing can leave. `deskbound join` enters one."
    elif known["silent_until"] > time.time():
        end = until(known["silent_until"], time.time())
        yield f"Silent to the server until {end}: the last round was not answered."
        yield "It lacked consent, complete days or budget: docs/troubleshooting.md tells which."
    elif known["children"] and not known["willing"]:
        yield "Not taking part in rounds: paused, or no `deskbound consent grant updates`."


def _why(found: dict[str, Any]) -> str:
    if found["capture"] == "paused" and found["paused_until"]:
        return f"paused until {until(found['paused_until'], time.time())}"
    if found["capture"] == "paused":
        return "paused until you say `deskbound resume`"
    return _WHY.get(found["capture"], str(found["capture"]))
