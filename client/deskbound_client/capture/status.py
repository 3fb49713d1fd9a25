"""What capture says of itself: a small file of counts and codes, for other processes to read.

It says what was committed in the last minute, never what was meant to be: a stream that is agreed
to and stores nothing shows as nothing, and one that sees something and stores nothing as trouble.
"""

import json
import os
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import psutil

from deskbound_client.store.files import replace_private
from deskbound_strategies.errors import DiskFullError

FRESH_SECONDS = 10  # an older statement is no statement


@dataclass(frozen=True, slots=True)
class Hole:
    """A stretch of the last hour in which something was missed.

    Attributes:
        started: Unix time of the first second missed.
        ended: Unix time of the last.
        cause: from the closed list of ``store.rows``.
    """

    started: int
    ended: int
    cause: str


@dataclass(frozen=True, slots=True)
class CaptureStatus:
    """State of the capture process.

    Attributes:
        pid: its process.
        at: Unix time of this statement, whole seconds; an old one is no statement.
        state: ``open`` or the reason the gate is closed (``gate.Reason``), ``display-lost``,
            ``deaf`` (no tap hears input) or ``stopped``.
        streams: names of streams consented to.
        rows_last_minute: rows on the disk, by stream.
        faults: threads that died and were started anew.
        disk_full: the last commit found no room.
        now: for each stream ``open``, or why nothing of it would be captured at this moment.
        seen_last_minute: observations that came through the gate, by stream.
        trouble: streams that have seen something and stored nothing of it for half a minute.
        holes: those of the last hour, oldest first.
    """

    pid: int
    at: int
    state: str
    streams: tuple[str, ...]
    rows_last_minute: dict[str, int]
    faults: int
    disk_full: bool
    now: dict[str, str] = field(default_factory=dict)
    seen_last_minute: dict[str, int] = field(default_factory=dict)
    trouble: tuple[str, ...] = ()
    holes: tuple[Hole, ...] = ()


def write_status(path: Path, status: CaptureStatus) -> None:
    """Replace the status file as a whole; only its owner can read it."""
    draft = path.with_suffix(".draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(status), file)
    draft.replace(path)


def clear_status(path: Path) -> None:
    """Take out of the file what it tells of the time before: some of it is to be forgotten.

    Capture that runs writes it anew within a second, without that.
    """
    told = read_status(path)
    if told is None:
        return
    rest = replace(told, now={}, rows_last_minute={}, seen_last_minute={}, holes=())
    try:
        replace_private(path, json.dumps(asdict(rest)).encode("utf-8"))
    except DiskFullError:
        path.unlink(missing_ok=True)


def read_status(path: Path) -> CaptureStatus | None:
    """Return what capture last said of itself, None if it never did."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        lists = {name: tuple(found.get(name, ())) for name in ("streams", "trouble")}
        holes = tuple(Hole(**hole) for hole in found.get("holes", ()))
        return CaptureStatus(**{**found, **lists, "holes": holes})
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def is_fresh(told: CaptureStatus, now: float) -> bool:
    """Return whether what capture said still holds: said just now, by a process that is there.

    Args:
        told: what it said.
        now: Unix seconds.
    """
    return abs(now - told.at) <= FRESH_SECONDS and is_alive(told)


def is_alive(told: CaptureStatus) -> bool:
    """Return whether the process that said it is there: one that was killed says no last word."""
    try:
        return bool(psutil.Process(told.pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.AccessDenied:
        return True
    except psutil.Error:
        return False
