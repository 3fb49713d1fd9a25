"""Pausing: nothing is kept from the moment it is said, for as long as the employee says.

Neither needs the vault. A pause has no longest time, and nothing but the employee or its own time
ends it. An operator who stops the fleet makes one without end, and can do no more.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from deskbound_client.capture.control import Control
from deskbound_client.paths import HomePaths
from deskbound_strategies.errors import ConfigError
from deskbound_strategies.stop_order import REASON_WORDS, StopReason

CHOICES = ("5m", "30m", "1h", "today", "forever")  # what a button or a menu offers
_LENGTH = re.compile(r"([1-9]\d{0,4})\s*(m|min|minutes?|h|hours?|d|days?)")
_CLOCK = re.compile(r"(?:until\s+)?(\d{1,2}):(\d{2})")
_SECONDS = {"m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True)
class PauseState:
    """Whether anything may be read now.

    Attributes:
        paused: nothing may.
        until: Unix time at which the pause ends by itself; None for no pause or one without end.
        stopped_for: why the operator stopped the fleet, while the pause is of that.
    """

    paused: bool
    until: float | None
    stopped_for: StopReason | None = None


def pause(
    paths: HomePaths, text: str = "forever", now: datetime | None = None, zone: tzinfo | None = None
) -> PauseState:
    """Stop keeping anything, at once; durable when this returns.

    Args:
        paths: of the home.
        text: ``30m``, ``2h``, ``1d``, ``until 15:00``, ``today`` or ``forever``.
        now: the present moment.
        zone: of the wall clock; None for the system's own.

    Raises:
        ConfigError: the text names no length; nothing is paused then.
        VaultDamagedError: the control file is missing or damaged; it reads as paused.
    """
    until = parse_pause(text, now or datetime.now().astimezone(), zone)
    control = Control.open(paths.control)
    control.pause(until)
    reason = control.stopped_for
    return PauseState(paused=True, until=None if reason else until, stopped_for=reason)


def resume(paths: HomePaths) -> PauseState:
    """End a pause; only the employee's own deed calls this.

    Raises:
        VaultDamagedError: the control file is missing or damaged; it stays paused.
    """
    Control.open(paths.control).resume()
    return PauseState(paused=False, until=None)


def state(paths: HomePaths) -> PauseState:
    """Return whether it is paused; a missing or damaged control file is."""
    control = Control.open(paths.control)
    return PauseState(control.paused, control.paused_until, control.stopped_for)


def stop_words(reason: StopReason) -> str:
    """Return in one sentence that and why the operator stopped the fleet."""
    return f"The operator stopped the fleet: {REASON_WORDS[reason]}."


def parse_pause(text: str, now: datetime, zone: tzinfo | None = None) -> float | None:
    """Return the Unix time at which a pause ends, or ``None`` for no end.

    Args:
        text: what a person types.
        now: a moment with its time zone.
        zone: of the wall clock; None for the system's own.

    Raises:
        ConfigError: the text names no length.
    """
    words = " ".join(text.split()).lower()
    today = now.astimezone(zone).date()
    if words == "forever":
        return None
    if words == "today":
        return _moment(today + timedelta(days=1), time(0), zone)
    if match := _LENGTH.fullmatch(words):
        return now.timestamp() + int(match[1]) * _SECONDS[match[2][0]]
    match = _CLOCK.fullmatch(words)
    if match and int(match[1]) < 24 and int(match[2]) < 60:
        clock = time(int(match[1]), int(match[2]))
        end = _moment(today, clock, zone)
        return end if end > now.timestamp() else _moment(today + timedelta(days=1), clock, zone)
    raise ConfigError(
        "That is not a length of time.",
        "Say 30m, 2h, 1d, 'until 15:00', today or forever; 1m is the shortest.",
    )


def _moment(day: date, clock: time, zone: tzinfo | None) -> float:
    """Return the Unix time of a wall clock; the later one where there are two."""
    local = datetime.combine(day, clock, tzinfo=zone)
    return max(local.replace(fold=fold).timestamp() for fold in (0, 1))
