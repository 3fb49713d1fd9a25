"""``deskbound status``: what is really being stored, from committed rows."""

import time
from collections.abc import Iterator

import typer
from rich.table import Table

from deskbound_client.cli.session import AsJson, check_vault, console, paths_of, print_json
from deskbound_client.employee.status import SILENT, Status, StreamStatus, status_of
from deskbound_client.employee.summary import Summary
from deskbound_client.employee.words import clock, counted, hour, size, until

_AGENT = {"degraded": "running, but not all of it works (see below)"}
_CHILDREN = {
    "capture": "capture",
    "executor": "learning (executor)",
    "supernode": "connection to the server (supernode)",
    "presence": "icon, hotkey and notices (presence)",
}
_SHOWN_HOLES = 5


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
    print_json(found.as_dict()) if json else print_status(found)


def print_status(found: Status) -> None:
    """Print what ``status_of`` found for a person."""
    running = found.agent.state
    console.print(
        f"Deskbound is [bold]{_AGENT.get(running, running)}[/]. Capture is {found.words}."
    )
    table = Table("stream", "consent", "last minute", "captured now", box=None, pad_edge=False)
    for stream in found.streams:
        table.add_row(*_row(stream))
    console.print(table)
    for line in _missed(found):
        console.print(line)
    for line in (*_children(found), *found.protection.words, *_left(found.upload)):
        console.print(line, style="dim", markup=False)
    for line in _next_steps(found):
        console.print(line, markup=False)
    if found.disk_full:
        console.print("[bold red]The disk is full[/]; nothing can be stored.")


def _row(stream: StreamStatus) -> tuple[str, str, str, str]:
    consent = "[green]on[/]" if stream.on else "[dim]off[/]"
    style = "bold red" if stream.trouble else "default" if stream.now == "open" else "dim"
    words = stream.words if stream.on else ""
    return stream.name, consent, f"{stream.rows_last_minute} stored", f"[{style}]{words}[/]"


def _missed(found: Status) -> Iterator[str]:
    """Yield the holes of the last hour, the newest last."""
    for hole in found.holes[-_SHOWN_HOLES:]:
        yield f"[yellow]Missed[/] from {clock(hole.started)} to {clock(hole.ended)}: {hole.cause}."
    if len(found.holes) > _SHOWN_HOLES:
        yield f"[yellow]Missed[/] something in the last hour {len(found.holes)} times in all."


def _children(found: Status) -> Iterator[str]:
    for name, child in found.agent.children.items():
        silent = name == "capture" and found.capture == SILENT
        line = f"{_CHILDREN.get(name, name)}: {'silent' if silent else child['state']}"
        if child["sentence"]:
            line += f". {child['sentence']} {child['mend']}"
        elif child["trouble"]:
            line += f" (last trouble: {child['trouble']})"
        yield line


def _left(upload: Summary | None) -> Iterator[str]:
    """Yield what left last and what budget is left, as of the ledger's entry that says so."""
    if upload is None:
        return
    budget = f"Budget left: {100 * upload.budget_left:.0f} % (as of ledger entry {upload.entry})."
    if not upload.uploads:
        yield f"Nothing has left this laptop. {budget}"
        return
    yield (
        f"Last upload: {size(upload.last_bytes)} for round {upload.last_round},"
        f" {hour(upload.last_at)}; {counted(upload.uploads, 'upload')} in all. {budget}"
    )


def _next_steps(found: Status) -> Iterator[str]:
    """Yield what the employee may want to know or do about the state things are in."""
    known = found.agent
    if alarm := found.alarm:
        yield f"[bold red]{alarm.sentence}[/] {alarm.mend}"
    if found.governor is not None and found.governor.sentence:
        yield f"{found.governor.sentence} {found.governor.mend}".rstrip()
    if known.state == "stopped":
        yield "Begin with `deskbound start`."
    elif found.capture == SILENT:
        yield "If it stays silent: `deskbound stop`, then `deskbound start`."
    elif not found.joined:
        yield "In no fleet: nothing can leave. `deskbound join` enters one."
    elif known.silent_until > time.time():
        end = until(known.silent_until, time.time())
        yield f"Silent to the server until {end}: the last round was not answered."
        yield "It lacked consent, complete days or budget: docs/troubleshooting.md tells which."
    elif known.children and not known.willing:
        yield "Not taking part in rounds: paused, or no `deskbound consent grant updates`."
