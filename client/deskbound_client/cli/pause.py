"""``deskbound pause``: nothing is kept from this moment, for as long as the employee says."""

import re
import time
from datetime import datetime, timedelta
from typing import Annotated

import typer

from deskbound_client.cli.session import console, control_of
from deskbound_client.employee.words import until as end_of
from deskbound_strategies.errors import ConfigError

_LENGTH = re.compile(r"(\d{1,5})\s*([mhd])")
_CLOCK = re.compile(r"(?:until\s+)?(\d{1,2}):(\d{2})")
_UNIT = {"m": 60, "h": 3600, "d": 86400}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(pause)


def pause(
    context: typer.Context,
    how_long: Annotated[
        list[str] | None,
        typer.Argument(help="30m, 2h, 1d, 'until 15:00', 'today' or 'forever' (the default)."),
    ] = None,
) -> None:
    """Stop keeping anything, at once.

    There is no longest pause. It survives a restart, and nothing but you or its own time ends it.

    Example: deskbound pause 30m
    """
    until = parse_pause(" ".join(how_long or ["forever"]), datetime.now().astimezone())
    control_of(context).pause(until)
    if until is None:
        console.print("Paused until you say [bold]deskbound resume[/].")
    else:
        console.print(f"Paused until {end_of(until, time.time())}.")


def parse_pause(text: str, now: datetime) -> float | None:
    """Return the Unix time at which a pause ends, or ``None`` for no end.

    Raises:
        ConfigError: the text names no length.
    """
    words = text.strip().lower()
    if words == "forever":
        return None
    if words == "today":
        tomorrow = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        return tomorrow.timestamp()
    if match := _LENGTH.fullmatch(words):
        return now.timestamp() + int(match[1]) * _UNIT[match[2]]
    match = _CLOCK.fullmatch(words)
    if match and int(match[1]) < 24 and int(match[2]) < 60:
        end = now.replace(hour=int(match[1]), minute=int(match[2]), second=0, microsecond=0)
        return (end if end > now else end + timedelta(days=1)).timestamp()
    raise ConfigError(
        "That is not a length of time.", "Say 30m, 2h, 1d, 'until 15:00', today or forever."
    )
