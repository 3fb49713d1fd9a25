"""``deskbound start``: begins capture and, in a fleet, taking part."""

import os
import time
from typing import Annotated

import typer
from rich.console import Console

from deskbound_client import agent, consent
from deskbound_client.capture.display import find_display
from deskbound_client.cli.session import (
    AsJson,
    console,
    open_vault,
    passphrase_given,
    paths_of,
    print_json,
)
from deskbound_client.cli.status import print_status
from deskbound_client.employee.status import Status, status_of
from deskbound_client.paths import HomePaths
from deskbound_strategies.errors import NoDisplayError, WaylandError

FIRST_LOOK_SECONDS = 2.0  # until then capture has looked once at what is in front
waiting = Console(stderr=True)  # shows nothing where it is no terminal


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(start)


def start(
    context: typer.Context,
    capture: Annotated[
        bool, typer.Option(help="Capture input; --no-capture only takes part in rounds.")
    ] = True,
    json: AsJson = False,
) -> None:
    """Begin: capture what you agreed to, and take part in rounds if you agreed and joined.

    Runs in the background until `deskbound stop`. Nothing starts it but you.

    Example: deskbound start
    """
    paths = paths_of(context)
    passphrase = passphrase_given(context)
    with open_vault(context, passphrase) as vault:
        agreed = set(consent.granted(vault))
    if capture:
        _check_display()
    with waiting.status("Starting; what learns takes some seconds to load"):
        agent.start(paths, passphrase, capture=capture)
    found = _first_look(paths)
    if json:
        print_json(found.as_dict())
        return
    if not agreed:
        console.print("[yellow]You have agreed to nothing yet[/]: `deskbound consent show`.")
    print_status(found)


def _first_look(paths: HomePaths) -> Status:
    """Return the status once capture has looked: before that it can tell of no program."""
    deadline = time.monotonic() + FIRST_LOOK_SECONDS
    while (found := status_of(paths)).capture == "unknown" and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def _check_display() -> None:
    try:
        find_display(os.environ)
    except (NoDisplayError, WaylandError) as error:
        mend = f"{error.mend} `deskbound start --no-capture` takes part in rounds without it."
        raise type(error)(error.sentence, mend) from None
