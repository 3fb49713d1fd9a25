"""The employee's rules, read anew whenever the file that holds them changes."""

import os
from dataclasses import dataclass
from pathlib import Path

from deskbound_client.capture.schedule import ALWAYS, Schedule
from deskbound_client.config import load_config
from deskbound_strategies.errors import DeskboundError


@dataclass(frozen=True, slots=True)
class Rules:
    """What is never looked at, and when nothing is.

    Attributes:
        apps: categories or patterns of program names that are excluded.
        titles: patterns of window titles that are excluded.
        schedule: hours in which capture may run.
    """

    apps: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    schedule: Schedule = ALWAYS


class RuleFile:
    """Gives the rules in force; used by one thread.

    Args:
        first: the rules as long as there never was a file.
        path: of ``config.toml``.
    """

    def __init__(self, first: Rules, path: Path) -> None:
        self._rules: Rules | None = first
        self._path = path
        self._seen: tuple[int, ...] | None = None

    def read(self) -> Rules | None:
        """Return the rules in force; None if they cannot be read, so nothing may be looked at."""
        found = _identity(self._path)
        if found != self._seen:
            self._seen = found
            try:
                # A file that was there and is gone is being replaced, or was lost: not no rules.
                self._rules = None if found is None else _load(self._path)
            except (DeskboundError, OSError):
                self._rules = None
        return self._rules


def _load(path: Path) -> Rules:
    config = load_config(path)
    return Rules(config.excluded_apps, config.excluded_titles, Schedule.parse(config.schedule))


def _identity(path: Path) -> tuple[int, ...] | None:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return (
        found.st_dev, found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size,
        found.st_mode,
    )  # fmt: skip
