"""What capture says of itself: a small file of counts and codes, for other processes to read.

It says what was committed in the last minute, never what was meant to be: a stream that is agreed
to and stores nothing shows as nothing.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class CaptureStatus:
    """State of the capture process.

    Attributes:
        pid: its process.
        at: Unix time of this statement, whole seconds; an old one is no statement.
        state: ``open`` or the reason the gate is closed (``gate.Reason``), ``display-lost`` or
            ``stopped``.
        streams: names of streams consented to.
        rows_last_minute: rows on the disk, by stream.
        faults: threads that died and were started anew.
        disk_full: the last commit found no room.
    """

    pid: int
    at: int
    state: str
    streams: tuple[str, ...]
    rows_last_minute: dict[str, int]
    faults: int
    disk_full: bool


def write_status(path: Path, status: CaptureStatus) -> None:
    """Replace the status file as a whole; only its owner can read it."""
    draft = path.with_suffix(".draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(status), file)
    draft.replace(path)


def read_status(path: Path) -> CaptureStatus | None:
    """Return what capture last said of itself, None if it never did."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return CaptureStatus(**{**found, "streams": tuple(found["streams"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None
